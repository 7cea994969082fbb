"""Taking a finished call in: on disk before anything else, in memory when the disk says no."""

from __future__ import annotations

import logging
import secrets
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from tuner_langchain.delivery.item import Item, ItemName
from tuner_langchain.delivery.schedule import Entry

if TYPE_CHECKING:
    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.receipt import Receipt
    from tuner_langchain.delivery.recording import Recording
    from tuner_langchain.delivery.search import Search
    from tuner_langchain.delivery.worker import Workers

# What a process may hold that could not be written: the last resort before a call is lost.
MEMORY_LIMIT_BYTES = 64 << 20
# The disk is tried again after this.
_STORE_AGAIN_S = 5.0


class Taken:
    """A call that was handed over, remembered for a while in case that an exception came between it and its receipt."""

    __slots__ = ("audio", "call_id", "digest", "name", "receipt")

    def __init__(self, receipt: Receipt, body: bytes, name: ItemName) -> None:
        self.call_id = receipt.call_id
        self.digest = hash(body)
        self.name = name
        self.receipt = receipt
        self.audio: dict[str, Any] | None = None  # what the item says of its recording, once that is kept


class Intake:
    """What happens on the thread that finishes a call: no network, no lock held while a file is touched."""

    def __init__(self, process: Process, search: Search, workers: Workers) -> None:
        self._process = process
        self._search = search
        self._workers = workers
        self._lately: deque[Taken] = deque(maxlen=64)

    def take(self, receipt: Receipt, body: bytes, recording: Recording | None) -> None:
        """Keep a call and have it sent; how that went is on the receipt."""
        process = self._process
        name = ItemName.new(
            receipt.call_id,
            created_ms=int(process.runtime.wall_s() * 1000),
            destination=process.destination,
            nonce=secrets.token_hex(4),
        )
        taken = Taken(receipt, body, name)
        self._lately.append(taken)
        self._store(taken, body, recording, shared=process.parts.config.shared_call_ids)

    def take_again(self, receipt: Receipt, body: bytes, recording: Recording | None) -> Receipt:
        """Do what an interrupted `take` of the same call left to be done; return the receipt that counts.

        Its file has the same name, so there is one file; should that have been sent meanwhile, it is no conflict.
        """
        process, digest = self._process, hash(body)
        found = [taken for taken in list(self._lately) if taken.call_id == receipt.call_id]
        taken = next((taken for taken in reversed(found) if taken.digest == digest), None)
        if taken is None:
            self.take(receipt, body, recording)
            return receipt
        with process.lock:
            entry = process.schedule.entries.get(taken.name.key)
            if entry is not None and entry.receipt is None:  # found in the outbox meanwhile
                entry.receipt = taken.receipt
        if entry is None and not (taken.receipt.answered or taken.receipt.attempts):
            self._store(taken, body, recording, shared=True)
        self._workers.ensure()
        return taken.receipt

    def _store(self, taken: Taken, body: bytes, recording: Recording | None, *, shared: bool) -> None:
        process, receipt, name = self._process, taken.receipt, taken.name
        if taken.audio is None:
            taken.audio = self._keep_recording(name.key, recording, receipt)
        item = Item(
            workspace_id=process.parts.config.workspace_id,
            agent_id=process.parts.config.agent_id,
            created_ms=name.created_ms,
            call_id=receipt.call_id,
            body=body,
            recording=taken.audio,
            shared=shared,
        )
        try:
            complaint = process.room.check(len(body))
            process.outbox.put("new", str(name), [item.header(), body])
        except Exception as error:  # noqa: BLE001 - whatever keeps it from the disk, the call is still here
            why = getattr(error, "strerror", None) or type(error).__name__
            self._keep_in_memory(receipt, name, item, str(why))
            return
        receipt.durable = True
        process.room.taken(len(body))
        entry = Entry(name, receipt=receipt)
        entry.place = process.outbox.place.keep()
        self._enqueue(entry)
        if complaint is not None:
            process.tell("outbox_full", None, complaint)

    def _keep_recording(
        self, key: str, recording: Recording | None, receipt: Receipt
    ) -> dict[str, Any] | None:
        if recording is None:
            return None
        try:
            facts: dict[str, Any] = {"extension": recording.file_extension}
            path = recording.path()
            if path is not None:
                facts["path"] = path
            else:
                self._process.room.taken(self._process.outbox.put_audio(key, recording.chunks()))
        except Exception as error:  # noqa: BLE001 - a file object of the user's; the call matters more
            self._give_up_recording(receipt, getattr(error, "strerror", None) or type(error).__name__)
            return None
        receipt.upload = "pending"
        return facts

    def _give_up_recording(self, receipt: Receipt, why: str) -> None:
        process = self._process
        receipt.upload = "failed"
        receipt.upload_message = f"The recording could not be kept for its upload ({why})."
        process.log.call(logging.ERROR, "call %s: %s", receipt.call_id, receipt.upload_message)
        process.tell("upload_failed", receipt.call_id, receipt.upload_message)
        with process.lock:
            process.counters.uploads_failed += 1

    def _keep_in_memory(self, receipt: Receipt, name: ItemName, item: Item, why: str) -> None:
        process, size = self._process, len(item.body)
        with process.lock:
            fits = process.memory_bytes + size <= MEMORY_LIMIT_BYTES
            if fits:
                process.memory_bytes += size
                self._search.hasten(process.runtime.monotonic_s() + _STORE_AGAIN_S)
        if not fits:
            process.lose(receipt, item.body, f"The outbox cannot take it ({why}), and memory is full.")
            return
        message = f"The outbox cannot take the call ({why}); it is in memory only and is sent at once."
        receipt.update(message=message)
        text = "call %s: %s Make room for %s."
        process.log.repeated("memory", logging.ERROR, text, receipt.call_id, message, process.outbox.root)
        self._enqueue(Entry(name, receipt=receipt, memory=item))
        process.tell("not_durable", receipt.call_id, message)

    def _enqueue(self, entry: Entry) -> None:
        if sys.is_finalizing():
            # From a __del__ at the very end: sending threads were stopped wherever they were, perhaps with the
            # lock. The call is on disk, and the next process sends it.
            return
        with self._process.lock:
            self._process.schedule.add(entry)
            self._process.counters.finalised += 1
        self._workers.ensure()
