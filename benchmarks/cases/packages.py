"""Which packages an installation brings that langchain-core and langgraph do not bring already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires

from benchmarks import rows
from benchmarks.effort import Effort
from benchmarks.rows import Row


def run(effort: Effort) -> list[Row]:
    """Compare what the installed packages say they require; nothing is measured, so effort is no matter."""
    theirs = _needed(["langchain-core", "langgraph"])
    added = sorted(_needed(["tuner-langchain"]) - theirs - {"tuner-langchain"})
    what = "packages beyond langchain-core and langgraph" + (f": {', '.join(added)}" if added else "")
    return [rows.single(what, "packages", len(added), at_most=0)]


def _needed(names: Iterable[str]) -> set[str]:
    """Return the packages and all that they require, extras left out."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        try:
            wanted = requires(name) or []
        except PackageNotFoundError:  # for another platform or an older Python
            continue
        found.add(name)
        todo.extend(_normal(line) for line in wanted if "extra ==" not in line)
    return found


def _normal(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", name.group() if name else requirement).lower()
