"""Finding what waits in the outbox without an owner: calls of earlier processes, and of others that died."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from tuner_langchain.delivery import forks
from tuner_langchain.delivery.item import ItemName, destination_of
from tuner_langchain.delivery.schedule import Entry

if TYPE_CHECKING:
    from tuner_langchain.delivery.process import Process

# Names read in one look: enough to keep a sender busy, few enough to hold in memory whatever lies there.
BATCH = 1000
_FIRST = 32
_BETWEEN_LOOKS_S = 30.0
_FOLDERS: tuple[Literal["new", "upload"], ...] = ("new", "upload")
_STORE_AGAIN_S = 5.0
_SWEEP_S = 3600.0


class Search:
    """Looks through the outbox now and then, a batch at a time, and keeps house there."""

    def __init__(self, process: Process) -> None:
        config = process.parts.config
        self._process = process
        self._destination = destination_of(config.workspace_id, config.agent_id)
        self._after = {"new": "", "upload": ""}
        self._complete = False
        self._looking = False
        self._urgent = False
        self._begun = False
        self._swept_s = float("-inf")
        self.next_s = float("-inf")

    def due(self, now_s: float) -> bool:
        """Tell, with the process' lock held, whether the thread that asks should look now."""
        schedule = self._process.schedule
        if self._looking:
            return False
        if self._urgent:
            self._urgent, self._complete = False, False
            self._after = {"new": "", "upload": ""}
        elif now_s < self.next_s if self._complete else not schedule.backlog_is_empty():
            return False
        self._looking = True
        return True

    def restart(self) -> None:
        """Begin from the start, with the process' lock held: somebody flushes."""
        self._urgent = True

    @property
    def complete(self) -> bool:
        """Whether a look has reached the end since the last restart."""
        return self._complete and not self._looking and not self._urgent

    def hasten(self, when_s: float) -> None:
        """Look again by `when_s`, with the process' lock held."""
        self.next_s = min(self.next_s, when_s)

    def look(self) -> None:
        """Offer the schedule the next batch, and keep house at the end of a round."""
        found: list[Entry] = []
        complete = True
        try:
            self._store_again()
            for folder in _FOLDERS:
                batch, ended = self._batch(folder)
                found += batch
                complete = complete and ended
        finally:
            self._done(found, complete=complete)
        if complete:
            self._keep_house()
        self._process.report_vanished()

    def _batch(self, folder: Literal["new", "upload"]) -> tuple[list[Entry], bool]:
        process = self._process
        with process.lock:
            known = process.schedule.known()
        if not self._begun and folder == "new":
            self._begun = True
            # The very first look takes what comes, so that sending begins before a large directory is read.
            names = map(ItemName.parse, process.outbox.any_of(folder, self._destination, limit=_FIRST))
            return [Entry(name) for name in names if name is not None and self._is_new(name, known)], False
        limit = BATCH + len(known)
        texts = process.outbox.oldest(folder, self._destination, after=self._after[folder], limit=limit)
        entries: list[Entry] = []
        for text in texts:
            name = ItemName.parse(text)
            self._after[folder] = text
            if name is not None and self._is_new(name, known):
                entries.append(Entry(name, folder=folder))
                if len(entries) == BATCH:
                    return entries, False
        return entries, len(texts) < limit

    def _is_new(self, name: ItemName, known: set[str]) -> bool:
        return name.destination == self._destination and name.key not in known

    def _done(self, found: list[Entry], *, complete: bool) -> None:
        process = self._process
        with process.lock:
            process.schedule.offer(found)
            self._looking = False
            self._complete = complete
            if complete:
                self._after = {"new": "", "upload": ""}
                jitter = 1.0 + process.runtime.random()
                self.next_s = process.runtime.monotonic_s() + self._pause_s() * jitter
            process.lock.notify_all()

    def _pause_s(self) -> float:
        return _STORE_AGAIN_S if self._process.memory_bytes else _BETWEEN_LOOKS_S

    def _store_again(self) -> None:
        """Try to write what could not be written before: memory is the last resort, not a place to stay."""
        process = self._process
        while True:
            with process.lock:
                entry = process.schedule.begin_storing()
            if entry is None or entry.memory is None:
                return
            item = entry.memory
            try:
                process.outbox.put("new", entry.file, [item.header(), item.body])
                place = process.outbox.place.number()
            except Exception:  # noqa: BLE001 - whatever it is, the call stays in memory and is sent from there
                return
            else:
                with process.lock:
                    entry.memory, entry.place = None, place
                    process.memory_bytes -= len(item.body)
            finally:
                with process.lock:
                    process.schedule.storing = None
            if entry.receipt is not None:
                entry.receipt.update(durable=True)
            process.log.call(logging.INFO, "call %s is in the outbox now", item.call_id)

    def _sweep(self) -> bool:
        with forks.held_off():
            from tuner_langchain.delivery.sweep import sweep  # noqa: PLC0415 - once an hour

        return sweep(self._process.outbox) is not None

    def _keep_house(self) -> None:
        process, now_s = self._process, self._process.runtime.monotonic_s()
        # Nothing is swept while files are renamed; the next round tries again.
        if now_s - self._swept_s >= _SWEEP_S and self._sweep():
            self._swept_s = now_s
            foreign = process.outbox.foreign("new")
            if foreign:
                text = "%d files in the outbox %s are not calls and are left alone: %s"
                process.log.call(
                    logging.WARNING, text, len(foreign), process.outbox.root, ", ".join(foreign[:3])
                )
        process.room.measure()
