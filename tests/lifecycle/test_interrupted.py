"""Ctrl-C, or any exception that a signal's handler raises, at any line of `finalize`: the next one ends the call.

The exception is raised by the interpreter's tracing, at one executed line of ours after the other. Python itself lets
none come at the way out of a `with` block, nor before the first statement of a `finally`; those lines are left out.
"""

from __future__ import annotations

import asyncio
import linecache
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from delivery.conftest import make_config
from delivery.server import ScriptedServer, serve

import tuner_langchain
from lifecycle.calls import Outlet, in_time, take_turn
from tuner_langchain import Delivery, Receipt, TunerCallbackHandler

OURS = str(Path(tuner_langchain.__file__).parent)
STEP = 9  # every so many lines in the ordinary run, beside all of the finalizer's; `soak` tries each of them


class Interruption:
    """Raises at the n-th line of ours that a function executes, and counts the lines."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.lines = 0
        self.of_finalizer: list[int] = []
        self.raised = False

    def run(self, do: Callable[[], Any]) -> None:
        """Run a function until it is interrupted."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            do()
        except KeyboardInterrupt:
            if not self.raised:
                raise
        finally:
            sys.settrace(before)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line" and not self.raised and not _atomic(frame):
            self.lines += 1
            if frame.f_code.co_filename.endswith("finalizer.py"):
                self.of_finalizer.append(self.lines)
            if self.lines == self.at:
                self.raised = True
                raise KeyboardInterrupt
        return self._trace


def _atomic(frame: FrameType) -> bool:
    file, line = frame.f_code.co_filename, frame.f_lineno
    before = linecache.getline(file, line - 1).strip()
    return linecache.getline(file, line).strip().startswith("with ") or before.startswith("finally:")


class Interrupted(Outlet):
    """An outlet inside which the exception comes, before or after it has the call."""

    def __init__(self, error: BaseException, *, has_it: bool) -> None:
        super().__init__()
        self.error: BaseException | None = error
        self.has_it = has_it

    def submit(self, call_id: str, body: bytes, *, recording: Any = None) -> Receipt:
        error, self.error = self.error, None
        if error is None or self.has_it:
            self.bodies.append(body)
        if error is not None:
            raise error
        return Receipt(call_id, state="delivered")


def _begun(outlet: Any) -> TunerCallbackHandler:
    handler = TunerCallbackHandler(delivery=outlet)
    take_turn(handler)
    handler.add_agent_turn("Good evening.")
    return handler


def _counted() -> Interruption:
    handler = _begun(Outlet())
    counting = Interruption(0)
    counting.run(lambda: handler.finalize(metadata={"room": "r1"}))
    return counting


def _interrupt_each(step: int) -> None:
    counted = _counted()
    assert counted.lines > 300, "the lines of finalize are counted"
    assert len(counted.of_finalizer) > 30
    for at in sorted({*range(1, counted.lines, step), *counted.of_finalizer}):
        outlet = Outlet()
        handler = _begun(outlet)
        interruption = Interruption(at)
        interruption.run(lambda handler=handler: handler.finalize(metadata={"room": "r1"}))  # type: ignore[misc]
        receipt = in_time(handler.finalize)  # on another thread: no lock is left behind
        assert receipt is handler.finalize(), f"line {at}"
        assert receipt.state == "delivered", f"line {at}"
        assert 1 <= len(outlet.bodies) <= 2, f"line {at}"
        assert len(set(outlet.bodies)) == 1, f"line {at}"


def test_an_interruption_at_any_line_leaves_a_call_that_can_be_ended() -> None:
    """The second `finalize` hands over the same bytes, from any thread."""
    _interrupt_each(STEP)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_an_interruption_at_each_line() -> None:
    """The same without leaving a line out."""
    _interrupt_each(1)


@pytest.mark.parametrize("has_it", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_inside_the_outlet(error: type[BaseException], has_it: bool) -> None:
    """It goes on to the program; the next `finalize` hands the same bytes over."""
    outlet = Interrupted(error(), has_it=has_it)
    handler = _begun(outlet)
    with pytest.raises(error):
        handler.finalize()

    assert in_time(handler.finalize).state == "delivered"
    assert len(outlet.bodies) == 1 + has_it
    assert len(set(outlet.bodies)) == 1


def test_cancelled_at_any_moment_afinalize_still_hands_the_call_over() -> None:
    """However many steps of the loop it had."""

    async def call(steps: int) -> Outlet:
        outlet = Outlet()
        handler = _begun(outlet)
        ending = asyncio.create_task(handler.afinalize())
        for _ in range(steps):
            await asyncio.sleep(0)
        ending.cancel()
        await asyncio.wait([ending])
        assert (await asyncio.wait_for(handler.afinalize(), 30)) is handler.receipt
        return outlet

    for steps in range(5):
        assert len(asyncio.run(call(steps)).bodies) == 1


def test_a_signal_handler_may_finalize_a_call_that_is_just_being_finalised() -> None:
    """Neither waits for the other, and the call is handed over once or twice with the same bytes."""
    for delay_s in [0.0002 * step for step in range(1, 40)]:
        outlet = Outlet()
        handler = _begun(outlet)
        inside: list[Receipt] = []

        def ended(*_: Any, handler: Any = handler, inside: Any = inside) -> None:
            inside.append(handler.finalize())

        before = signal.signal(signal.SIGALRM, ended)
        try:
            signal.setitimer(signal.ITIMER_REAL, delay_s)
            receipt = handler.finalize()
            while not inside:
                time.sleep(0.001)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert receipt.state == "delivered"
        assert len(set(outlet.bodies)) == 1
        assert handler.finalize() is receipt


def test_a_finalize_inside_the_outlet_is_answered_at_once() -> None:
    """What a signal's handler gets there says that the call is just being finalised."""
    asked: list[Receipt] = []

    class Asking(Outlet):
        def submit(self, call_id: str, body: bytes, *, recording: Any = None) -> Receipt:
            asked.append(handler.finalize())
            return super().submit(call_id, body, recording=recording)

    outlet = Asking()
    handler = _begun(outlet)

    assert in_time(handler.finalize).state == "delivered"
    assert len(outlet.bodies) == 1
    assert "just being finalised" in str(asked[0].message)


def _submit_interrupted(config: Any, at: int) -> tuple[bool, Receipt, Delivery]:
    delivery = Delivery(config)
    handler = _begun(delivery)
    once = threading.Event()

    class Torn:
        """A `Delivery` of which one `submit` is interrupted."""

        submit_again = staticmethod(delivery.submit_again)

        @staticmethod
        def submit(call_id: str, body: bytes, *, recording: Any = None) -> Any:
            interruption = Interruption(at)
            interruption.run(lambda: delivery.submit(call_id, body, recording=recording))
            if interruption.raised:
                once.set()
            raise KeyboardInterrupt

    handler._finalizer._outlet = Torn()
    with pytest.raises(KeyboardInterrupt):
        handler.finalize()
    receipt = in_time(handler.finalize)
    return once.is_set(), receipt, delivery


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "step", [pytest.param(9, id="some"), pytest.param(1, id="each", marks=pytest.mark.soak)]
)
def test_a_submit_that_was_interrupted_is_made_again_and_no_conflict(tmp_path: Path, step: int) -> None:
    """At any line of it: the call is delivered once, and nothing is set aside as a conflict."""
    server = ScriptedServer()
    running = serve(server)
    at, raised = 1, True
    while raised:
        config = make_config(server.url, tmp_path / str(at))
        raised, receipt, delivery = _submit_interrupted(config, at)
        receipt.wait(30)
        left = delivery.close(10)
        assert receipt.state == "delivered", f"line {at}"
        assert not list((tmp_path / str(at)).glob("*/dead/*")), f"line {at}"
        assert not list((tmp_path / str(at) / "dead").glob("*.call")), f"line {at}"
        assert left.pending == 0, f"line {at}"
        at += step
    running.shutdown()
    running.server_close()
    assert at > 50
