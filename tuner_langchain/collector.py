"""The garbage collector, at rest while a call is worked out."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

# The calls that are worked out just now, when the first of them found the collector on.
_working: set[object] = set()


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from going through a growing call again and again: it doubled a row's time."""
    if not (_working or gc.isenabled()):
        yield
        return
    this = object()
    try:
        _working.add(this)
        gc.disable()
        yield
    finally:
        _working.discard(this)
        if not _working:
            gc.enable()


def _after_fork_in_child() -> None:
    """Switch the collector on again: the threads that would have done it are the parent's."""
    if _working:
        _working.clear()
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
