"""What a test asks a timeline for: node visits, tool calls, what was said, and what went wrong.

Each is read from the rows of any Create Call document, also one that another SDK wrote: what a document does
not say is None or empty, never invented. All times are milliseconds from the start of the call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tuner_langchain.timeline.reading import Row, error_text, mapping, times, whole

FAILED = frozenset({"error", "raised", "unknown_tool"})


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
        # A call that the caller's interruption cut short has no answer, but nothing failed.
        return self.status in FAILED or (self.status == "ok" and self.error is not None)


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
    """Return all that went wrong, in order of time: in nodes, in tools, in model calls, and what has no row."""
    found = [problem for visit in visits for problem in _node_problems(visit)]
    found += [
        Problem(where=f"tool {use.name}", message=use.error or use.status, turn=use.turn, at_ms=use.end_ms)
        for use in uses
        if use.failed
    ]
    errors = call_metadata.get("errors")
    for error in map(mapping, errors if isinstance(errors, list) else ()):
        where = f"node {error['node']}" if error.get("node") else "call"
        found.append(_problem(where, error, whole(error.get("turn")) or 0, whole(error.get("at_ms"))))
    return sorted(found, key=lambda problem: problem.at_ms or 0)


def _node_problems(visit: NodeVisit) -> Iterator[Problem]:
    metadata = mapping(visit.row.get("metadata"))
    # Nodes above the one that raised have the status, and no message of their own.
    if metadata.get("error"):
        yield _problem(f"node {visit.name}", metadata["error"], visit.turn, visit.end_ms)
        return
    calls = metadata.get("llm")
    for call in map(mapping, calls if isinstance(calls, list) else ()):
        if call.get("error"):  # and the node went on: with a fallback, or by dealing with it
            yield _problem(
                f"model {call.get('model') or ''}".strip(), call["error"], visit.turn, times(call)[1]
            )


def _problem(where: str, error: object, turn: int, at_ms: int | None) -> Problem:
    told = mapping(error)
    message = str(told.get("message") or "") if told else str(error)
    return Problem(where=where, message=message, type=str(told.get("type") or ""), turn=turn, at_ms=at_ms)
