"""Fifty function nodes in a row: a graph that does nothing but go from node to node."""

from __future__ import annotations

from benchmarks import agents
from benchmarks.effort import Effort
from benchmarks.measure import interleave
from benchmarks.programs import against_none, synchronous
from benchmarks.rows import Row


def run(effort: Effort) -> list[Row]:
    """Run the graph with each handler; it has no goal, because a real node does something."""
    graph = agents.nodes_in_a_row(50)
    samples = interleave(synchronous(graph, {"count": 0}), effort.rounds(60))
    return against_none("50 nodes in a row, invoke", samples, None)
