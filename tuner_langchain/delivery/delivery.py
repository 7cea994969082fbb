"""The one object between the bytes of a finished call and its receipt."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from tuner_langchain.delivery import forks
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.log import speak_up
from tuner_langchain.delivery.off_loop import off_loop
from tuner_langchain.delivery.outbox import Outbox
from tuner_langchain.delivery.process import Parts
from tuner_langchain.delivery.receipt import Receipt
from tuner_langchain.delivery.running import EXIT_COURTESY_S, Running
from tuner_langchain.delivery.runtime import Runtime
from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery.client_port import Client
    from tuner_langchain.delivery.events import DeliveryEvent, Notifier
    from tuner_langchain.delivery.recording import Recording
    from tuner_langchain.delivery.stats import DeliveryStats, FlushResult


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

        if config.debug:
            speak_up()

        def prepare() -> Parts:
            make_outbox().prepare()
            return Parts(config, clock, make_client or _http_client, make_outbox, _notifier(on_event))

        self._parts = off_loop(prepare)
        self._running: dict[int, Running] = {}
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
            config.shared_call_ids,
            config.outbox_dir,
            config.fsync,
            config.outbox_max_bytes,
            config.outbox_min_free_bytes,
        )
        found = _shared.get(key)
        # Made twice in a race is harmless: nothing runs before the first call, and only one is kept.
        return found if found is not None else _shared.setdefault(key, cls(config))

    def _here(self) -> Running:
        """Return what runs in this process; forks without Python's hooks are noticed here."""
        pid = os.getpid()
        running = self._running.get(pid)
        if running is None:
            self._abandon_inherited(pid)
            running = self._running.setdefault(pid, Running(self._parts))
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
        return off_loop(lambda: self._submit(call_id, body, recording), must_finish=True)

    def submit_again(self, call_id: str, body: bytes, *, recording: Recording | None = None) -> Receipt:
        """Submit a call whose `submit` an exception interrupted (Ctrl-C, say): it is kept and counted once."""
        return off_loop(lambda: self._submit(call_id, body, recording, again=True), must_finish=True)

    def _submit(
        self, call_id: str, body: bytes, recording: Recording | None, *, again: bool = False
    ) -> Receipt:
        receipt = Receipt(call_id)
        try:
            running = self._here()
        except Exception as error:  # noqa: BLE001 - nothing may raise into the agent
            logging.getLogger("tuner_langchain.delivery").critical(
                "call %s: delivery cannot start (%s); the call is lost",
                printable(call_id),
                type(error).__name__,
            )
            receipt.update(state="lost", message=f"Delivery cannot start ({type(error).__name__}).")
            return receipt
        receipt = Receipt(call_id, running.process.board)
        try:
            if again:
                return running.intake.take_again(receipt, body, recording)
            running.intake.take(receipt, body, recording)
        except Exception as error:  # noqa: BLE001 - as above
            running.process.lose(receipt, body, f"It could not be taken in ({type(error).__name__}).")
        return receipt

    # Waiting and leaving

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Send what waits for this destination, on the calling thread, and say what is left.

        Calls of earlier processes that wait in the same outbox are sent too.

        Args:
            timeout: Seconds in all. 0 sends nothing and only counts. None tries everything once and does
                not sit out the pauses of an outage.
        """
        return off_loop(lambda: self._flush(timeout))

    def _flush(self, timeout: float | None) -> FlushResult:
        running = self._here()
        running.workers.ensure()
        return running.flush(timeout)

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
        return off_loop(self._here().process.stats)

    def close(self, timeout: float = EXIT_COURTESY_S) -> FlushResult:
        """Send for at most `timeout` seconds, then stop; what is left waits in the outbox for the next process.

        A closed Delivery may be used again: the next call starts it anew.
        """
        return off_loop(lambda: self._here().close(timeout))

    def _at_exit(self) -> None:
        running = self._running.get(os.getpid())
        if running is not None:
            running.leave()


def _set_result(future: asyncio.Future[FlushResult], result: FlushResult) -> None:
    if not future.done():
        future.set_result(result)


def _notifier(on_event: Callable[[DeliveryEvent], None] | None) -> Callable[[], Notifier] | None:
    if on_event is None:
        return None
    with forks.held_off():
        from tuner_langchain.delivery.events import Notifier  # noqa: PLC0415 - only for a program that listens

    return lambda: Notifier(on_event)


def _http_client(config: TunerConfig) -> Client:
    from tuner_langchain.delivery.client import HttpClient  # noqa: PLC0415 - it brings httpx

    return HttpClient(config)


_shared: dict[Any, Delivery] = {}
_alive: weakref.WeakSet[Delivery] = weakref.WeakSet()
_left_behind: list[Running] = []


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


forks.after_in_child(_after_fork_in_child)
