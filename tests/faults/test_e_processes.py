"""Group E, several processes, forks and threads over one outbox."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faults import forks
from faults import script as s
from faults.clients import drain, read_acks, submit_named, write_and_flush
from faults.processes import Zygote
from faults.scenarios import scenario
from faults.trial import Trial

HOUR_S = 3_600.0


@pytest.mark.parametrize("each", [40, pytest.param(625, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
@scenario("E1")
def test_eight_processes_share_one_outbox(trial: Trial, zygote: Zygote, each: int) -> None:
    """Each call is stored once and, without faults, posted once."""
    acks = [trial.directory / f"acks-{number}" for number in range(8)]
    clients = [
        zygote.start(write_and_flush, **trial.client(path), count=each, timeout_s=120) for path in acks
    ]
    for client in clients:
        client.finish(200)
    trial.promise_from(acks)
    assert len(trial.server.seen().calls) == 8 * each
    assert len(trial.posts()) == 8 * each


@pytest.mark.parametrize("end", [signal.SIGCONT, signal.SIGKILL])
@scenario("E2")
def test_a_stopped_process_keeps_only_its_own_call(trial: Trial, zygote: Zygote, end: signal.Signals) -> None:
    """While a stopped process holds a claim everything else is delivered; afterwards that call is, too."""
    trial.server.script(s.rule(s.read(), s.gate("stopped"), s.honest()))
    stopped = zygote.start(write_and_flush, **trial.client("a"), count=1)
    trial.server.wait_requests(1)
    stopped.kill(signal.SIGSTOP)
    zygote.start(write_and_flush, **trial.client("b"), count=10, timeout_s=3).finish()
    assert len(trial.server.seen().calls) == 10
    trial.server.open_gate("stopped")
    stopped.kill(end)
    stopped.wait()
    zygote.start(drain, url=trial.server.url, outbox=str(trial.outbox), timeout_s=5).finish()
    trial.promise_from(["a", "b"])
    assert len(trial.server.seen().calls) == 11


@scenario("E3")
def test_a_forked_child_does_not_inherit_the_claim(trial: Trial, zygote: Zygote) -> None:
    """The sender is killed while its forked child lives; the call can be claimed by somebody else."""
    trial.server.script(s.rule(s.read(), s.gate("forked"), s.close()))
    go = trial.pipe("go")
    owner = zygote.start(forks.fork_while_sending, **trial.client("a"), go=str(go))
    trial.server.wait_requests(1)
    go.write_text("fork")
    child = int(trial.wait_for_word("a", "child"))
    owner.kill()
    owner.wait()
    try:
        assert Path(f"/proc/{child}").exists()
        zygote.start(drain, url=trial.server.url, outbox=str(trial.outbox), timeout_s=5).finish()
    finally:
        os.kill(child, signal.SIGKILL)
    trial.promise_from(["a"])
    assert len(trial.server.seen().calls) == 1


@pytest.mark.parametrize("runs", [15, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
@scenario("E4")
def test_forks_under_load(trial: Trial, zygote: Zygote, runs: int) -> None:
    """Children forked from a loaded process finalise and send; nothing is sent twice and nothing hangs."""
    zygote.start(forks.fork_under_load, **trial.client("a"), runs=runs, threads=20).finish(240)
    trial.promise_from(["a"])
    assert len(trial.posts()) == len(trial.server.seen().calls) == len(trial.promises)


@pytest.mark.parametrize("after_ms", [0, 5, 10, 20, 30, 40, 60])
@scenario("E4")
def test_a_fork_while_the_http_library_is_loading(trial: Trial, after_ms: int) -> None:
    """The child does not inherit a half-done import: it sends, and does not wait for a thread it does not have."""
    trial.script_process("fork_at_first", acks="a", more=[str(after_ms / 1_000)])
    trial.promise_from(["a"])
    assert len(trial.server.seen().calls) == len(trial.promises) == 2


@scenario("E5")
def test_a_fork_while_every_lock_is_held(trial: Trial, zygote: Zygote) -> None:
    """The child makes its own locks: one held by a thread it does not have would never be freed."""
    zygote.start(forks.fork_while_locked, **trial.client("a")).finish()
    trial.promise_from(["a"])
    assert len(trial.server.seen().calls) == 2


@scenario("E6")
def test_built_before_the_fork_and_used_after(trial: Trial, zygote: Zygote) -> None:
    """A preloading server builds the delivery once; its four children deliver with it."""
    zygote.start(forks.preload, **trial.client("a"), children=4, count=5).finish(60)
    trial.promise_from(["a"])
    assert len(trial.posts()) == len(trial.server.seen().calls) == 20


@scenario("E7")
def test_a_fork_that_runs_no_hook(trial: Trial, zygote: Zygote) -> None:
    """uWSGI forks in C: the process id tells."""
    zygote.start(forks.fork_in_c, **trial.client("a")).finish()
    trial.promise_from(["a"])
    assert len(trial.posts()) == len(trial.server.seen().calls) == len(trial.promises) == 4


@scenario("E9")
def test_a_thousand_calls_from_fifty_threads(trial: Trial, zygote: Zygote) -> None:
    """All are durable and arrive once; the number of open files does not grow with them."""
    zygote.start(forks.fifty_threads, **trial.client("a"), count=20).finish(60)
    trial.promise_from(["a"])
    assert len(trial.promises) == len(trial.server.seen().calls) == len(trial.posts()) == 1_000
    assert int(trial.wait_for_word("a", "open-files")) < 150


@scenario("E10")
def test_one_call_id_in_two_processes(trial: Trial, zygote: Zygote) -> None:
    """One record; the other body is not thrown away, and its caller is told."""
    call_id = trial.new_call_id()
    gos = [trial.pipe(f"go-{number}") for number in range(2)]
    clients = [
        zygote.start(
            submit_named, **trial.client(f"{number}"), call_id=call_id, text=f"body-{number}", go=str(go)
        )
        for number, go in enumerate(gos)
    ]
    for go in gos:
        go.write_text("go")
    for client in clients:
        client.finish()
    trial.promise_from(["0", "1"])
    states = sorted(state for _, _, state in read_acks([trial.directory / "0", trial.directory / "1"]))
    stored = trial.server.body(call_id)["caller_phone_number"]
    other = "body-1" if stored == "body-0" else "body-0"
    kept = [kept for kept in trial.kept() if kept.call_id == call_id]
    assert [other in kept.body.decode() for kept in kept] == [True]
    assert states == ["delivered", "delivered_duplicate"]
    trial.expect_conflict(call_id)


@scenario("E11")
def test_two_workspaces_in_one_outbox(trial: Trial) -> None:
    """No call is ever sent with the other's key or to the other's workspace."""
    trial.server.options(keys={"1": "key-one", "2": "key-two"})
    one = trial.open(workspace_id=1, api_key="key-one", agent_id="one")
    two = trial.open(workspace_id=2, api_key="key-two", agent_id="two")
    trial.server.down()
    for _ in range(10):
        trial.submit(on=one)
        trial.submit(on=two)
    trial.server.up()
    trial.run(600)
    assert len(trial.server.seen().calls) == 20
    used = {
        (post["target"].partition("?")[2], dict(post["headers"])["Authorization"].removeprefix("Bearer "))
        for post in trial.posts()
    }
    assert used == {
        ("workspace_id=1&agent_remote_identifier=one", "key-one"),
        ("workspace_id=2&agent_remote_identifier=two", "key-two"),
    }


@scenario("E13")
def test_a_child_program_inherits_no_file(trial: Trial) -> None:
    """A program started while a call is being sent gets no descriptor of the outbox and no connection."""
    trial.server.script(s.rule(s.read(), s.gate("sending"), s.honest()))
    trial.submit()
    trial.server.wait_requests(1)
    program = [sys.executable, "-c", "print('running', flush=True); input()"]
    child = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"running\n"
        names = [os.readlink(entry) for entry in Path(f"/proc/{child.pid}/fd").iterdir()]
        assert not [name for name in names if str(trial.outbox) in name]
    finally:
        child.communicate(b"\n", timeout=20)
        trial.server.open_gate("sending")
    trial.run(5)


@scenario("E14")
def test_a_gevent_patched_process(trial: Trial) -> None:
    """Submitting and flushing work with gevent's sockets and threads."""
    pytest.importorskip("gevent", reason="gevent is not installed")
    trial.script_process("gevent_patched", acks="a")
    trial.promise_from(["a"])
    assert len(trial.server.seen().calls) == 5


@scenario("E12")
def test_no_flock_here(trial: Trial) -> None:
    """Where the kernel locks no files a rename and a due time stand in: at most one POST more."""
    trial.fs.fail("flock", errno.ENOSYS)
    one, two = trial.open(), trial.open()
    receipts = [trial.submit(on=one if number % 2 else two) for number in range(40)]
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}
    assert len(trial.posts()) <= 41
    assert not trial.dead_reasons()


@scenario("E12")
def test_no_flock_and_a_dead_sender(trial: Trial) -> None:
    """A lease ends by itself: another process takes the call over."""
    trial.fs.fail("flock", errno.ENOSYS)
    trial.server.script(s.rule(s.read(), s.gate("never"), s.close()))
    one = trial.open()
    trial.submit(on=one)
    trial.server.wait_requests(1)
    two = trial.open()
    two.flush(0)
    trial.clock.jump(HOUR_S)
    trial.server.wait_calls(1)
    trial.server.open_gate("never")
    trial.run(60)
