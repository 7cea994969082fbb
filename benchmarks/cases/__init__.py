"""The workloads: each module measures one question and returns its lines of the table."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from benchmarks.effort import Effort
from benchmarks.rows import Row

Case = Callable[[Effort], list[Row]]

# In the order of the table; each is a module here with a function `run`.
NAMES = (
    "events",
    "agent_loop",
    "fifty_nodes",
    "hundred_at_once",
    "streaming",
    "conversation",
    "finalise",
    "holding",
    "memory",
    "imports",
    "packages",
)


def load(name: str) -> Case:
    """Return the workload of that name."""
    case: Case = import_module(f"benchmarks.cases.{name}").run
    return case
