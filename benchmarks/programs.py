"""Runs of a whole program with no callbacks, with a no-op handler and with ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

from benchmarks import rows
from benchmarks.handlers import NoOp, ours
from benchmarks.measure import Sample, Stopwatch, Workload
from benchmarks.rows import Row

NONE, NO_OP, OURS = "no callbacks", "no-op", "ours"
HANDLERS: Mapping[str, Callable[[], BaseCallbackHandler] | None] = {NONE: None, NO_OP: NoOp, OURS: ours}


def config(make: Callable[[], BaseCallbackHandler] | None) -> dict[str, Any]:
    """Return a config with a new handler, or with none."""
    return {} if make is None else {"callbacks": [make()]}


def synchronous(graph: Any, inputs: Any) -> dict[str, Workload]:
    """Return the `invoke` of `graph` with each of the handlers."""

    def variant(make: Callable[[], BaseCallbackHandler] | None) -> Workload:
        def sample() -> Sample:
            given = config(make)
            with Stopwatch() as watch:
                graph.invoke(inputs, config=given)
            return watch.sample

        return sample

    return {name: variant(make) for name, make in HANDLERS.items()}


def asynchronous(graph: Any, inputs: Any) -> dict[str, Workload]:
    """Return the `ainvoke` of `graph` with each of the handlers."""

    def variant(make: Callable[[], BaseCallbackHandler] | None) -> Workload:
        async def invoke() -> Sample:
            given = config(make)
            with Stopwatch() as watch:
                await graph.ainvoke(inputs, config=given)
            return watch.sample

        return lambda: asyncio.run(invoke())

    return {name: variant(make) for name, make in HANDLERS.items()}


def against_none(what: str, samples: Mapping[str, list[Sample]], at_most: float | None) -> list[Row]:
    """Return the lines of a program: wall and CPU, of a no-op handler to know the floor and of ours."""
    wall = {name: [sample.wall_s for sample in found] for name, found in samples.items()}
    cpu = {name: [sample.process_s for sample in found] for name, found in samples.items()}
    return [
        rows.times(f"{what}, wall, a no-op handler", "ms", wall[NONE], wall[NO_OP], scale=1e3),
        rows.times(f"{what}, wall", "ms", wall[NONE], wall[OURS], scale=1e3, at_most=at_most),
        rows.times(f"{what}, CPU, a no-op handler", "ms", cpu[NONE], cpu[NO_OP], scale=1e3),
        rows.times(f"{what}, CPU", "ms", cpu[NONE], cpu[OURS], scale=1e3, at_most=at_most),
    ]
