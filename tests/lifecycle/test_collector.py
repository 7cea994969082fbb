"""The garbage collector is as the program had it: in a forked child, and after Ctrl-C."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lifecycle.calls import LONG_S, Outlet, take_turn
from lifecycle.test_interrupted import Interruption
from tuner_langchain import TunerCallbackHandler
from tuner_langchain.collector import collector_at_rest

FORKS = 40


def _finalize_calls(stop: threading.Event) -> None:
    while not stop.is_set():
        handler = TunerCallbackHandler(delivery=Outlet())
        for _ in range(5):
            take_turn(handler)
        handler.finalize()


def _child_collects() -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0 if gc.isenabled() else 1)
    return os.waitpid(child, 0)[1] == 0


def test_a_child_that_is_forked_while_calls_end_has_its_collector() -> None:
    """Whatever the threads of the parent were at; in a process that holds nothing of other tests."""
    code = "from lifecycle.test_collector import fork_while_calls_end; fork_while_calls_end()"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2_000:]


def fork_while_calls_end() -> None:
    """Fork again and again beside two threads that finalise calls."""
    stop = threading.Event()
    threads = [threading.Thread(target=_finalize_calls, args=(stop,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert all(_child_collects() for _ in range(FORKS))
    finally:
        stop.set()
        for thread in threads:
            thread.join(LONG_S)
    assert gc.isenabled()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("enabled", [True, False])
def test_a_child_that_is_forked_in_the_midst_has_the_parents_collector(enabled: bool) -> None:
    """On where the program had it on, and off where the program had switched it off."""
    inside, leave = threading.Event(), threading.Event()

    def rest() -> None:
        with collector_at_rest():
            inside.set()
            leave.wait(LONG_S)

    try:
        if not enabled:
            gc.disable()
        thread = threading.Thread(target=rest)
        thread.start()
        assert inside.wait(LONG_S)
        assert not gc.isenabled()
        collects = _child_collects()
        leave.set()
        thread.join(LONG_S)

        assert collects is enabled
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_an_interruption_leaves_the_collector_on_or_the_next_call_puts_it_right() -> None:
    """At any line of its rest."""

    def rest() -> None:
        with collector_at_rest():
            pass

    raised, at = True, 1
    while raised:
        interruption = Interruption(at)
        interruption.run(rest)
        raised, at = interruption.raised, at + 1
        rest()
        assert gc.isenabled(), f"line {at - 1}"
    assert at > 8


def test_two_threads_at_rest_switch_it_on_with_the_last() -> None:
    """The first to leave does not switch it on under the other's hands."""
    inside, leave = threading.Event(), threading.Event()

    def rest() -> None:
        with collector_at_rest():
            inside.set()
            leave.wait(LONG_S)

    thread = threading.Thread(target=rest)
    thread.start()
    assert inside.wait(LONG_S)
    with collector_at_rest():
        pass
    off_meanwhile = not gc.isenabled()
    leave.set()
    thread.join(LONG_S)

    assert off_meanwhile
    assert gc.isenabled()
