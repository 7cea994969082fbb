"""The end of a call: seal what was recorded, make the document once, hand it to delivery."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from tuner_langchain.ahead import Ahead
from tuner_langchain.call import Call, encode
from tuner_langchain.delivery import Receipt
from tuner_langchain.errors import CallFactError

if TYPE_CHECKING:
    from tuner_langchain.capture import Capture
    from tuner_langchain.delivery import Recording
    from tuner_langchain.facts import CallFacts
    from tuner_langchain.runs import CallRecord

log = logging.getLogger("tuner_langchain")

NOTHING_HAPPENED = "Nothing happened in this call, so there was nothing to send."


class Outlet(Protocol):
    """Where a finished call's document goes: a `Delivery`, or what a test puts in its place."""

    def submit(self, call_id: str, body: bytes, *, recording: Recording | None = None) -> Receipt:
        """Take the document over, durably, and say what became of it."""


class Finalizer:
    """Ends one call exactly once, whoever asks first and however often."""

    def __init__(
        self, call: Call, record: CallRecord, capture: Capture, outlet: Outlet, clock: Callable[[], int]
    ) -> None:
        self._call = call
        self._record = record
        self.ahead = Ahead(record, capture, call.started_ns)
        self._capture = capture
        self._outlet = outlet
        self._clock = clock
        self._ended_ns = 0
        self._sealed = False
        self.outcome: Future[Receipt] = Future()

    def seal(self, facts: CallFacts) -> tuple[bool, CallFactError | None]:
        """Close the call to callbacks and take its last facts in.

        Returns whether this was the first time, and the error of a fact that breaks a limit.
        """
        with self._record.lock:
            first, self._sealed = not self._sealed, True
        if not first:
            if facts:
                log.warning(
                    "Call %s is finalised already; too late for %s.", self._call.call_id, ", ".join(facts)
                )
            return False, None
        self._record.sealed = True
        self._ended_ns = self._clock()
        try:
            self._call.update(facts)
        except CallFactError as wrong:
            return True, CallFactError(
                f"{wrong} Call {self._call.call_id} was finalised without the facts given here."
            )
        return True, None

    def hand_over(self) -> None:
        """Make the document and give it to delivery; the receipt, or what went wrong, is the outcome."""
        try:
            self.outcome.set_result(self._deliver())
        except BaseException as error:
            self.outcome.set_exception(error)
            raise

    def hand_over_elsewhere(self) -> None:
        """Do the same on a thread of its own, which outlives the task that asked and even its event loop."""
        try:
            threading.Thread(target=self.hand_over, name="tuner-finalize").start()
        except RuntimeError:  # an interpreter at its end starts no more threads
            self.hand_over()

    def _deliver(self) -> Receipt:
        document, recording = self._document(), self._call.recording
        self._record.clear()
        self.ahead.clear()
        self._call.clear()
        if not document["transcript_with_tool_calls"]:
            return Receipt.empty(self._call.call_id, NOTHING_HAPPENED)
        rows, body = len(document["transcript_with_tool_calls"]), encode(document)
        receipt = self._outlet.submit(self._call.call_id, body, recording=recording)
        log.debug("call %s: finalised, %d rows, %d bytes", self._call.call_id, rows, len(body))
        return receipt

    def _document(self) -> dict[str, Any]:
        try:
            with _collector_at_rest():
                return self._call.whole(self.ahead, self._capture, self._ended_ns)
        except Exception as error:  # noqa: BLE001 - a fault of ours must cost the rows' detail, never the call
            log.error(  # noqa: TRY400 - a traceback's lines may hold what was said
                "The timeline of call %s could not be worked out (%s at %s); it is sent without its detail.",
                self._call.call_id, type(error).__name__, _place(error),
            )  # fmt: skip
            return self._call.bare(self._record, self._capture, self._ended_ns)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from going through a growing call again and again: it doubled a row's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _place(error: BaseException) -> str:
    """Return file and line where an exception was raised, without anything of its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
