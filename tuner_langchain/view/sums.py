"""The sums of a story: each turn's and the call's waiting, tokens, errors, and what was slowest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tuner_langchain.view.nesting import ancestors, children
from tuner_langchain.view.nouns import Bar, Kind, Problem, Totals, Turn
from tuner_langchain.view.reading import epoch_ms, items, mapping, number, whole, words
from tuner_langchain.view.rows import turn_numbers

Document = Mapping[str, Any]


def read_turns(document: Document, bars: Sequence[Bar], problems: Iterable[Problem]) -> list[Turn]:
    """Return the call's turns in order, each with its bars depth first, as the terminal lists them."""
    waits = _waits(document)
    by_turn: dict[int, list[Bar]] = defaultdict(list)
    for bar in bars:
        by_turn[bar.turn].append(bar)
    errors = Counter(problem.turn for problem in problems)
    measure = _without_nodes(bars)
    return [
        _turn(number_, by_turn[number_], measure, waits.get(number_), errors[number_])
        for number_ in sorted(by_turn)
    ]


def _turn(
    number_: int, own: Sequence[Bar], measure: Callable[[Bar], int], waited_ms: int | None, errors: int
) -> Turn:
    known = [bar.tokens for bar in own if bar.tokens is not None]
    return Turn(
        number_,
        min(bar.start_ms for bar in own),
        max(bar.end_ms for bar in own),
        [bar.index for bar in depth_first(own)],
        waited_ms=_wait(own) if waited_ms is None else waited_ms,
        tokens=sum(known) if known else None,
        errors=errors,
        slowest_node=slowest(own, "node", measure),
        slowest_tool=slowest(own, "tool", _length),
    )


def depth_first(own: Sequence[Bar]) -> Iterable[Bar]:
    """Yield a turn's bars, each followed by what it contains."""
    present = {bar.index for bar in own}
    inside = children(own)
    stack = [bar for bar in reversed(own) if bar.parent not in present]
    while stack:
        bar = stack.pop()
        yield bar
        stack += reversed(inside.get(bar.index, []))


def _waits(document: Document) -> dict[int, int]:
    """Return the silence before the first answer of each turn, where rows measured it."""
    rows = [row for row in items(document.get("transcript_with_tool_calls")) if isinstance(row, Mapping)]
    waits: dict[int, int] = {}
    for row, turn in zip(rows, turn_numbers(rows), strict=True):
        latency = whole(mapping(row.get("metadata")).get("e2e_latency"))
        if row.get("role") == "agent" and latency is not None:
            waits.setdefault(turn, latency)
    return waits


def _wait(own: Sequence[Bar]) -> int | None:
    """Return the time from the end of the caller's words to the first answer, where no row measured it."""
    heard = [bar for bar in own if bar.kind == "user"]
    if not heard:
        return None
    asked_ms = heard[0].end_ms
    answers = [bar.start_ms for bar in own if bar.kind == "agent" and bar.start_ms >= asked_ms]
    return min(answers) - asked_ms if answers else None


def _length(bar: Bar) -> int:
    return bar.duration_ms


def _without_nodes(bars: Sequence[Bar]) -> Callable[[Bar], int]:
    """Return a measure of nodes that blames a nested graph's time on the node inside that took it."""
    holders = {outer.index for bar in bars if bar.kind == "node" for outer in ancestors(bar, bars)}
    return lambda bar: bar.self_ms if bar.index in holders else bar.duration_ms


def slowest(own: Iterable[Bar], kind: Kind | None, measure: Callable[[Bar], int]) -> int | None:
    """Return the index of the bar that took longest by a measure; None when nothing took any time."""
    chosen = [bar for bar in own if (bar.kind == kind if kind else bar.kind in ("node", "tool", "model"))]
    longest = max(chosen, key=measure, default=None)
    return None if longest is None or measure(longest) <= 0 else longest.index


def read_totals(document: Document, bars: Sequence[Bar], turns: Sequence[Turn], problems: int) -> Totals:
    """Return the figures of the whole call."""
    metadata = mapping(document.get("metadata"))
    waits = [(turn.waited_ms, turn.number) for turn in turns if turn.waited_ms is not None]
    longest = max(waits, default=(None, None), key=lambda wait: wait[0] or 0)
    worst = slowest(bars, None, lambda bar: bar.self_ms)
    return Totals(
        duration_ms=call_ms(document, bars),
        turns=sum(1 for turn in turns if turn.number),
        waited_ms=sum(wait for wait, _ in waits) if waits else None,
        longest_wait_ms=longest[0],
        longest_wait_turn=longest[1],
        tokens=_tokens(metadata, bars),
        unknown_usage_calls=_unknown_usage(metadata),
        cost_cents=number(document.get("call_cost")),
        nodes=sum(bar.kind == "node" for bar in bars),
        tools=sum(bar.kind == "tool" for bar in bars),
        models=_model_calls(metadata, bars),
        errors=problems,
        interrupted=sum(bar.cut for bar in bars),
        slowest=worst,
        slowest_own_ms=0 if worst is None else bars[worst].self_ms,
        slowest_node=slowest(bars, "node", _without_nodes(bars)),
        slowest_tool=slowest(bars, "tool", _length),
        slowest_model=slowest(bars, "model", _length),
    )


def call_ms(document: Document, bars: Sequence[Bar]) -> int:
    """Return how long the call was: as the document says, and never shorter than its rows."""
    start, end = epoch_ms(document.get("start_timestamp")), epoch_ms(document.get("end_timestamp"))
    said = whole(document.get("duration_ms"))
    if said is None:
        said = max(0, end - start) if start is not None and end is not None else 0
    return max([said, *(bar.end_ms for bar in bars)])


def _usages(metadata: Document) -> list[Document]:
    usage = metadata.get("llm_usage")
    return [mapping(each) for each in (usage.values() if isinstance(usage, Mapping) else items(usage))]


def _tokens(metadata: Document, bars: Iterable[Bar]) -> int | None:
    said = whole(mapping(metadata.get("usage_token")).get("llm_token"))
    known = [bar.tokens for bar in bars if bar.tokens is not None]
    return said if said is not None else (sum(known) if known else None)


def _unknown_usage(metadata: Document) -> int:
    return sum(whole(usage.get("unknown_usage_calls")) or 0 for usage in _usages(metadata))


def _model_calls(metadata: Document, bars: Iterable[Bar]) -> int:
    counted = sum(whole(usage.get("calls")) or 0 for usage in _usages(metadata))
    return max(counted, sum(bar.kind == "model" for bar in bars))


def tell_errors_once(bars: Sequence[Bar]) -> None:
    """Take the message from what failed because something inside it failed with the same one."""
    for bar in bars:
        if bar.error and bar.parent is not None and bars[bar.parent].error == bar.error:
            outer = bars[bar.parent]
            outer.error = ""
            if not outer.failed:
                outer.status = "error"


def read_problems(document: Document, bars: Sequence[Bar]) -> list[Problem]:
    """Return everything that went wrong, by time: what bars show, and the errors that have no node."""
    problems = [
        _problem_of(bar) for bar in bars if bar.error or (bar.failed and not _failed_inside(bar, bars))
    ]
    told = map(mapping, items(mapping(document.get("metadata")).get("errors")))
    problems += [
        Problem(
            whole(error.get("turn")) or 0,
            whole(error.get("at_ms")),
            words(error.get("type")) or "error",
            words(error.get("message")),
        )
        for error in told
    ]
    return sorted(problems, key=lambda problem: (problem.at_ms is None, problem.at_ms or 0))


def _problem_of(bar: Bar) -> Problem:
    return Problem(bar.turn, bar.end_ms, f"{bar.kind} {bar.name}", bar.error or bar.status, bar.index)


def _failed_inside(bar: Bar, bars: Sequence[Bar]) -> bool:
    return bar.kind == "node" and any(other.parent == bar.index and other.failed for other in bars)
