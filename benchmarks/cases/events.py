"""What one callback costs inside the handler, and what it costs until the call lies safely on the disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from langchain_core.callbacks import BaseCallbackHandler

from benchmarks import agents, rows
from benchmarks.durable import delivery
from benchmarks.effort import Effort
from benchmarks.events import Event, fresh, play, record
from benchmarks.handlers import NoOp, ours
from benchmarks.measure import Sample, Stopwatch, Workload, interleave
from benchmarks.rows import Row

TURNS = 8  # one call: the agent loop eight times over
EVENTS = TURNS * agents.AGENT_LOOP_EVENTS


def run(effort: Effort) -> list[Row]:
    """Replay the events of the agent loop into a no-op handler and into ours."""
    graph = agents.agent_loop()
    turn = record(lambda config: graph.invoke(agents.ONE_TURN, config=config))
    assert len(turn) == agents.AGENT_LOOP_EVENTS, len(turn)
    with ExitStack() as stack:
        outlet = stack.enter_context(delivery())
        samples = interleave(
            {
                "no-op": _callbacks_only(turn, NoOp),
                "ours": _callbacks_only(turn, ours),
                "whole": _to_the_disk(turn, outlet),
            },
            effort.rounds(60),
        )
    cpu = {name: [sample.thread_s for sample in found] for name, found in samples.items()}
    wall = {name: [sample.wall_s for sample in found] for name, found in samples.items()}
    an_event = 1e6 / EVENTS
    return [
        rows.times(
            "callbacks alone, CPU", "µs an event", cpu["no-op"], cpu["ours"], scale=an_event, at_most=8
        ),
        rows.times(
            "and timeline, document, durable write, CPU",
            "µs an event",
            cpu["no-op"],
            cpu["whole"],
            scale=an_event,
            at_most=25,
        ),
        rows.times("the same, wall", "µs an event", wall["no-op"], wall["whole"], scale=an_event),
    ]


def _callbacks_only(turn: list[Event], make: Callable[[], BaseCallbackHandler]) -> Workload:
    def sample() -> Sample:
        handler = make()
        turns = [fresh(turn) for _ in range(TURNS)]
        with Stopwatch() as watch:
            for events in turns:
                play(events, handler)
        return watch.sample

    return sample


def _to_the_disk(turn: list[Event], outlet: object) -> Workload:
    def sample() -> Sample:
        turns = [fresh(turn) for _ in range(TURNS)]
        with Stopwatch() as watch:
            handler = ours(outlet)
            for events in turns:
                play(events, handler)
            handler.finalize()
        return watch.sample

    return sample
