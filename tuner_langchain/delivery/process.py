"""What delivery has in one process, made anew in every forked child."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from tuner_langchain.delivery import forks
from tuner_langchain.delivery.item import destination_of
from tuner_langchain.delivery.log import Log
from tuner_langchain.delivery.receipt import Board, Receipt
from tuner_langchain.delivery.room import Room
from tuner_langchain.delivery.schedule import Entry, Schedule
from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery.client_port import Client
    from tuner_langchain.delivery.events import EventKind, Notifier
    from tuner_langchain.delivery.outbox import Outbox
    from tuner_langchain.delivery.runtime import Runtime
    from tuner_langchain.delivery.stats import DeliveryStats


_RECEIVED = "The on_event callback received its bytes."
_NOT_RECEIVED = "Nobody received its bytes: give Delivery an on_event callback for that."
# How often a flush asks for a call that another process has in its hands.
FLUSH_POLL_S = 0.2


class Counters:
    """What is counted as it happens, under the process' lock."""

    __slots__ = (
        "adopted_dead",
        "adopted_delivered",
        "dead",
        "delivered",
        "delivered_duplicate",
        "finalised",
        "lost",
        "requests",
        "uploaded",
        "uploads_failed",
    )

    def __init__(self) -> None:
        self.finalised = self.delivered = self.delivered_duplicate = self.dead = self.lost = 0
        self.requests = self.uploaded = self.uploads_failed = 0
        self.adopted_delivered = self.adopted_dead = 0


class Parts:
    """What a Delivery is made of and every process of it shares: settings and ways to the outside."""

    def __init__(
        self,
        config: TunerConfig,
        runtime: Runtime,
        make_client: Callable[[TunerConfig], Client],
        make_outbox: Callable[[], Outbox],
        make_notifier: Callable[[], Notifier] | None,
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.make_client = make_client
        self.make_outbox = make_outbox
        self.make_notifier = make_notifier


class Process:
    """The state of one destination in one process.

    `lock` guards `schedule` and `counters` and is never held while a file or a socket is touched.
    """

    def __init__(self, parts: Parts) -> None:
        config, monotonic_s = parts.config, parts.runtime.monotonic_s
        self.parts = parts
        self.outbox = parts.make_outbox()
        self.log = Log(monotonic_s)
        self.notifier = parts.make_notifier() if parts.make_notifier is not None else None
        self.room = Room(config, self.outbox, self.log, monotonic_s)
        self.destination = destination_of(config.workspace_id, config.agent_id)
        self.board = Board()
        self.schedule = Schedule()
        self.counters = Counters()
        self.lock = threading.Condition()
        self.client_lock = threading.Lock()
        self.client: Client | None = None
        self.connected = False
        self.memory_bytes = 0
        self.closed = False

    @property
    def runtime(self) -> Runtime:
        """The clock and the dice."""
        return self.parts.runtime

    def should_connect(self, now_s: float) -> bool:
        """Tell, with the lock held, whether a client is to be made, or waited for, before a call is taken."""
        return not self.connected and self.schedule.ready(now_s) > 0

    def connect(self) -> None:
        """Make the client before there is a request for it: the time that takes is no slow answer."""
        with contextlib.suppress(Exception):  # each request says why it has no client
            self.http_client()
        self.connected = True

    def http_client(self) -> Client:
        """Return the one client, made on first use: importing it takes longer than finishing many calls."""
        with self.client_lock:
            if self.client is None:
                with forks.held_off():
                    self.client = self.parts.make_client(self.parts.config)
            return self.client

    def close_client(self) -> None:
        """Close every connection, once nobody sends any more."""
        with self.client_lock:
            client, self.client = self.client, None
            self.connected = False
        if client is not None:
            client.close()

    def tell(
        self,
        kind: EventKind,
        call_id: str | None,
        message: str,
        status: int | None = None,
        body: bytes | None = None,
    ) -> None:
        """Pass an event to the application, if it listens."""
        if self.notifier is not None:
            self.notifier.tell(kind, call_id, printable(message), status, body)

    def drain_events(self, timeout_s: float) -> None:
        """Wait until every event was passed on, at most `timeout_s`."""
        if self.notifier is not None:
            self.notifier.drain(timeout_s)

    def wait_again(self, entry: Entry, pause_s: float) -> None:
        """Let an entry that was taken for sending wait, unless it was settled meanwhile."""
        with self.lock:
            if entry.key in self.schedule.in_flight:
                self.schedule.back_off(entry, self.runtime.monotonic_s() + pause_s)
                self.lock.notify_all()

    def wait_or_drop(self, entry: Entry, pause_s: float) -> None:
        """Come back to a call of this process, or to any while somebody flushes; a later look finds the others."""
        with self.lock:
            flushing = self.schedule.flushes > 0
            if entry.receipt is None and not flushing:
                self.schedule.drop(entry)
                return
        self.wait_again(entry, min(pause_s, FLUSH_POLL_S) if flushing else pause_s)

    def drop(self, entry: Entry) -> None:
        """Leave an entry to whoever has it now."""
        with self.lock:
            self.schedule.drop(entry)
            self.lock.notify_all()

    def settle(self, entry: Entry, state: str, count: str, **facts: object) -> None:
        """End an entry in one counted state and write it on its receipt."""
        with self.lock:
            self.schedule.drop(entry)
            if entry.memory is not None:
                self.memory_bytes -= len(entry.memory.body)
                entry.memory = None
            if entry.receipt is None:
                count = {"dead": "adopted_dead", "delivered": "adopted_delivered"}.get(count, "")
            if count:
                setattr(self.counters, count, getattr(self.counters, count) + 1)
            self.lock.notify_all()
        if entry.receipt is not None:
            entry.receipt.update(state=state, **facts)

    def report_dead(self, entry: Entry, message: str, call_id: str | None, status: int | None) -> None:
        """End an entry whose file is in `dead/` now, and say so once."""
        self.log.call(logging.ERROR, "call %s: %s", call_id or entry.file, message)
        self.settle(entry, "dead", "dead", message=message)
        self.tell("dead", call_id, message, status)

    def lose(self, receipt: Receipt, body: bytes, why: str, *, entry: Entry | None = None) -> None:
        """Report the one thing that must not happen, with the only copy there is."""
        message = f"The call is lost. {why} {_RECEIVED if self.notifier is not None else _NOT_RECEIVED}"
        if entry is not None:
            self.settle(entry, "lost", "lost", message=message)
        else:
            with self.lock:
                self.counters.finalised += 1
                self.counters.lost += 1
            receipt.update(state="lost", message=message)
        self.log.call(logging.CRITICAL, "call %s: %s", receipt.call_id, message)
        self.tell("lost", receipt.call_id, message, body=body)

    def report_vanished(self) -> None:
        """End this process' calls whose outbox was removed or moved away.

        Nobody here has their bytes, and whoever finds the directory elsewhere may still send them: they are lost as
        far as this process knows, and never counted as delivered.
        """
        here = self.outbox.place.now()
        with self.lock:
            gone = self.schedule.take_vanished(here)
        if not gone:
            return
        message = (
            f"Its outbox {self.outbox.root} was removed or replaced while it waited. Put the directory's files back to "
            "have it sent; otherwise the call is lost. Keep the outbox where no clean-up and no deployment takes it."
        )
        ids = ", ".join(receipt.call_id for entry in gone[:10] if (receipt := entry.receipt) is not None)
        more = f" and {len(gone) - 10} more" if len(gone) > 10 else ""
        for entry in gone:
            self.settle(entry, "lost", "lost", message=message)
        self.log.repeated("vanished", logging.WARNING, "calls %s%s: %s", ids, more, message)
        for entry in gone:
            self.tell("lost", entry.receipt.call_id if entry.receipt is not None else None, message)

    def waiting(self) -> tuple[int, int]:
        """Return how many calls of this process are pending and how many are held."""
        with self.lock:
            waiting = self.schedule.receipts()
            held = len(waiting) if self.board.held is not None else sum(r.state == "held" for r in waiting)
            return len(waiting) - held, held

    def stats(self) -> DeliveryStats:
        """Return the numbers as they are now."""
        with forks.held_off():
            from tuner_langchain.delivery.stats import DeliveryStats  # noqa: PLC0415 - many programs never ask

        with self.lock:
            pending, held = self.waiting()
            counters = self.counters
            return DeliveryStats(
                finalised=counters.finalised,
                delivered=counters.delivered,
                delivered_duplicate=counters.delivered_duplicate,
                pending=pending,
                held=held,
                dead=counters.dead,
                lost=counters.lost,
                requests=counters.requests,
                adopted_delivered=counters.adopted_delivered,
                adopted_dead=counters.adopted_dead,
                uploaded=counters.uploaded,
                uploads_failed=counters.uploads_failed,
            )

    def abandon_inherited(self) -> None:
        """Give up, in a forked child, what belongs to its parent: no join, no I/O but closing descriptors."""
        self.outbox.close_inherited()
        if self.client is not None:
            self.client.close_inherited()
        self.board.after_fork()
