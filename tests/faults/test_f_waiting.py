"""Group F, waiting: event loops, flush against everything that could hold it, clocks that jump."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from faults import clients
from faults import script as s
from faults.scenarios import scenario
from faults.trial import Trial

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


@pytest.mark.parametrize("steps", range(1, 8))
@scenario("F1")
def test_a_cancelled_afinalize_still_hands_the_call_over(trial: Trial, steps: int) -> None:
    """Whichever await the cancellation hits, the call is written and is delivered."""
    call_id = trial.new_call_id()
    sender = trial.open()
    handler = clients.handler_with_a_turn(sender, call_id)

    async def cancel() -> None:
        task = asyncio.ensure_future(handler.afinalize())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel())
    wait_until(lambda: sender.stats().finalised == 1)
    trial.run(60)
    assert handler.receipt is not None
    assert (handler.receipt.state, sender.stats().delivered) == ("delivered", 1)
    assert call_id in trial.server.seen().calls


@scenario("F3")
def test_afinalize_touches_neither_disk_nor_network_on_the_loop(trial: Trial) -> None:
    """What a loop that sends audio must never do, done elsewhere: files and sockets."""
    sender = trial.open()
    loop_thread = threading.get_ident()
    connected: list[int] = []
    watch_sockets(connected)

    async def finalise() -> None:
        for _ in range(5):
            await clients.handler_with_a_turn(sender, trial.new_call_id()).afinalize()

    before = len(trial.fs.calls)
    asyncio.run(finalise())
    trial.run(10)
    touched = {
        thread
        for name, _, thread in trial.fs.calls[before:]
        if name in ("create", "write", "fsync", "rename")
    }
    assert touched
    assert loop_thread not in touched
    assert connected
    assert loop_thread not in connected


@scenario("F3")
def test_submit_makes_no_socket_call_on_the_callers_thread(trial: Trial) -> None:
    """Finalising writes a file; the network belongs to the sender."""
    connected: list[int] = []
    watch_sockets(connected)
    for _ in range(5):
        trial.submit()
    trial.run(10)
    assert connected
    assert threading.get_ident() not in connected


def watch_sockets(connected: list[int]) -> None:
    """Note the thread of every connect from now on; an audit hook stays for the life of the process."""

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            connected.append(threading.get_ident())

    sys.addaudithook(hook)


@scenario("F10")
def test_flush_of_an_empty_outbox(trial: Trial) -> None:
    """There is nothing to wait for, with any timeout."""
    sender = trial.open_real()
    for timeout_s in (0, 5, None):
        result = sender.flush(timeout_s)
        assert (result.delivered, result.pending, result.timed_out) == (0, 0, False)


@scenario("F10")
def test_flush_zero_does_not_wait(trial: Trial) -> None:
    """flush(0) with a server that never answers says what is pending."""
    trial.server.script(s.rule(s.read(), s.gate("never"), s.close(), times=None))
    sender = trial.open_real()
    trial.submit()
    result = sender.flush(0)
    assert (result.delivered, result.pending) == (0, 1)
    trial.server.open_gate("never")


@scenario("F10")
def test_flush_without_limit_ends_when_all_is_sent(trial: Trial) -> None:
    """flush(None) returns with everything delivered."""
    sender = trial.open_real()
    receipts = [trial.submit() for _ in range(20)]
    result = sender.flush(None)
    assert (result.pending, result.timed_out) == (0, False)
    assert {receipt.state for receipt in receipts} == {"delivered"}


@scenario("F10", "A22")
def test_flush_against_a_trickling_server(trial: Trial) -> None:
    """A byte now and then defeats a read timeout; the deadline of flush is the whole request's."""
    trial.server.script(s.rule(s.read(), s.trickle(b"HTTP/1.1 201 Created\r\nx-a: b\r\n" + b"x" * 500, 0.05)))
    sender = trial.open_real()
    receipt = trial.submit()
    trial.server.wait_requests(1)
    other = trial.submit()
    result = sender.flush(0.6)
    assert (result.pending, result.timed_out) == (1, True)
    assert other.state == "delivered"
    assert receipt.state == "pending"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the test throws it
@scenario("F10")
def test_flush_with_a_dead_sender_thread(trial: Trial) -> None:
    """flush needs no thread: it sends on the caller's."""
    strangers = threading.enumerate()
    sender = trial.open_real()
    kill_sender_thread(trial)
    receipt = trial.submit()
    wait_until(lambda: not alive("tuner-sender", strangers))
    result = sender.flush(10)
    assert result.pending == 0
    assert receipt.state == "delivered"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the test throws it
@scenario("E8")
def test_a_dead_sender_thread_is_replaced(trial: Trial) -> None:
    """A thread that dies of what nobody may catch is started again by the next submit, and that is told."""
    strangers = threading.enumerate()
    trial.open_real()
    kill_sender_thread(trial)
    first = trial.submit()
    wait_until(lambda: not alive("tuner-sender", strangers))
    second = trial.submit()
    assert second.wait(10).state == "delivered"
    assert first.wait(10).state == "delivered"
    assert trial.warnings("thread") or [event for event in trial.events if "thread" in repr(event)]


class Killed(BaseException):
    """What no `except Exception` catches."""


def kill_sender_thread(trial: Trial) -> None:
    """Let the next claim raise in a sender's thread."""

    def die(*_: object) -> None:
        raise Killed

    trial.fs.on("flock", die, times=1)


def alive(prefix: str, strangers: list[threading.Thread]) -> list[str]:
    """Return the names of living threads, without those that other tests of this process left behind."""
    own = [thread for thread in threading.enumerate() if thread not in strangers]
    return [thread.name for thread in own if thread.name.startswith(prefix)]


def wait_until(happened: Callable[[], bool], patience_s: float = 10) -> None:
    """Wait for something that cannot be waited for; running out of patience is the failure."""
    pause = threading.Event()
    for _ in range(int(patience_s / 0.01)):
        if happened():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")


@scenario("F10")
def test_flush_from_two_threads(trial: Trial) -> None:
    """Two flushes share the work; each call is posted once."""
    sender = trial.open_real()
    trial.server.down()
    receipts = [trial.submit() for _ in range(30)]
    trial.server.up()
    results: list[Any] = []
    flushes = [threading.Thread(target=lambda: results.append(sender.flush(30))) for _ in range(2)]
    for flush in flushes:
        flush.start()
    for flush in flushes:
        flush.join(40)
    assert [result.pending for result in results] == [0, 0]
    assert {receipt.state for receipt in receipts} == {"delivered"}
    assert len({post["call_id"] for post in trial.posts()}) == len(trial.posts()) == 30


@scenario("F10", "G6")
def test_flush_and_submit_from_a_callback(trial: Trial) -> None:
    """A callback may use the delivery it is told about."""
    results: list[Any] = []
    told = threading.Event()

    def tell(event: Any) -> None:
        trial.events.append(event)
        if not results:
            results.append(None)
            results.append(trial.delivery.flush(0.2))
            trial.submit()
            told.set()

    sender = trial.open_real(on_event=tell)
    trial.submit()
    sender.flush(10)
    assert told.wait(10)
    assert sender.flush(10).pending == 0
    assert len(trial.server.seen().calls) == 2


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
@scenario("F11")
def test_the_wall_clock_jumps(trial: Trial, jump_s: float) -> None:
    """Waiting calls neither stall nor storm when somebody sets the clock."""
    trial.server.script(s.rule(*s.status(503), times=6))
    receipts = [trial.submit() for _ in range(5)]
    trial.run(2)
    trial.clock.set_wall(jump_s)
    before = len(trial.posts())
    trial.run(2 * HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}
    assert len(trial.posts()) - before <= 5 + 6


@scenario("F11")
def test_a_clock_that_was_set_late(trial: Trial) -> None:
    """A machine that starts without the right time sets it by more than a month: no call has grown old by that."""
    trial.server.script(s.rule(*s.status(503), times=4))
    receipt = trial.submit()
    trial.run(1)
    trial.clock.set_wall(40 * DAY_S)
    trial.run(2 * HOUR_S)
    assert receipt.state == "delivered"


@scenario("F11")
def test_a_clock_that_jumps_between_two_processes(trial: Trial) -> None:
    """A due time written under another clock does not hold a call for longer than our longest pause."""
    trial.server.script(s.rule(*s.status(503), times=3))
    receipt = trial.submit()
    trial.run(1)
    trial.close()
    trial.clock.set_wall(-30 * DAY_S)
    trial.open()
    trial.run(7 * HOUR_S)
    assert receipt.call_id in trial.server.seen().calls


@scenario("F11")
def test_the_monotonic_clock_stands_still(trial: Trial) -> None:
    """A frozen clock makes no storm, and delivery goes on when it moves again."""
    trial.server.script(s.rule(*s.status(503), times=None))
    receipt = trial.submit()
    trial.run(5)
    before = len(trial.posts())
    for _ in range(50):
        trial.clock.settle()
    assert len(trial.posts()) - before <= 1
    trial.server.script()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"


@scenario("F8")
def test_a_freeze_is_no_false_timeout(trial: Trial) -> None:
    """Ten minutes pass between two instructions: the call is delivered and nothing is given up."""
    trial.server.script(s.rule(s.read(), s.gate("frozen"), s.honest()))
    receipt = trial.submit()
    trial.server.wait_requests(1)
    trial.clock.jump(600)
    trial.server.open_gate("frozen")
    trial.run(HOUR_S)
    assert receipt.state == "delivered"
    assert len(trial.posts()) <= 2
