"""What the end of a call costs: against encoding the ready document alone.

A call has pauses: the caller listens, the caller thinks. So the goals are held with a pause before the end, in which
the rows of a long call are made ready; the same call without any pause is shown beside it.
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from benchmarks import agents, rows
from benchmarks.effort import Effort
from benchmarks.events import Event, fresh, play, record
from benchmarks.handlers import Discard, ours
from benchmarks.measure import Sample, Stopwatch, figure, interleave
from benchmarks.rows import Row
from tuner_langchain.ahead import ENOUGH_RUNS

SIZES = {200: 40, 5_000: 15, 50_000: 3}  # rows, and how many rounds


def run(effort: Effort) -> list[Row]:
    """Finalise calls of 200, 5,000 and 50,000 rows."""
    graph = agents.agent_loop()
    turn = record(lambda config: graph.invoke(agents.ONE_TURN, config=config))
    a_turn = _rows_of(turn)
    lines = []
    growth = []
    for size, rounds in SIZES.items():
        turns = -(-size // a_turn)
        bare, whole = _compared(turn, turns, effort.rounds(rounds), pause=True)
        growth.append((figure(bare).least / turns, figure(whole).least / turns))
        lines.append(_line(f"finalise {size:,} rows", bare, whole, at_most=5.0 if size == 5_000 else None))
    bare, whole = _compared(turn, -(-5_000 // a_turn), effort.rounds(15), pause=False)
    lines.append(_line("finalise 5,000 rows that came without a pause", bare, whole, at_most=None))
    (_, _), (bare_few, few), (bare_many, many) = growth
    lines += [
        rows.single(
            "orjson.dumps alone, a row of 50,000 against a row of 5,000", "times", bare_many / bare_few
        ),
        # Linear work is 1 here, squared work 10; what a larger document costs the processor's caches is between.
        rows.single("finalise, a row of 50,000 against a row of 5,000", "times", many / few, at_most=2),
    ]
    return lines


def _line(what: str, bare: list[float], whole: list[float], at_most: float | None) -> Row:
    return rows.times(
        f"{what}, against orjson.dumps of the document, CPU", "ms", bare, whole, scale=1e3, at_most=at_most
    )


def _rows_of(turn: list[Event]) -> int:
    outlet = Discard()
    handler = ours(outlet)
    play(fresh(turn), handler)
    handler.finalize()
    return len(orjson.loads(outlet.last)["transcript_with_tool_calls"])


def _compared(turn: list[Event], turns: int, rounds: int, *, pause: bool) -> tuple[list[float], list[float]]:
    """Return seconds of CPU for encoding the plain document, and for the whole of `finalize`."""
    bares: list[float] = []

    def sample() -> Sample:
        outlet = Discard()
        handler = ours(outlet)
        for _ in range(turns):
            play(fresh(turn), handler)
        if pause:
            _wait_until_ready(handler)
        with Stopwatch() as whole:
            handler.finalize()
        plain = orjson.loads(outlet.last)
        with Stopwatch() as bare:
            orjson.dumps(plain)
        bares.append(bare.sample.thread_s)
        return whole.sample

    wholes = interleave({"ours": sample}, rounds)["ours"]
    return bares[1:], [whole.thread_s for whole in wholes]  # the first round is a warm-up


def _wait_until_ready(handler: Any) -> None:
    """Wait, as a caller who says goodbye, until no more is left to do than a turn may leave."""
    deadline = time.monotonic() + 60
    while len(handler._record.runs) - handler._ahead.runs_ready >= ENOUGH_RUNS:
        if time.monotonic() > deadline:
            raise RuntimeError("the rows of the call were not made ready within a minute")
        time.sleep(0.02)
