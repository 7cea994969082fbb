"""Code of the program's own classes, run so that nothing it raises reaches the agent."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def passes_through(error: BaseException) -> bool:
    """Return whether an exception is not the value's but the user's, who pressed Ctrl-C.

    Python raises that one in the main thread alone. Whatever else a value's code raises, `SystemExit` too, costs
    that value and nothing more.
    """
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def tolerant(default: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function that reads objects of the program answer `default` where their code raises."""

    def tolerated(function: Callable[P, R]) -> Callable[P, R]:
        # Called for every event, and never with keywords, which would cost as much again.
        @functools.wraps(function)
        def read(*args: Any) -> R:
            try:
                return function(*args)  # type: ignore[call-arg]  # as they were given
            except BaseException as error:
                if passes_through(error):
                    raise
                return default  # type: ignore[no-any-return]  # as the function is declared

        return read  # type: ignore[return-value]  # as above

    return tolerated
