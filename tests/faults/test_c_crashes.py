"""Group C, processes that end without asking (the random and the enumerated deaths are in `crash/`)."""

from __future__ import annotations

import signal

import pytest

from faults import script as s
from faults.clients import crash_while_writing, drain, write_and_stay
from faults.processes import Zygote
from faults.reader import kept_calls
from faults.scenarios import scenario
from faults.trial import Trial


@scenario("C6")
def test_death_between_the_answer_and_the_unlink(trial: Trial, zygote: Zygote) -> None:
    """The call was stored but its sender died before it knew; the second POST meets 409 and is no conflict."""
    trial.server.script(s.rule(s.read(), s.store(), s.gate("dead"), s.close()))
    sender = zygote.start(write_and_stay, **trial.client("a"), count=1)
    trial.server.wait_calls(1)
    sender.kill()
    sender.wait()
    trial.server.open_gate("dead")
    trial.promise_from(["a"])
    trial.open()
    trial.run(60)
    assert [post["status"] for post in trial.posts()][-1] == 409
    assert not trial.kept()
    assert not trial.warnings("", 30)


@pytest.mark.parametrize(
    ("program", "status"), [("terminated", -signal.SIGTERM), ("killed", -signal.SIGKILL), ("os_exit", 0)]
)
@scenario("C7")
def test_the_next_start_delivers(trial: Trial, zygote: Zygote, program: str, status: int) -> None:
    """A process ends without a word; what it had finalised is sent by the next one."""
    trial.server.down()
    trial.script_process(program, acks="a", status=(status,))
    trial.server.up()
    zygote.start(drain, url=trial.server.url, outbox=str(trial.outbox)).finish()
    trial.promise_from(["a"])
    assert len(trial.server.seen().calls) == len(trial.promises) == 3


@scenario("C8")
def test_a_segmentation_fault_beside_a_writer(trial: Trial, zygote: Zygote) -> None:
    """The process dies of a fault in native code while another thread finalises."""
    for number in range(5):
        client = zygote.start(crash_while_writing, **trial.client(f"a{number}"))
        assert client.wait() == -signal.SIGSEGV
    zygote.start(drain, url=trial.server.url, outbox=str(trial.outbox), timeout_s=30).finish(60)
    trial.promise_from([f"a{number}" for number in range(5)])
    assert all(promise.call_id in trial.server.seen().calls for promise in trial.promises)
    assert not [call for call in kept_calls(trial.outbox) if call.folder != "tmp"]
