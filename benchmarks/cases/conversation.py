"""A conversation of 200 turns with a memory: each turn's events carry the whole history so far."""

from __future__ import annotations

from benchmarks import agents, rows
from benchmarks.effort import Effort
from benchmarks.events import Event, fresh, play, record
from benchmarks.handlers import Discard, ours
from benchmarks.measure import Sample, Stopwatch, interleave
from benchmarks.reach import Reach, reach
from benchmarks.rows import Row

TURNS, EDGE = 200, 20
MESSAGES = ("HumanMessage", "AIMessage", "ToolMessage", "SystemMessage")


def run(effort: Effort) -> list[Row]:
    """Compare what the handler costs and keeps in the first and in the last turns."""
    turns = recorded()
    first, last = _first_and_last(turns, effort.rounds(60))
    return [
        rows.times(
            f"conversation of {TURNS} turns, the last {EDGE} against the first, CPU",
            "µs a turn",
            first,
            last,
            scale=1e6 / EDGE,
            at_most=1.3,
        ),
        *_memory(turns),
    ]


def recorded() -> list[list[Event]]:
    """Return the events of each turn of one conversation, with the histories they carried."""
    graph = agents.conversation()

    def turn(number: int) -> list[Event]:
        inputs = {"messages": [("user", f"{number}: {agents.EIGHTY_WORDS}")]}
        thread = {"configurable": {"thread_id": "one"}}
        return record(lambda config: graph.invoke(inputs, config={**config, **thread}))

    return [turn(number) for number in range(TURNS)]


def _first_and_last(turns: list[list[Event]], rounds: int) -> tuple[list[float], list[float]]:
    """Return seconds of CPU for the first and the last turns of a conversation, of many replays."""
    firsts: list[float] = []

    def sample() -> Sample:
        handler, played = ours(), [fresh(turn) for turn in turns]
        with Stopwatch() as first:
            for turn in played[:EDGE]:
                play(turn, handler)
        for turn in played[EDGE:-EDGE]:
            play(turn, handler)
        with Stopwatch() as last:
            for turn in played[-EDGE:]:
                play(turn, handler)
        firsts.append(first.sample.thread_s)
        return last.sample

    lasts = interleave({"ours": sample}, rounds)["ours"]
    return firsts[1:], [last.thread_s for last in lasts]  # the first round is a warm-up


def _memory(turns: list[list[Event]]) -> list[Row]:
    outlet = Discard()
    handler = ours(outlet)
    seen: dict[int, Reach] = {}
    for number, turn in enumerate(turns, 1):
        play(fresh(turn), handler)
        if number in (EDGE, 2 * EDGE, TURNS - EDGE, TURNS):
            seen[number] = reach(handler)
    early = (seen[2 * EDGE].size_bytes - seen[EDGE].size_bytes) / EDGE
    late = (seen[TURNS].size_bytes - seen[TURNS - EDGE].size_bytes) / EDGE
    handler.finalize()
    outlet.last = b""  # the document is the outlet's, not the handler's
    after = reach(handler)
    return [
        rows.times(
            "memory of a late turn against an early one",
            "KiB a turn",
            [early],
            [late],
            scale=1 / 1024,
            at_most=1.1,
        ),
        rows.single(
            "LangChain messages held after 200 turns",
            "messages a turn",
            messages_in(seen[TURNS]) / TURNS,
            at_most=2,
        ),
        rows.single(
            "runs and messages held after finalize", "objects", messages_in(after) + runs_in(after), at_most=0
        ),
        rows.single("memory of a finalised handler", "KiB", after.size_bytes / 1024, at_most=16),
    ]


def messages_in(found: Reach) -> int:
    return sum(found.types.get(name, 0) for name in MESSAGES)


def runs_in(found: Reach) -> int:
    return sum(count for name, count in found.types.items() if name.endswith("Run"))
