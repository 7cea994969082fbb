"""The one object between the bytes of a finished call and its receipt."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import errno
import logging
import os
import secrets
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tuner_langchain.delivery.flush import Flush
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.item import Item, ItemName
from tuner_langchain.delivery.outbox import Outbox
from tuner_langchain.delivery.process import Parts, Process
from tuner_langchain.delivery.receipt import Receipt
from tuner_langchain.delivery.runtime import Runtime
from tuner_langchain.delivery.schedule import Entry
from tuner_langchain.delivery.search import Search
from tuner_langchain.delivery.sender import Sender
from tuner_langchain.delivery.worker import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery.client_port import Client
    from tuner_langchain.delivery.events import DeliveryEvent
    from tuner_langchain.delivery.recording import Recording
    from tuner_langchain.delivery.stats import DeliveryStats, FlushResult

# What a process may hold that could not be written: the last resort before a call is lost.
MEMORY_LIMIT_BYTES = 64 << 20
# Leaving a process takes at most this long.
EXIT_COURTESY_S = 2.0
# A full outbox is tried again after this.
_STORE_AGAIN_S = 5.0
_WRITERS = 2


class _Running:
    """Everything that lives in one process: made on first use there, never carried over a fork."""

    def __init__(self, parts: Parts) -> None:
        self.process = Process.start(parts)
        self.sender = Sender(self.process)
        self.search = Search(self.process)
        self.workers = Workers(self.process, self.sender, self.search)
        self.writers: ThreadPoolExecutor | None = None

    def writer_threads(self) -> ThreadPoolExecutor:
        """Return the threads that write for event loops; they are waited for at exit."""
        if self.writers is None:
            self.writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="tuner-finalize")
        return self.writers


class Delivery:
    """Takes finished calls, keeps them on disk and sees them to Tuner.

    Args:
        config: Where calls go, and as whom.
        on_event: Called with what becomes of calls, from a thread of its own; its exceptions are swallowed.
        runtime: The clock and the dice; for tests.
        files: The file system; for tests.
        make_client: Makes the HTTP client on first use; for tests.

    Raises:
        OutboxError: The outbox directory cannot be trusted or used.
    """

    def __init__(
        self,
        config: TunerConfig,
        *,
        on_event: Callable[[DeliveryEvent], None] | None = None,
        runtime: Runtime | None = None,
        files: FileSystem | None = None,
        make_client: Callable[[TunerConfig], Client] | None = None,
    ) -> None:
        clock, disk = runtime or Runtime(), files or FileSystem()

        def make_outbox() -> Outbox:
            return Outbox(config.outbox_dir, files=disk, wall_s=clock.wall_s, fsync=config.fsync)

        make_outbox().prepare()
        self._config = config
        self._parts = Parts(config, clock, make_client or _http_client, make_outbox, on_event)
        self._running: dict[int, _Running] = {}
        _alive.add(self)

    @classmethod
    def shared(cls, config: TunerConfig) -> Delivery:
        """Return the process' one Delivery for these settings."""
        key = (
            config.base_url,
            config.workspace_id,
            config.agent_id,
            config.api_key,
            config.auth_header,
            config.outbox_dir,
            config.fsync,
        )
        found = _shared.get(key)
        # Made twice in a race is harmless: nothing runs before the first call, and only one is kept.
        return found if found is not None else _shared.setdefault(key, cls(config))

    def _here(self) -> _Running:
        """Return what runs in this process; forks without Python's hooks are noticed here."""
        pid = os.getpid()
        running = self._running.get(pid)
        if running is None:
            self._abandon_inherited(pid)
            running = self._running.setdefault(pid, _Running(self._parts))
        return running

    def _abandon_inherited(self, pid: int) -> None:
        for inherited in [other for other in self._running if other != pid]:
            with contextlib.suppress(KeyError):
                running = self._running.pop(inherited)
                running.process.abandon_inherited()
                # Its threads, locks and sockets are the parent's; freeing them here could touch a held lock.
                _left_behind.append(running)

    # Finishing calls

    def submit(self, call_id: str, body: bytes, *, recording: Recording | None = None) -> Receipt:
        """Keep a finished call durably and have it sent; return what is known, without waiting for the network.

        Args:
            call_id: The id that is in the body; sending it again is harmless because of it.
            body: The request's exact bytes.
            recording: The audio to upload once Tuner has named a place for it.

        Returns:
            The call's receipt. `durable` says whether it is on disk; nothing is ever raised.
        """
        receipt = Receipt(call_id)
        try:
            running = self._here()
        except Exception as error:  # noqa: BLE001 - nothing may raise into the agent
            logging.getLogger("tuner_langchain.delivery").critical(
                "call %s: delivery cannot start (%s); the call is lost", call_id, type(error).__name__
            )
            receipt.update(state="lost", message=f"Delivery cannot start ({type(error).__name__}).")
            return receipt
        receipt = Receipt(call_id, running.process.board)
        try:
            self._keep(running, receipt, body, recording)
        except Exception as error:  # noqa: BLE001 - as above
            running.process.lose(receipt, body, f"it could not be taken in ({type(error).__name__}).")
        return receipt

    async def asubmit(self, call_id: str, body: bytes, *, recording: Recording | None = None) -> Receipt:
        """Do the same as `submit` off the event loop; a cancelled await still writes."""
        loop = asyncio.get_running_loop()
        try:
            writing = loop.run_in_executor(
                self._here().writer_threads(), lambda: self.submit(call_id, body, recording=recording)
            )
        except RuntimeError:  # the interpreter takes no more work for threads: it is leaving
            return self.submit(call_id, body, recording=recording)
        return await asyncio.shield(writing)

    def _keep(self, running: _Running, receipt: Receipt, body: bytes, recording: Recording | None) -> None:
        process, config = running.process, self._config
        created_ms = int(process.runtime.wall_s() * 1000)
        name = ItemName.new(
            receipt.call_id,
            created_ms=created_ms,
            destination=process.destination,
            nonce=secrets.token_hex(4),
        )
        item = Item(
            workspace_id=config.workspace_id,
            agent_id=config.agent_id,
            created_ms=name.created_ms,
            call_id=receipt.call_id,
            body=body,
            recording=self._keep_recording(process, name.key, recording, receipt),
        )
        try:
            self._check_room(process, len(body))
            process.outbox.put("new", str(name), [item.header(), body])
        except OSError as error:
            self._keep_in_memory(running, receipt, name, item, error)
        else:
            receipt.durable = True
            process.outbox_bytes += len(body)
            self._enqueue(running, Entry(name, receipt=receipt))

    def _keep_recording(
        self, process: Process, key: str, recording: Recording | None, receipt: Receipt
    ) -> dict[str, Any] | None:
        if recording is None:
            return None
        facts: dict[str, Any] = {"extension": recording.file_extension}
        try:
            path = recording.path()
            if path is not None:
                facts["path"] = path
            else:
                process.outbox.put_audio(key, recording.chunks())
        except Exception as error:  # noqa: BLE001 - a file object of the user's; the call matters more
            why = getattr(error, "strerror", None) or type(error).__name__
            receipt.upload = "failed"
            receipt.upload_message = f"The recording could not be kept for its upload ({why})."
            process.log.call(logging.ERROR, "call %s: %s", receipt.call_id, receipt.upload_message)
            process.tell("upload_failed", receipt.call_id, receipt.upload_message)
            with process.lock:
                process.counters.uploads_failed += 1
            return None
        receipt.upload = "pending"
        return facts

    def _check_room(self, process: Process, size: int) -> None:
        """Say loudly that the outbox is too large, and leave the disk a rest.

        Raises:
            OSError: The disk is nearly full: the call is kept in memory, and what is sent frees room.
        """
        config, used = self._config, process.outbox_bytes + size
        if used > config.outbox_max_bytes:
            text = "the outbox %s holds %d MiB, more than outbox_max_bytes; calls are still taken in"
            if process.log.repeated("full", logging.ERROR, text, process.outbox.root, used >> 20):
                process.tell("outbox_full", None, text % (process.outbox.root, used >> 20))
        if used > 2 * config.outbox_max_bytes:
            raise OSError(errno.ENOSPC, "the outbox is twice as large as outbox_max_bytes")
        space = process.outbox.space()
        if space is not None and space[0] < min(config.outbox_min_free_bytes, space[1] // 20):
            raise OSError(errno.ENOSPC, "the disk is nearly full")

    def _keep_in_memory(
        self, running: _Running, receipt: Receipt, name: ItemName, item: Item, error: OSError
    ) -> None:
        process, size = running.process, len(item.body)
        why = error.strerror or type(error).__name__
        with process.lock:
            fits = process.memory_bytes + size <= MEMORY_LIMIT_BYTES
            if fits:
                process.memory_bytes += size
                running.search.hasten(process.runtime.monotonic_s() + _STORE_AGAIN_S)
        if not fits:
            process.lose(receipt, item.body, f"the outbox cannot take it ({why}) and memory is full.")
            return
        message = f"The outbox cannot take the call ({why}); it is in memory only and is sent at once."
        receipt.update(message=message)
        text = "call %s: %s Free space in %s."
        process.log.repeated("memory", logging.ERROR, text, receipt.call_id, message, process.outbox.root)
        process.tell("not_durable", receipt.call_id, message)
        self._enqueue(running, Entry(name, receipt=receipt, memory=item))

    def _enqueue(self, running: _Running, entry: Entry) -> None:
        if sys.is_finalizing():
            # From a __del__ at the very end: sending threads were stopped wherever they were, perhaps with the
            # lock. The call is on disk, and the next process sends it.
            return
        with running.process.lock:
            running.process.counters.finalised += 1
            running.process.schedule.add(entry)
        running.workers.ensure()

    # Waiting and leaving

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Send what waits for this destination, on the calling thread, and say what is left.

        Calls of earlier processes that wait in the same outbox are sent too.

        Args:
            timeout: Seconds in all. 0 sends nothing and only counts. None tries everything once and does
                not sit out the pauses of an outage.
        """
        running = self._here()
        running.workers.ensure()
        return Flush(running.process, running.sender, running.search, timeout).run()

    async def aflush(self, timeout: float | None = None) -> FlushResult:
        """Do the same as `flush` off the event loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[FlushResult] = loop.create_future()

        def flush() -> None:
            result = self.flush(timeout)
            with contextlib.suppress(RuntimeError):  # the loop has closed; nobody waits any more
                loop.call_soon_threadsafe(_set_result, done, result)

        try:
            threading.Thread(target=flush, name="tuner-flush", daemon=True).start()
        except RuntimeError:  # no more threads
            return self.flush(timeout)
        return await done

    def stats(self) -> DeliveryStats:
        """Return what became of the calls of this process, in numbers that add up."""
        return self._here().process.stats()

    def close(self, timeout: float = EXIT_COURTESY_S) -> FlushResult:
        """Send for at most `timeout` seconds, then stop; what is left waits in the outbox for the next process.

        A closed Delivery may be used again: the next call starts it anew.
        """
        running = self._here()
        end_s = self._parts.runtime.monotonic_s() + timeout
        result = Flush(running.process, running.sender, running.search, timeout).run()
        running.process.notifier.drain(max(0.0, end_s - self._parts.runtime.monotonic_s()))
        running.workers.stop()
        self._lose_memory(running.process)
        self._running.pop(os.getpid(), None)
        if running.writers is not None:
            running.writers.shutdown(wait=False)
        return result

    def _lose_memory(self, process: Process) -> None:
        """Say of each call that is only in memory that it ends with the process."""
        with process.lock:
            left = [entry for entry in process.schedule.entries.values() if entry.memory is not None]
        for entry in left:
            if entry.memory is not None and entry.receipt is not None:
                why = "the process ended before the outbox or Tuner could take it."
                process.lose(entry.receipt, entry.memory.body, why, entry=entry)

    def _at_exit(self) -> None:
        """Give what has just been finished a short chance; what is left is on disk."""
        running = self._running.get(os.getpid())
        if running is None:
            return
        process = running.process
        end_s = process.runtime.monotonic_s() + EXIT_COURTESY_S
        if process.counters.finalised and process.stats().pending:
            self._exit_flush(running)
        process.notifier.drain(max(0.0, end_s - process.runtime.monotonic_s()))
        self._lose_memory(process)

    def _exit_flush(self, running: _Running) -> None:
        process = running.process
        with process.lock:
            process.schedule.hurry(process.runtime.monotonic_s())
            process.lock.notify_all()
            end_s = process.runtime.monotonic_s() + EXIT_COURTESY_S
            while running.workers.alive() and process.runtime.monotonic_s() < end_s:
                if process.board.held is not None or process.schedule.breaker.mode != "closed":
                    return
                if not process.schedule.receipts():
                    return
                process.runtime.wait(process.lock, end_s - process.runtime.monotonic_s())
        if not running.workers.alive():
            Flush(process, running.sender, running.search, EXIT_COURTESY_S).run()


def _set_result(future: asyncio.Future[FlushResult], result: FlushResult) -> None:
    if not future.done():
        future.set_result(result)


def _http_client(config: TunerConfig) -> Client:
    from tuner_langchain.delivery.client import HttpClient  # noqa: PLC0415 - it brings httpx

    return HttpClient(config)


_shared: dict[Any, Delivery] = {}
_alive: weakref.WeakSet[Delivery] = weakref.WeakSet()
_left_behind: list[_Running] = []


def _after_fork_in_child() -> None:
    for delivery in list(_alive):
        delivery._abandon_inherited(os.getpid())


@atexit.register
def _leave() -> None:
    for delivery in list(_alive):
        with contextlib.suppress(
            Exception
        ):  # leaving goes on whatever happens; everything durable is on disk
            delivery._at_exit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
