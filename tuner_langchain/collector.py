"""The garbage collector, at rest while a call is worked out."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# The threads that work a call out just now, and whether it was us who switched the collector off. A thread stands
# for itself, so that one that was interrupted here puts things right the next time.
_working: set[int] = set()
_off = False


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from going through a growing call again and again: it doubled a row's time."""
    global _off  # noqa: PLW0603 - there is one collector in a process
    if not (gc.isenabled() or _off):  # the program does without it
        yield
        return
    this = threading.get_ident()
    try:
        _working.add(this)
        _off = True
        gc.disable()
        yield
    finally:
        try:  # Ctrl-C may come here too
            _working.discard(this)
        finally:
            if not _working:
                gc.enable()
                _off = False


def _after_fork_in_child() -> None:
    """Switch the collector on again: the threads that would have done it are the parent's."""
    global _off  # noqa: PLW0603 - as above
    if _off:
        _working.clear()
        gc.enable()
        _off = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
