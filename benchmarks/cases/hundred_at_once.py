"""A hundred calls at once in one event loop, and the longest that the loop kept anybody waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

from benchmarks import agents, rows
from benchmarks.effort import Effort
from benchmarks.measure import Sample, Stopwatch, Workload, interleave
from benchmarks.programs import HANDLERS, NO_OP, OURS, against_none, config
from benchmarks.rows import Row

CALLS = 100
TICK_S = 0.001


def run(effort: Effort) -> list[Row]:
    """Start a hundred `ainvoke` together, each call with a handler of its own."""
    graph = agents.agent_loop()
    delays: dict[str, list[float]] = {name: [] for name in HANDLERS}
    variants = {name: _variant(graph, make, delays[name]) for name, make in HANDLERS.items()}
    samples = interleave(variants, effort.rounds(8))
    worst = {name: found[1:] for name, found in delays.items()}  # the first round is a warm-up
    return [
        *against_none("100 ainvoke at once", samples, 1.05),
        rows.times(
            "their worst event-loop delay, against a no-op handler",
            "ms",
            worst[NO_OP],
            worst[OURS],
            scale=1e3,
            at_most=1.05,
        ),
    ]


def _variant(graph: Any, make: Callable[[], BaseCallbackHandler] | None, delays: list[float]) -> Workload:
    async def together() -> Sample:
        configs = [config(make) for _ in range(CALLS)]
        ticking = asyncio.create_task(worst_delay())
        await asyncio.sleep(TICK_S)
        with Stopwatch() as watch:
            await asyncio.gather(*(graph.ainvoke(agents.ONE_TURN, config=given) for given in configs))
        ticking.cancel()
        delays.append(await ticking)
        return watch.sample

    return lambda: asyncio.run(together())


async def worst_delay() -> float:
    """Return by how many seconds the loop was late at worst, when this task is cancelled."""
    worst, before = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            worst, before = max(worst, now - before - TICK_S), now
    except asyncio.CancelledError:
        return max(worst, time.perf_counter() - before - TICK_S)
