"""Group F, the end of things: event loops, processes, frozen sandboxes."""

from __future__ import annotations

import signal

import pytest

from faults import script as s
from faults.clients import drain, write_and_stay
from faults.processes import Zygote
from faults.scenarios import scenario
from faults.trial import Trial

# The interpreter forgets that it was interrupted when an exit handler imports something, and then ends with 1.
WAYS = {"end_of_main": (0,), "sys_exit": (3,), "exception": (1,), "interrupted": (-signal.SIGINT, 1)}


@pytest.mark.parametrize("way", WAYS)
@scenario("F4")
def test_an_ordinary_exit_delivers_or_leaves(trial: Trial, way: str) -> None:
    """With the API up every call is delivered within the courtesy or still in the outbox."""
    said = trial.script_process(way, acks="a", status=WAYS[way])
    trial.promise_from(["a"])
    assert len(trial.promises) == 3
    assert "tuner_langchain" not in said.replace("tuner_langchain/", "")


@pytest.mark.parametrize("way", WAYS)
@scenario("F5")
def test_an_exit_with_the_api_down_leaves_everything(trial: Trial, way: str) -> None:
    """The outbox is intact, and the exit does not wait for the network to come back."""
    trial.server.down()
    trial.script_process(way, acks="a", status=WAYS[way], timeout_s=15)
    trial.server.up()
    trial.promise_from(["a"])
    assert sorted(call.folder for call in trial.kept()) == ["new"] * 3


@scenario("F6")
def test_others_close_logging_and_sockets_first(trial: Trial) -> None:
    """Our exit handler says nothing on standard error when its world is gone already."""
    assert trial.script_process("others_close_first", acks="a") == ""
    trial.promise_from(["a"])


@pytest.mark.parametrize("program", ["from_del", "from_atexit", "from_signal"])
@scenario("F7")
def test_submitting_at_odd_moments(trial: Trial, program: str) -> None:
    """Finalising from __del__, an exit handler or a signal handler neither hangs nor loses."""
    trial.script_process(program, acks="a", timeout_s=30)
    trial.promise_from(["a"])
    assert trial.promises
    assert all(promise.durable for promise in trial.promises)


@scenario("F2")
def test_event_loops_that_end(trial: Trial) -> None:
    """No loop's end costs a call or leaves a warning."""
    assert trial.script_process("loops_that_end", acks="a") == ""
    trial.promise_from(["a"])
    assert len(trial.server.seen().calls) == 4


@scenario("F12")
def test_no_new_threads(trial: Trial) -> None:
    """Finalising is durable without a thread of our own, and flush sends on the calling one."""
    trial.script_process("no_threads", acks="a")
    trial.promise_from(["a"])
    assert trial.wait_for_word("a", "flushed") == "3"
    assert len(trial.server.seen().calls) == 3


@scenario("F8")
def test_a_thawed_process_finds_its_connection_dead(trial: Trial, zygote: Zygote) -> None:
    """Frozen in the middle of an answer, thawed when the connection is long gone: it sends on a new one."""
    trial.server.script(s.rule(s.read(), s.gate("frozen"), s.close()))
    frozen = zygote.start(write_and_stay, **trial.client("a"), count=1)
    trial.server.wait_requests(1)
    frozen.kill(signal.SIGSTOP)
    trial.server.order("drop")
    trial.server.open_gate("frozen")
    frozen.kill(signal.SIGCONT)
    trial.server.wait_calls(1, 30)
    frozen.kill()
    frozen.wait()
    trial.promise_from(["a"])


@pytest.mark.parametrize("end", ["thawed", "destroyed"])
@scenario("F9")
def test_a_sandbox_frozen_after_the_handler_returned(trial: Trial, zygote: Zygote, end: str) -> None:
    """What was not flushed is sent by the next invocation, or stays in the directory of the sandbox."""
    trial.server.down()
    sandbox = zygote.start(write_and_stay, **trial.client("a"), count=3)
    trial.wait_for_word("a", "written")
    sandbox.kill(signal.SIGSTOP)
    trial.server.up()
    if end == "thawed":
        sandbox.kill(signal.SIGCONT)
        trial.server.wait_calls(3, 40)
    sandbox.kill()
    sandbox.wait()
    trial.promise_from(["a"])
    if end == "destroyed":
        assert [call.folder for call in trial.kept()] == ["new"] * 3
    zygote.start(drain, url=trial.server.url, outbox=str(trial.outbox)).finish()
    assert len(trial.server.seen().calls) == 3
