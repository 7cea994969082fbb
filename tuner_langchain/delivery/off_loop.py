"""Blocking work that somebody asks for on a thread that runs an event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def off_loop(work: Callable[[], T], *, must_finish: bool = False) -> T:
    """Do `work` and return its result; on a thread that runs an event loop, in a thread of ours meanwhile.

    Some programs forbid blocking calls on their loop (`langgraph dev` does): there they raise in the midst of the work.
    The caller waits all the same, because it asked without `await`.

    Args:
        work: What to do; what it raises is raised here.
        must_finish: The interpreter waits for it at exit, should the caller stop waiting.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    # Its `get` waits in C. Joining a thread or waiting for a condition is forbidden there like the work itself.
    done: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            done.put((None, error))

    try:
        threading.Thread(target=run, name="tuner-off-loop", daemon=not must_finish).start()
    except RuntimeError:  # the interpreter gives no more threads
        return work()
    result, error = done.get()
    if error is not None:
        try:
            raise error
        finally:
            del error  # or its traceback would hold it, and this frame with all it refers to
    return result  # type: ignore[return-value]  # there is no error, so there is a result
