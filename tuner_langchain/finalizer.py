"""The end of a call: close it to callbacks, make the document once, hand it to delivery."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from tuner_langchain.ahead import Ahead
from tuner_langchain.call import Call, encode
from tuner_langchain.collector import collector_at_rest
from tuner_langchain.delivery import Receipt
from tuner_langchain.errors import CallFactError
from tuner_langchain.release import ROWS

if TYPE_CHECKING:
    from tuner_langchain.capture import Capture
    from tuner_langchain.delivery import Recording
    from tuner_langchain.facts import CallFacts
    from tuner_langchain.notices import Notices
    from tuner_langchain.runs import CallRecord

log = logging.getLogger("tuner_langchain")

NOTHING_HAPPENED = "Nothing happened in this call, so there was nothing to send."
BEING_FINALISED = "The call is just being finalised, by the code that was interrupted here."


class Outlet(Protocol):
    """Where a finished call's document goes: a `Delivery`, or what a test puts in its place."""

    def submit(self, call_id: str, body: bytes, *, recording: Recording | None = None) -> Receipt:
        """Take the document over, durably, and return its receipt."""


class Finalizer:
    """Ends one call once, whoever asks first and however often.

    Nothing of the call is let go before delivery has it. So an exception that a signal raises, at any line, leaves a
    call that the next one who asks can still end.
    """

    def __init__(
        self,
        call: Call,
        record: CallRecord,
        capture: Capture,
        *,
        outlet: Outlet,
        clock: Callable[[], int],
        notices: Notices,
    ) -> None:
        self._call = call
        self._record = record
        self.ahead = Ahead(record, capture, call.started_ns)
        self._capture = capture
        self._outlet = outlet
        self._clock = clock
        self._notices = notices
        self._ended_ns: int | None = None
        # Held while the call is ended; a signal handler of the thread that holds it may ask again.
        self._ending = threading.RLock()
        self._process = os.getpid()
        self._submitting = False
        # Made once: whoever ends the call after an interruption hands the same bytes over.
        self._made: tuple[bytes | None, Recording | None] | None = None
        self._handed_over = False
        self.receipt: Receipt | None = None

    @property
    def call_id(self) -> str:
        """The call's id."""
        return self._call.call_id

    def close(self, facts: CallFacts) -> CallFactError | None:
        """Close the call to callbacks and take its last facts in; return the error of one that breaks a limit."""
        # As long as no document is made, an end that was interrupted may be asked for again with the same facts.
        too_late = self._made is not None or self.receipt is not None
        self._record.sealed = True
        if self._ended_ns is None:
            self._ended_ns = self._clock()
        if not facts:
            return None
        if too_late:
            names = ", ".join(facts)
            log.warning("Call %s is finalised already; too late for %s.", self._call.call_id, names)
            return None
        try:
            self._call.update(facts)
        except CallFactError as wrong:
            return CallFactError(
                f"{wrong} Call {self._call.call_id} was finalised without the facts given here."
            )
        return None

    def finish(self) -> Receipt:
        """Make the document and give it to delivery, unless that was done; return the receipt."""
        if self.receipt is not None:
            return self.receipt
        if self._process != os.getpid():  # whoever held it in the parent is not here
            self._ending, self._process = threading.RLock(), os.getpid()
            self._submitting = False
        with self._ending:
            if self._submitting:  # this thread is in the midst of it, and runs a signal handler
                return _being_finalised(self._call.call_id)
            return self.receipt or self._deliver()

    def finish_elsewhere(self) -> Future[Receipt]:
        """Do the same on a thread of its own, which outlives the task that asked and even its event loop."""
        outcome: Future[Receipt] = Future()

        def work() -> None:
            try:
                outcome.set_result(self.finish())
            except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is asked for
                outcome.set_exception(error)

        try:
            threading.Thread(target=work, name="tuner-finalize").start()
        except RuntimeError:  # an interpreter at its end starts no more threads
            work()
        return outcome

    @property
    def closed(self) -> bool:
        """Whether the program has asked for the call's end, though it may have been interrupted there."""
        return self._record.sealed

    def finish_forgotten(self) -> Receipt:
        """End a call that the program did not: what is known of it is sent, and says so."""
        self.close({})
        self._call.update_missing({"disconnection_reason": "unknown"})
        self._call.update({"metadata": {"never_finalized": True}})
        return self.finish()

    def _deliver(self) -> Receipt:
        if self._made is None:
            made = self._make()
            self._made = self._made or made
        body, recording = self._made
        if self.receipt is not None:  # a signal handler was quicker
            return self.receipt
        if body is None:
            self.receipt = Receipt.empty(self._call.call_id, NOTHING_HAPPENED)
        else:
            self._submit(body, recording)
        self._notices.call_ended(self._record)
        self._forget()
        return self.receipt  # type: ignore[return-value]  # mypy does not see that `_submit` sets it

    def _make(self) -> tuple[bytes | None, Recording | None]:
        """Return the request's body, None for a call without rows, and the audio that goes with it."""
        document, recording = self._document(), self._call.recording
        return (encode(document) if document[ROWS] else None), recording

    def _submit(self, body: bytes, recording: Recording | None) -> None:
        """Hand the call over and set the receipt; an exception that a signal raised leaves it to be done again."""
        call_id = self._call.call_id
        try:
            self._submitting = True
            submit = self._outlet.submit
            if self._handed_over:  # and no receipt came back: an interruption was quicker
                submit = getattr(self._outlet, "submit_again", submit)
            self._handed_over = True
            # Set in the same line, so that no interruption comes between.
            self.receipt = submit(call_id, body, recording=recording)
        except Exception as error:  # noqa: BLE001 - a `Delivery` never raises: this is an outlet of the program's own
            name = type(self._outlet).__name__
            message = f"The call is lost: delivery={name} raised {type(error).__name__}."
            log.critical("Call %s: %s", call_id, message)
            receipt = Receipt(call_id, state="lost")
            receipt.update(message=message)
            self.receipt = receipt
        finally:
            self._submitting = False
        log.debug("Call %s: finalised, %d bytes.", call_id, len(body))

    def _forget(self) -> None:
        self._made = None, None
        self._record.clear()
        self.ahead.clear()
        self._call.clear()

    def _document(self) -> dict[str, Any]:
        ended_ns = self._ended_ns if self._ended_ns is not None else self._clock()
        try:
            with collector_at_rest():
                return self._call.whole(self.ahead, self._capture, ended_ns)
        except Exception as error:  # noqa: BLE001 - what a signal raises (SystemExit, say) goes to the program
            # A fault of ours must cost the rows' detail, never the call. A traceback's lines may hold what was said.
            if (
                self.receipt is None
            ):  # else a signal handler was quicker, and there is nothing left to work out
                log.error(  # noqa: TRY400
                    "The timeline of call %s could not be worked out (%s at %s); it is sent without its detail.",
                    self._call.call_id, type(error).__name__, _place(error),
                )  # fmt: skip
            return self._call.bare(self._record, self._capture, ended_ns)


def _being_finalised(call_id: str) -> Receipt:
    receipt = Receipt(call_id)
    receipt.update(message=BEING_FINALISED)
    return receipt


def _place(error: BaseException) -> str:
    """Return file and line where an exception was raised, without anything of its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
