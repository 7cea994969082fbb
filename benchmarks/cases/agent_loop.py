"""An agent that makes 11 model calls and 10 tool calls in a turn, sync and async."""

from __future__ import annotations

from benchmarks import agents
from benchmarks.effort import Effort
from benchmarks.measure import interleave
from benchmarks.programs import against_none, asynchronous, synchronous
from benchmarks.rows import Row


def run(effort: Effort) -> list[Row]:
    """Run the loop with no callbacks, a no-op handler and ours."""
    graph, rounds = agents.agent_loop(), effort.rounds(60)
    return [
        *against_none("agent loop, invoke", interleave(synchronous(graph, agents.ONE_TURN), rounds), 1.05),
        *against_none("agent loop, ainvoke", interleave(asynchronous(graph, agents.ONE_TURN), rounds), 1.05),
    ]
