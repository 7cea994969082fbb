"""Forks that come at the wrong moment.

A child inherits the locks of imports that were under way in other threads, and waits for them for ever. What is
not needed to finish a call is imported late, by whoever first needs it: our own modules in a millisecond, the HTTP
library in a tenth of a second. A fork waits until that is done. Everything else a child must not inherit is dropped
after the fork.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A fork is held up this long at most; the import takes a tenth of a second.
_LONGEST_S = 10.0

_changed = threading.Condition()
# One for each import that is under way; they do not wait for each other.
_loading: set[object] = set()
_in_child: list[Callable[[], None]] = []


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """Let no fork happen meanwhile, as far as Python knows of it."""
    this = object()
    with _changed:
        _loading.add(this)
    try:
        yield
    finally:
        with _changed:
            _loading.discard(this)
            _changed.notify_all()


def after_in_child(do: Callable[[], None]) -> None:
    """Have something done in every forked child, before anything else runs there."""
    _in_child.append(do)


def _before() -> None:
    if _changed.acquire(timeout=_LONGEST_S):
        _changed.wait_for(lambda: not _loading, _LONGEST_S)


def _after_in_parent() -> None:
    with contextlib.suppress(RuntimeError):  # it was not got in time
        _changed.release()


def _after_in_child() -> None:
    global _changed, _loading  # who holds the inherited lock, or loads, may not exist here
    _changed, _loading = threading.Condition(), set()
    for do in _in_child:
        do()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
