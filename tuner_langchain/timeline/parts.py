"""What a test asks a timeline for: node visits, tool calls, what was said, and what went wrong.

Each is read from the rows of any Create Call document, also one that another SDK wrote: what a document does
not say is None or empty, never invented. All times are milliseconds from the start of the call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Row = Mapping[str, Any]

FINE = frozenset({"ok", "handed_over", "interrupted"})


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that happened, and when; `row` is the segment it was read from."""

    turn: int
    start_ms: int
    end_ms: int
    row: Row = field(repr=False, compare=False)

    @property
    def duration_ms(self) -> int:
        """How long it took."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, kw_only=True)
class NodeVisit(Part):
    """One execution of a node.

    `name` and `came_from` are paths inside nested graphs (`billing:lookup`); `graph` is that of the graph
    it ran in, empty for the outermost. `error` is the exception where this node is the one that raised it.
    """

    name: str
    came_from: str
    reason: str | None = None
    status: str = "ok"
    graph: str = ""
    step: int | None = None
    attempt: int = 1
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class ToolUse(Part):
    """One call of a tool with its result: None for a paused tool and a call that was cut."""

    name: str
    params: Mapping[str, Any]
    result: Mapping[str, Any] | None = None
    request_id: str = ""
    status: str = "ok"
    node: str | None = None
    error: str | None = None
    result_row: Row | None = field(default=None, repr=False, compare=False)

    @property
    def answer(self) -> Any:
        """The result as the tool gave it: `{"value": x}`, the form for what is no object, is `x` again."""
        return _answered(self.result)

    @property
    def failed(self) -> bool:
        """Whether the tool answered with an error or raised one."""
        return self.error is not None or self.status not in FINE


@dataclass(frozen=True, kw_only=True)
class Utterance(Part):
    """Something said. Latencies are in milliseconds and None where they were not measured."""

    role: Literal["user", "agent"]
    text: str
    interrupted: bool = False
    e2e_latency: int | None = None
    llm_node_ttft: int | None = None
    node: str | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that went wrong: `where` is `node booking`, `tool find_table` or `call`."""

    where: str
    message: str
    type: str = ""
    turn: int = 0
    at_ms: int | None = None

    def __str__(self) -> str:
        return f"{self.where}: " + ": ".join(part for part in (self.type, self.message) if part)


def node_visits(rows: Sequence[Row], turns: Sequence[int]) -> list[NodeVisit]:
    """Return the node visits of a call in the order of its rows."""
    return [
        _visit(row, turn)
        for row, turn in zip(rows, turns, strict=True)
        if row.get("role") == "node_transition"
    ]


def _visit(row: Row, turn: int) -> NodeVisit:
    node, metadata = mapping(row.get("node")), mapping(row.get("metadata"))
    start, end = times(row)
    name = str(node.get("to") or row.get("text") or "")
    graph = metadata.get("graph")
    return NodeVisit(
        name=name,
        came_from=str(node.get("from") or "unknown"),
        reason=node.get("reason"),
        status=str(metadata.get("status") or "ok"),
        graph=graph if isinstance(graph, str) else name.rpartition(":")[0],
        step=metadata.get("step"),
        attempt=whole(metadata.get("attempt")) or 1,
        error=error_text(metadata.get("error")),
        turn=turn,
        start_ms=start,
        end_ms=end,
        row=row,
    )


def tool_uses(rows: Sequence[Row], turns: Sequence[int]) -> list[ToolUse]:
    """Return the tool calls in order, each joined with its result: the next one under the same request id."""
    calls = [
        (row, turn) for row, turn in zip(rows, turns, strict=True) if row.get("role") == "agent_function"
    ]
    results = _joined(rows)
    return [_use(row, turn, results.get(id(row))) for row, turn in calls]


def _joined(rows: Iterable[Row]) -> dict[int, Row]:
    """Return each call row's result row, by the identity of the call row."""
    waiting: dict[str, list[Row]] = defaultdict(list)
    joined: dict[int, Row] = {}
    for row in rows:
        tool = mapping(row.get("tool"))
        key = str(tool.get("request_id") or tool.get("name"))
        if row.get("role") == "agent_function":
            waiting[key].append(row)
        elif row.get("role") == "agent_result" and waiting[key]:
            # The latest: a call that was repeated (a retry, a resume) has the id of the one before it.
            joined[id(waiting[key].pop())] = row
    return joined


def _use(row: Row, turn: int, answered: Row | None) -> ToolUse:
    tool, metadata = mapping(row.get("tool")), mapping(row.get("metadata"))
    got = mapping(mapping(answered).get("tool"))
    start, end = times(row)
    result = got.get("result")
    return ToolUse(
        name=str(tool.get("name") or row.get("text") or ""),
        params=mapping(tool.get("params")),
        result=result if isinstance(result, Mapping) else None,
        request_id=str(tool.get("request_id") or ""),
        status=str(
            mapping(mapping(answered).get("metadata")).get("status") or metadata.get("status") or "ok"
        ),
        node=metadata.get("node"),
        error=(error_text(got.get("error") or _answered(result)) or "error")
        if got.get("is_error") is True
        else None,
        turn=turn,
        start_ms=start,
        end_ms=max(end, times(answered)[1]) if answered and start == end else end,
        row=row,
        result_row=answered,
    )


def _answered(result: Any) -> Any:
    return result["value"] if isinstance(result, Mapping) and set(result) == {"value"} else result


def utterances(rows: Sequence[Row], turns: Sequence[int]) -> list[Utterance]:
    """Return what the caller and the agent said, in order."""
    return [
        _utterance(row, turn)
        for row, turn in zip(rows, turns, strict=True)
        if row.get("role") in ("user", "agent")
    ]


def _utterance(row: Row, turn: int) -> Utterance:
    metadata = mapping(row.get("metadata"))
    start, end = times(row)
    return Utterance(
        role=row["role"],
        text=str(row.get("text") or ""),
        interrupted=metadata.get("interrupted") is True,
        e2e_latency=whole(metadata.get("e2e_latency")),
        llm_node_ttft=whole(metadata.get("llm_node_ttft")),
        node=metadata.get("node"),
        turn=turn,
        start_ms=start,
        end_ms=end,
        row=row,
    )


def problems(visits: Iterable[NodeVisit], uses: Iterable[ToolUse], call_metadata: Row) -> list[Problem]:
    """Return all that went wrong: what nodes raised, tools that failed, and errors that have no node."""
    found = list(_node_problems(visits))
    found += [
        Problem(where=f"tool {use.name}", message=use.error or use.status, turn=use.turn, at_ms=use.end_ms)
        for use in uses
        if use.failed
    ]
    found.sort(key=lambda problem: problem.at_ms or 0)
    errors = call_metadata.get("errors")
    for error in map(mapping, errors if isinstance(errors, list) else ()):
        where, message = "call", str(error.get("message") or "")
        told = Problem(
            where=where,
            message=message,
            type=str(error.get("type") or ""),
            turn=whole(error.get("turn")) or 0,
            at_ms=whole(error.get("at_ms")),
        )
        found.append(told)
    return found


def _node_problems(visits: Iterable[NodeVisit]) -> Iterator[Problem]:
    for visit in visits:
        error = mapping(mapping(visit.row.get("metadata")).get("error"))
        # Nodes above the one that raised have the status, and no message of their own.
        if error:
            yield Problem(
                where=f"node {visit.name}",
                message=str(error.get("message") or ""),
                type=str(error.get("type") or ""),
                turn=visit.turn,
                at_ms=visit.end_ms,
            )


# --- reading a document that may lack anything --------------------------------------------------------------


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def whole(value: object) -> int | None:
    """Return a number as a whole one, else None; true and false are no numbers."""
    return round(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def error_text(error: object) -> str | None:
    """Return an error, `{type, message}` or plain text, on one line."""
    if isinstance(error, Mapping):
        told = ": ".join(str(error[key]) for key in ("type", "message") if error.get(key))
        return told or "error"
    return str(error) if error else None


def times(row: Row) -> tuple[int, int]:
    """Return a row's start and end: as given, or from its duration, or from its words."""
    words = [mapping(word) for word in row.get("words") or ()]
    start = whole(row.get("start_ms"))
    if start is None:
        start = whole(words[0].get("start_ms")) if words else whole(mapping(row.get("tool")).get("start_ms"))
    start = start or 0
    end, lasted = whole(row.get("end_ms")), whole(row.get("duration_ms"))
    if end is None and lasted is not None:
        end = start + lasted
    if end is None and words:
        end = whole(words[-1].get("end_ms"))
    return start, max(start, start if end is None else end)


def turn_numbers(rows: Sequence[Row]) -> list[int]:
    """Return each row's turn: as the row says it, else that of the rows around it.

    A row that does not say its turn belongs to the turn before it; the caller's words open the next one. Rows
    before the caller's first words are turn 0, unless they say otherwise.
    """
    said = [whole(mapping(row.get("metadata")).get("turn")) for row in rows]
    return _counted(rows) if all(turn is None for turn in said) else _filled(rows, said)


def _counted(rows: Sequence[Row]) -> list[int]:
    turn, before, numbers = 0, None, []
    for row in rows:
        turn += row.get("role") == "user" and before != "user"
        before = row.get("role")
        numbers.append(turn)
    return numbers


def _filled(rows: Sequence[Row], said: Sequence[int | None]) -> list[int]:
    ahead, following = None, []
    for turn in reversed(said):
        ahead = ahead if turn is None else turn
        following.append(ahead)
    current, numbers = 0, []
    for row, turn, after in zip(rows, said, reversed(following), strict=True):
        if turn is not None:
            current = turn
        elif row.get("role") == "user" and after is not None:
            current = after
        numbers.append(current)
    return numbers
