"""Whole programs whose end is the scenario: `python exits.py NAME URL OUTBOX ACKS [MORE]`.

They run in a fresh interpreter with warnings as errors, so that anything said on standard error is found.
"""

from __future__ import annotations

import sys

if sys.argv[1] == "gevent_patched":
    from gevent import monkey  # type: ignore[import-untyped]  # it carries no types

    monkey.patch_all()

import asyncio
import atexit
import logging
import os
import signal
import socket
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.clients import Acknowledgements, delivery, handler_with_a_turn
from faults.documents import body, new_call_id
from faults.forks import fork_at_first
from tuner_langchain.delivery import Delivery


def submit(sender: Delivery, acknowledged: Acknowledgements, count: int = 1) -> None:
    for _ in range(count):
        call_id = new_call_id(f"x{os.getpid()}")
        acknowledged.add(sender.submit(call_id, body(call_id)))


def end_of_main(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 3)


def sys_exit(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 3)
    sys.exit(3)


def exception(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 3)
    raise RuntimeError("the agent's own failure")


def interrupted(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 3)
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a test run in the background hands down that it is ignored
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()


def terminated(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 3)
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()


def killed(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 3)
    os.kill(os.getpid(), signal.SIGKILL)


def os_exit(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 3)
    os._exit(0)


def nothing_pending(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 1)
    sender.flush(10)
    sender.close()


def others_close_first(sender: Delivery, acknowledged: Acknowledgements) -> None:
    """Our handler runs last: logging is shut down and every socket is closed by then."""
    submit(sender, acknowledged, 2)

    def close_sockets() -> None:
        for name in os.listdir("/proc/self/fd"):
            try:
                if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                    socket.socket(fileno=int(name)).shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    atexit.register(close_sockets)
    atexit.register(logging.shutdown)


def from_del(sender: Delivery, acknowledged: Acknowledgements) -> None:
    class Call:
        def __del__(self) -> None:
            submit(sender, acknowledged)

    call = Call()
    del call
    kept = Call()
    sys.modules["__main__"].kept = kept  # type: ignore[attr-defined]  # dies with the interpreter's modules


def from_atexit(sender: Delivery, acknowledged: Acknowledgements) -> None:
    atexit.register(submit, sender, acknowledged)


def from_signal(sender: Delivery, acknowledged: Acknowledgements) -> None:
    """A signal handler runs between any two instructions of a submit that is under way."""
    left = [100]

    def interrupt(*_: object) -> None:
        submit(sender, acknowledged)
        left[0] -= 1
        if left[0]:
            signal.setitimer(signal.ITIMER_REAL, 0.0007)

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.0007)
    while left[0]:
        submit(sender, acknowledged)
    sender.flush(20)


def loops_that_end(sender: Delivery, acknowledged: Acknowledgements) -> None:
    """Schedule the end of a call and let the loop end; then use a second loop, then a closed one."""

    async def one() -> None:
        call_id = new_call_id("loop")
        acknowledged.add(await handler_with_a_turn(sender, call_id).afinalize())

    async def scheduled() -> None:
        task = asyncio.ensure_future(one())
        await asyncio.sleep(0)
        assert not task.cancelled()

    asyncio.run(scheduled())
    asyncio.run(one())
    loop = asyncio.new_event_loop()
    loop.run_until_complete(one())
    loop.run_until_complete(sender.aflush(10))
    loop.close()
    submit(sender, acknowledged)
    sender.flush(10)


def no_threads(sender: Delivery, acknowledged: Acknowledgements) -> None:
    """The interpreter refuses new threads; flush sends on the calling one."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threading.Thread.start = refuse  # type: ignore[method-assign]  # the interpreter's part, not ours
    submit(sender, acknowledged, 3)
    result = sender.flush(10)
    acknowledged.say(f"flushed {result.delivered}")


def gevent_patched(sender: Delivery, acknowledged: Acknowledgements) -> None:
    submit(sender, acknowledged, 5)
    sender.flush(20)
    sender.close()


def main(name: str, url: str, outbox: str, acks: str, *more: str) -> None:
    """Run one program."""
    if name == "fork_at_first":
        fork_at_first(url, outbox, acks, float(more[0]))
    else:
        globals()[name](delivery(url, outbox), Acknowledgements(acks))


if __name__ == "__main__":
    main(*sys.argv[1:])
