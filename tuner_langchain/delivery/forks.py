"""Forks that come at the wrong moment.

A child inherits the locks of imports that were under way in other threads, and waits for them for ever. The one
large import that our threads make is the HTTP library's, so a fork waits until it is done. Everything else a child
must not inherit is dropped after the fork.
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

_loading = threading.Lock()
_in_child: list[Callable[[], None]] = []


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """Let no fork happen meanwhile, as far as Python knows of it."""
    with _loading:
        yield


def after_in_child(do: Callable[[], None]) -> None:
    """Have something done in every forked child, before anything else runs there."""
    _in_child.append(do)


def _before() -> None:
    _loading.acquire(timeout=_LONGEST_S)


def _after_in_parent() -> None:
    with contextlib.suppress(RuntimeError):  # it was not got in time
        _loading.release()


def _after_in_child() -> None:
    global _loading  # noqa: PLW0603 - the inherited lock's holder may not exist here
    _loading = threading.Lock()
    for do in _in_child:
        do()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
