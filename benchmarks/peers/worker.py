"""Runs the workloads with one handler, inside that handler's environment, and prints the figures as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import agents
from benchmarks.cases.conversation import EDGE, recorded
from benchmarks.cases.hundred_at_once import CALLS, TICK_S, worst_delay
from benchmarks.cases.streaming import CHUNKS, consume
from benchmarks.events import fresh, play, record
from benchmarks.handlers import NoOp
from benchmarks.measure import Figure, Sample, Stopwatch, difference, figure, interleave, ratio
from benchmarks.peers.adapters import ADAPTERS, Adapter
from benchmarks.peers.loopback import refuse_everything_else

TURNS = 8
NONE = Adapter(lambda: None, lambda handler: None)  # type: ignore[arg-type, return-value]
NO_OP = Adapter(NoOp, lambda handler: None)
Variant = Callable[[], tuple[Sample, Sample]]  # the workload itself, and the flush after it


def main() -> None:
    """Measure the handler that is named, with the sink at the given address and the given effort."""
    name, address, effort = sys.argv[1], sys.argv[2], float(sys.argv[3])
    refuse_everything_else()
    logging.disable(logging.WARNING)
    adapter = ADAPTERS[name](address)

    def rounds(number: int) -> int:
        return max(3, round(number * effort))

    found: dict[str, Figure] = {}
    for measured in (_events, _agent_loop, _at_once, _streaming, _conversation):
        print(f"  {name}: {measured.__name__[1:]}", file=sys.stderr, flush=True)
        found |= measured(adapter, rounds)
    print(json.dumps(found))


def _events(adapter: Adapter, rounds: Callable[[int], int]) -> dict[str, Figure]:
    graph = agents.agent_loop()
    turn = record(lambda config: graph.invoke(agents.ONE_TURN, config=config))

    def sample() -> tuple[Sample, Sample]:
        handler, turns = adapter.make(), [fresh(turn) for _ in range(TURNS)]
        with Stopwatch() as inline:
            for events in turns:
                play(events, handler)
        return inline.sample, _flush(adapter, [handler])

    inline, whole = _rounds({"it": sample}, rounds(15))["it"]
    per_event = 1e6 / (TURNS * len(turn))
    return {
        "event_us": _scaled([sample.thread_s for sample in inline], per_event),
        "event_all_us": _scaled([sample.process_s for sample in whole], per_event),
    }


def _agent_loop(adapter: Adapter, rounds: Callable[[int], int]) -> dict[str, Figure]:
    graph = agents.agent_loop()

    def variant(made: Adapter) -> Variant:
        def sample() -> tuple[Sample, Sample]:
            handlers = [made.make()]
            config: Any = {"callbacks": [handler for handler in handlers if handler]}
            with Stopwatch() as inline:
                graph.invoke(agents.ONE_TURN, config=config)
            return inline.sample, _flush(made, handlers)

        return sample

    found = _rounds({"none": variant(NONE), "it": variant(adapter)}, rounds(40))
    return _against_none("loop", found)


def _at_once(adapter: Adapter, rounds: Callable[[int], int]) -> dict[str, Figure]:
    graph = agents.agent_loop()
    delays: list[float] = []

    def variant(made: Adapter, noted: list[float]) -> Variant:
        async def together(handlers: list[Any]) -> Sample:
            configs: list[Any] = [{"callbacks": [handler] if handler else []} for handler in handlers]
            ticking = asyncio.create_task(worst_delay())
            await asyncio.sleep(TICK_S)
            with Stopwatch() as watch:
                await asyncio.gather(*(graph.ainvoke(agents.ONE_TURN, config=given) for given in configs))
            ticking.cancel()
            noted.append(await ticking)
            return watch.sample

        def sample() -> tuple[Sample, Sample]:
            handlers = [made.make() for _ in range(CALLS)]
            return asyncio.run(together(handlers)), _flush(made, handlers)

        return sample

    found = _rounds({"none": variant(NONE, []), "it": variant(adapter, delays)}, rounds(5))
    return _against_none("at_once", found) | {"at_once_delay_ms": _scaled(delays[1:], 1e3)}


def _streaming(adapter: Adapter, rounds: Callable[[int], int]) -> dict[str, Figure]:
    graph = agents.streaming(CHUNKS)

    def variant(made: Adapter) -> Variant:
        def sample() -> tuple[Sample, Sample]:
            handler = made.make()
            with Stopwatch() as inline:
                consume(graph, {"callbacks": [handler]})
            return inline.sample, _flush(made, [handler])

        return sample

    found = _rounds({"no-op": variant(NO_OP), "it": variant(adapter)}, rounds(30))
    cpu = {name: [sample.process_s for sample in inline] for name, (inline, _) in found.items()}
    least, median = difference(cpu["it"], cpu["no-op"])
    return {"token_us": Figure(least * 1e6 / CHUNKS, median * 1e6 / CHUNKS)}


def _conversation(adapter: Adapter, rounds: Callable[[int], int]) -> dict[str, Figure]:
    turns = recorded()
    firsts: list[float] = []

    def sample() -> tuple[Sample, Sample]:
        handler, played = adapter.make(), [fresh(turn) for turn in turns]
        with Stopwatch() as first:
            for turn in played[:EDGE]:
                play(turn, handler)
        for turn in played[EDGE:-EDGE]:
            play(turn, handler)
        with Stopwatch() as last:
            for turn in played[-EDGE:]:
                play(turn, handler)
        firsts.append(first.sample.thread_s)
        return last.sample, _flush(adapter, [handler])

    lasts = [inline.thread_s for inline in _rounds({"it": sample}, rounds(5))["it"][0]]
    return {
        "first_turns_ms": _scaled(firsts[1:], 1e3 / EDGE),
        "last_turns_ms": _scaled(lasts, 1e3 / EDGE),
        "turns_ratio": ratio(lasts, firsts[1:]),
    }


def _rounds(variants: dict[str, Variant], number: int) -> dict[str, tuple[list[Sample], list[Sample]]]:
    """Return the samples of each variant, without its flush and with it."""
    wholes: dict[str, list[Sample]] = {name: [] for name in variants}

    def keeping(name: str, variant: Variant) -> Callable[[], Sample]:
        def sample() -> Sample:
            inline, flush = variant()
            wholes[name].append(Sample(*(a + b for a, b in zip(inline, flush, strict=True))))
            return inline

        return sample

    inlines = interleave({name: keeping(name, variant) for name, variant in variants.items()}, number)
    return {name: (inlines[name], wholes[name][1:]) for name in variants}  # the first round is a warm-up


def _flush(adapter: Adapter, handlers: Sequence[Any]) -> Sample:
    with Stopwatch() as watch:
        for handler in handlers:
            adapter.flush(handler)
    return watch.sample


def _against_none(what: str, found: dict[str, tuple[list[Sample], list[Sample]]]) -> dict[str, Figure]:
    none, it = found["none"], found["it"]
    return {
        f"{what}_wall": ratio([sample.wall_s for sample in it[0]], [sample.wall_s for sample in none[0]]),
        f"{what}_cpu": ratio(
            [sample.process_s for sample in it[1]], [sample.process_s for sample in none[1]]
        ),
    }


def _scaled(values: Sequence[float], scale: float) -> Figure:
    return figure([value * scale for value in values])


if __name__ == "__main__":
    main()
