"""What an object keeps alive: everything that can be reached from it."""

from __future__ import annotations

import gc
import sys
import types
from typing import Any, NamedTuple

# Code and what belongs to the whole process is nobody's memory.
SHARED = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.CodeType,
    types.MethodType,
)


class Reach(NamedTuple):
    """The size of what is reachable, and how many objects of each type's name there are."""

    size_bytes: int
    types: dict[str, int]


def reach(*roots: object) -> Reach:
    """Return what can be reached from `roots`, the roots included."""
    seen: set[int] = set()
    counts: dict[str, int] = {}
    size_bytes = 0
    todo: list[Any] = list(roots)
    while todo:
        found = todo.pop()
        if id(found) in seen or isinstance(found, SHARED):
            continue
        seen.add(id(found))
        size_bytes += sys.getsizeof(found, 0)
        name = type(found).__name__
        counts[name] = counts.get(name, 0) + 1
        todo.extend(gc.get_referents(found))
    return Reach(size_bytes, counts)
