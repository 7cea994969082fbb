"""The rows of a document, in as bars: one for what was said, for each node, tool call and model call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner_langchain.view.facts import model_facts, node_facts, speech_facts, tool_facts
from tuner_langchain.view.nouns import STOPPED, Bar
from tuner_langchain.view.reading import items, mapping, number, whole, words

Row = Mapping[str, Any]

_CONTAINS_FIRST = ("user", "node", "tool", "model", "agent")


def read_bars(document: Mapping[str, Any]) -> list[Bar]:
    """Return the call's bars in order of time, tool results joined to their calls; nothing is nested yet."""
    rows = [row for row in items(document.get("transcript_with_tool_calls")) if isinstance(row, Mapping)]
    turns = turn_numbers(rows)
    bars: list[Bar] = []
    waiting: dict[str, list[tuple[Bar, Row]]] = defaultdict(list)
    for row, turn in zip(rows, turns, strict=True):
        bars.extend(_bars_of(row, turn, waiting))
    bars.sort(key=_order)
    for index, bar in enumerate(bars):
        bar.index = index
    return bars


def _order(bar: Bar) -> tuple[int, int, int]:
    """Order by time, and at one time what can contain before what can lie in it; else as the document does."""
    return bar.start_ms, _CONTAINS_FIRST.index(bar.kind), bar.name.count(":")


def _bars_of(row: Row, turn: int, waiting: dict[str, list[tuple[Bar, Row]]]) -> Iterable[Bar]:
    start_ms, end_ms = times(row)
    match row.get("role"):
        case "user" | "agent":
            yield _speech(row, start_ms, end_ms, turn)
        case "node_transition":
            node = _node(row, start_ms, end_ms, turn)
            yield node
            yield from _model_calls(row, node)
        case "agent_function":
            tool = _tool(row, start_ms, end_ms, turn)
            waiting[_tool_key(row)].append((tool, row))
            yield tool
        case "agent_result":
            calls = waiting[_tool_key(row)]
            if calls:
                _answer(*calls.pop(), row)
            else:  # a result whose call is not in the document is still something that happened
                tool = _tool(row, start_ms, end_ms, turn)
                _answer(tool, row, row)
                yield tool


def times(row: Row) -> tuple[int, int]:
    """Return a row's start and end: as given, or from its duration, or from its words."""
    spoken = [mapping(word) for word in items(row.get("words"))]
    start = number(row.get("start_ms"))
    if start is None:
        start = number(mapping(row.get("tool")).get("start_ms"))
    if start is None and spoken:
        start = number(spoken[0].get("start_ms"))
    start = start or 0
    end = number(row.get("end_ms"))
    if end is None and (lasted := number(row.get("duration_ms"))) is not None:
        end = start + lasted
    if end is None and spoken:
        end = number(spoken[-1].get("end_ms"))
    return round(start), max(round(start), round(start if end is None else end))


def turn_numbers(rows: Sequence[Row]) -> list[int]:
    """Return each row's turn: as the row says it, else counted by when the caller speaks anew."""
    said = [whole(mapping(row.get("metadata")).get("turn")) for row in rows]
    return _filled(rows, said) if any(turn is not None for turn in said) else _counted(rows)


def _counted(rows: Sequence[Row]) -> list[int]:
    turn, before, numbers = 0, "", []
    for row in rows:
        role = row.get("role")
        turn += role == "user" and before != "user"
        before = role if isinstance(role, str) else ""
        numbers.append(turn)
    return numbers


def _filled(rows: Sequence[Row], said: Sequence[int | None]) -> list[int]:
    """Give rows that do not say their turn a neighbour's: the caller's words open one, all else goes on."""
    following: list[int | None] = []
    after = None
    for turn in reversed(said):
        after = after if turn is None else turn
        following.append(after)
    following.reverse()
    current, numbers = 0, []
    for row, turn, ahead in zip(rows, said, following, strict=True):
        if turn is not None:
            current = turn
        elif row.get("role") == "user" and ahead is not None:
            current = ahead
        numbers.append(current)
    return numbers


def _speech(row: Row, start_ms: int, end_ms: int, turn: int) -> Bar:
    kind = row["role"]
    cut = mapping(row.get("metadata")).get("interrupted") is True
    return Bar(
        kind, "caller" if kind == "user" else "agent", start_ms, end_ms, turn,
        status="interrupted" if cut else "ok", text=_said(row), cut=cut, facts=speech_facts(row),
    )  # fmt: skip


def _said(row: Row) -> str:
    """Return what was said, or why there are no words to show."""
    if text := words(row.get("text")):
        return text
    withheld = mapping(row.get("metadata")).get("withheld")
    return f"[withheld: {words(withheld)}]" if withheld else "[no words]"


def _node(row: Row, start_ms: int, end_ms: int, turn: int) -> Bar:
    node, metadata = mapping(row.get("node")), mapping(row.get("metadata"))
    path = words(node.get("to")) or words(row.get("text")) or "unnamed node"
    graph = metadata.get("graph")
    return Bar(
        "node", path, start_ms, end_ms, turn,
        status=words(metadata.get("status")) or "ok", why=words(node.get("reason")),
        error=error_text(metadata.get("error")),
        graph=_caller(metadata) or (graph if isinstance(graph, str) else path.rpartition(":")[0]),
        facts=node_facts(row),
    )  # fmt: skip


def _caller(metadata: Row) -> str:
    """Return the node whose code called this one, as tasks of the functional API are called; "" for any other."""
    sources = map(mapping, items(metadata.get("sources")))
    return next((words(source.get("from")) for source in sources if source.get("kind") == "call"), "")


def _model_calls(row: Row, node: Bar) -> Iterable[Bar]:
    for call in map(mapping, items(mapping(row.get("metadata")).get("llm"))):
        start_ms, end_ms = times(call)
        error = error_text(call.get("error"))
        yield Bar(
            "model", words(call.get("model")) or "model", start_ms, end_ms, node.turn,
            status=words(call.get("status")) or ("error" if error else "ok"), error=error,
            tokens=tokens_of(call), graph=node.name, facts=model_facts(call),
        )  # fmt: skip


def tokens_of(call: Row) -> int | None:
    """Return the tokens a model call used, in and out; None when the model did not say."""
    total = whole(call.get("total_tokens"))
    if total is not None:
        return total
    counts = [
        count for key in ("input_tokens", "output_tokens") if (count := whole(call.get(key))) is not None
    ]
    return sum(counts) if counts else None


def _tool(row: Row, start_ms: int, end_ms: int, turn: int) -> Bar:
    tool, metadata = mapping(row.get("tool")), mapping(row.get("metadata"))
    graph, node = words(metadata.get("graph")), words(metadata.get("node"))
    inside = node if not graph or node == graph or node.startswith(f"{graph}:") else f"{graph}:{node}"
    return Bar(
        "tool", words(tool.get("name")) or words(row.get("text")) or "unnamed tool", start_ms, end_ms, turn,
        status=words(metadata.get("status")) or "ok", graph=inside or None,
        request_id=words(tool.get("request_id")), facts=tool_facts(row),
    )  # fmt: skip


def _answer(call: Bar, asked: Row, row: Row) -> None:
    """Join a tool's result to its call."""
    tool, metadata = mapping(row.get("tool")), mapping(row.get("metadata"))
    if asked is not row:
        call.facts[1:1] = tool_facts(row, result=True)
        if call.start_ms == call.end_ms:  # some SDKs give a call no length: the result says when it was over
            call.end_ms = max(call.end_ms, times(row)[1])
    status = words(metadata.get("status"))
    call.status = status if status and call.status == "ok" else call.status
    # A tool that was cancelled, or whose call ended first, has no answer; that is not a failure of its own.
    if tool.get("is_error") is True and call.status not in STOPPED:
        call.status = call.status if call.status != "ok" else "error"
        call.error = (
            words(tool.get("error")) or error_text(mapping(tool.get("result")).get("error")) or "error"
        )


def _tool_key(row: Row) -> str:
    tool = mapping(row.get("tool"))
    return words(tool.get("request_id")) or words(tool.get("name"))


def error_text(error: object) -> str:
    """Write an error `{type, message}` on one line; nothing when there is none."""
    told = mapping(error)
    if not told:
        return words(error)
    return (
        ": ".join(part for part in (words(told.get("type")), words(told.get("message"))) if part) or "error"
    )
