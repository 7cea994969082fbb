"""Client processes that fork."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.clients import Acknowledgements, delivery
from faults.documents import body, new_call_id
from tuner_langchain.delivery import Delivery

_PATIENCE_S = 15.0
_LOAD_CALLS = 30
_LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition)


def _submit(sender: Delivery, acknowledged: Acknowledgements, count: int = 1) -> None:
    for _ in range(count):
        call_id = new_call_id(f"f{os.getpid()}")
        acknowledged.add(sender.submit(call_id, body(call_id)))


def _in_child(work: Callable[[], None], fork: Callable[[], int] = os.fork) -> int:
    """Fork, do the work in the child, return its pid to the parent."""
    pid = fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def _wait(pid: int) -> None:
    """Wait for a child's good end; one that hangs is killed and is a failure."""
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0, f"the forked child ended with {status}"
            return
        time.sleep(0.002)  # a child cannot be waited for with a limit; the end of the patience is the failure
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError(f"the forked child hung for {_PATIENCE_S} s")


def fork_while_sending(url: str, outbox: str, acks: str, go: str) -> None:
    """Fork when told, while the call is being sent; the child stays."""
    sender, acknowledged = delivery(url, outbox), Acknowledgements(acks)
    _submit(sender, acknowledged)
    Path(go).read_bytes()

    def stay() -> None:
        os.setsid()  # or it would be ended together with its parent
        threading.Event().wait()

    child = _in_child(stay)
    acknowledged.say(f"child {child}")
    threading.Event().wait()


def fork_under_load(url: str, outbox: str, acks: str, runs: int, threads: int) -> None:
    """Fork again and again while many threads finalise; every child finalises and flushes."""
    sender, acknowledged = delivery(url, outbox), Acknowledgements(acks)
    enough = threading.Event()

    def load() -> None:
        for _ in range(_LOAD_CALLS):
            if enough.wait(0.1):
                return
            _submit(sender, acknowledged)

    def child() -> None:
        _submit(sender, acknowledged)
        sender.flush(5)

    workers = [threading.Thread(target=load) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(runs):
            _wait(_in_child(child))
    finally:
        enough.set()
        for worker in workers:
            worker.join()
    sender.flush(60)


def fork_while_locked(url: str, outbox: str, acks: str) -> None:
    """Hold every lock the delivery has in a thread that the child will not have."""
    sender, acknowledged = delivery(url, outbox), Acknowledgements(acks)
    _submit(sender, acknowledged)
    sender.flush(10)
    locks = _locks_of(sender)
    assert locks, "the delivery has no lock: this scenario shows nothing"
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        taken = [lock for lock in locks if lock.acquire(timeout=1)]
        held.set()
        release.wait()
        for lock in taken:
            lock.release()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()

    def child() -> None:
        _submit(sender, acknowledged)
        sender.flush(10)

    pid = _in_child(child)
    _wait(pid)
    release.set()
    holder.join()


def _locks_of(root: object) -> list[Any]:
    """Return the locks reachable through attributes of the project's own objects."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, _LOCKS):
            found[id(thing)] = thing
        elif isinstance(thing, dict):
            waiting += thing.values()
        elif type(thing).__module__.startswith("tuner_langchain"):
            waiting += _attributes(thing)
    return list(found.values())


def _attributes(thing: object) -> list[object]:
    names = set(getattr(thing, "__dict__", ()))
    for kind in type(thing).__mro__:
        names.update(getattr(kind, "__slots__", ()))
    return [getattr(thing, name) for name in names if hasattr(thing, name)]


def preload(url: str, outbox: str, acks: str, children: int, count: int) -> None:
    """Build in the parent, use in the children."""
    sender, acknowledged = delivery(url, outbox), Acknowledgements(acks)

    def child() -> None:
        _submit(sender, acknowledged, count)
        sender.flush(20)

    for pid in [_in_child(child) for _ in range(children)]:
        _wait(pid)


def _parked(prefix: str) -> bool:
    """Return whether all threads of this name wait for something to do."""
    frames = sys._current_frames()
    mine = [thread for thread in threading.enumerate() if thread.name.startswith(prefix)]
    return all(
        frames[thread.ident or 0].f_code.co_name == "wait" for thread in mine if thread.ident in frames
    )


def fork_in_c(url: str, outbox: str, acks: str) -> None:
    """Fork through the C library: no Python hook runs in the child."""
    sender, acknowledged = delivery(url, outbox), Acknowledgements(acks)
    _submit(sender, acknowledged)
    sender.flush(10)

    def child() -> None:
        _submit(sender, acknowledged, 2)
        sender.flush(10)

    # Without hooks the child keeps every lock as it is: no thread may be in the midst of something.
    while not _parked("tuner-"):
        time.sleep(0.01)
    _wait(_in_child(child, ctypes.PyDLL(None).fork))
    _submit(sender, acknowledged)
    sender.flush(10)


def fifty_threads(url: str, outbox: str, acks: str, count: int) -> None:
    """Finalise from fifty threads at the same moment and look at the open files."""
    sender, acknowledged = delivery(url, outbox), Acknowledgements(acks)
    together = threading.Barrier(50)
    most: list[int] = []

    def work() -> None:
        together.wait()
        for _ in range(count):
            _submit(sender, acknowledged)
            most.append(len(os.listdir("/proc/self/fd")))

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sender.flush(40)
    acknowledged.say(f"open-files {max(most)}")


def fork_at_first(url: str, outbox: str, acks: str, after_s: float) -> None:
    """Fork so soon after the very first call that the sender may be in the midst of loading the HTTP library."""
    sender, acknowledged = delivery(url, outbox), Acknowledgements(acks)
    _submit(sender, acknowledged)
    time.sleep(after_s)  # the moment of the fork is what varies

    def child() -> None:
        _submit(sender, acknowledged)
        sender.flush(10)

    _wait(_in_child(child))
    sender.flush(10)
