"""What a streamed token costs: in a graph that streams, and in the handler alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

from benchmarks import agents, rows
from benchmarks.effort import Effort
from benchmarks.events import Event, fresh, play, record
from benchmarks.handlers import NoOp, ours
from benchmarks.measure import Sample, Stopwatch, Workload, interleave
from benchmarks.rows import Row

CHUNKS = 400


def run(effort: Effort) -> list[Row]:
    """Stream one answer of many words with a no-op handler and with ours."""
    graph = agents.streaming(CHUNKS)
    events = record(lambda config: consume(graph, config))
    assert sum(event.method == "on_llm_new_token" for event in events) >= CHUNKS
    played = interleave({"no-op": _alone(events, NoOp), "ours": _alone(events, ours)}, effort.rounds(100))
    streamed = interleave(
        {"no-op": _streamed(graph, NoOp), "ours": _streamed(graph, ours)}, effort.rounds(100)
    )
    lines = []
    for what, found in (("the handler alone", played), ("graph.stream", streamed)):
        cpu = {name: [sample.process_s for sample in samples] for name, samples in found.items()}
        named = f"streamed answer of {CHUNKS} chunks, {what}, CPU"
        lines.append(
            rows.more(named, "µs a token", cpu["no-op"], cpu["ours"], scale=1e6 / CHUNKS, at_most=1.0)
        )
    return lines


def consume(graph: Any, config: dict[str, Any]) -> None:
    for _ in graph.stream({"messages": [("user", "Tell me more.")]}, config=config, stream_mode="messages"):
        pass


def _alone(events: list[Event], make: Callable[[], BaseCallbackHandler]) -> Workload:
    def sample() -> Sample:
        handler, played = make(), fresh(events)
        with Stopwatch() as watch:
            play(played, handler)
        return watch.sample

    return sample


def _streamed(graph: Any, make: Callable[[], BaseCallbackHandler]) -> Workload:
    def sample() -> Sample:
        config = {"callbacks": [make()]}
        with Stopwatch() as watch:
            consume(graph, config)
        return watch.sample

    return sample
