"""A hundred calls at once in one event loop, and the longest that the loop kept anybody waiting."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

from benchmarks import agents, rows
from benchmarks.effort import Effort
from benchmarks.measure import Sample, Stopwatch, Workload, interleave
from benchmarks.programs import HANDLERS, NO_OP, OURS, against_none, config
from benchmarks.rows import Row

CALLS = 100
TICK_S = 0.001
WORST = "their worst event-loop delay, against a no-op handler"


def run(effort: Effort) -> list[Row]:
    """Start a hundred `ainvoke` together, each call with a handler of its own."""
    samples, delays = _together(effort.rounds(8))
    with _collector_off():
        _, calm = _together(effort.rounds(5))
    return [
        *against_none("100 ainvoke at once", samples, 1.05),
        rows.times(WORST, "ms", delays[NO_OP], delays[OURS], scale=1e3, at_most=1.05),
        rows.times(f"{WORST}, the collector off", "ms", calm[NO_OP], calm[OURS], scale=1e3),
    ]


def _together(rounds: int) -> tuple[dict[str, list[Sample]], dict[str, list[float]]]:
    """Return the samples and the worst delays of each handler."""
    graph = agents.agent_loop()
    delays: dict[str, list[float]] = {name: [] for name in HANDLERS}
    variants = {name: _variant(graph, make, delays[name]) for name, make in HANDLERS.items()}
    samples = interleave(variants, rounds)
    return samples, {name: found[1:] for name, found in delays.items()}  # the first round is a warm-up


@contextmanager
def _collector_off() -> Iterator[None]:
    """Leave the garbage collector's passes out, which hold up a loop whoever's objects they go through."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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
