"""A call as plain lines, one for each row, without times and ids: made for snapshot tests. Pure.

    user: A table for two tonight, please.
    node: triage from __start__
    node: booking from triage (route_by_intent: booking)
      tool: find_table(people=2)
      result: find_table -> "19:30"
      agent: 19:30 works. Shall I book it?

Two runs that did the same have the same lines. So the order is that of the program, not of the clock: what
happened inside a node stands below it, what it said last; nodes of one step, and tools that a model asked for
together, stand in name order; a result follows its call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from tuner_langchain.timeline.parts import NodeVisit, ToolUse, node_visits, tool_uses, utterances
from tuner_langchain.timeline.reading import Row, mapping

INDENT = "  "
# The request id of a tool that no model asked for: its run's own.
_OWN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Outline(str):
    """What `Timeline.outline` returns: a string, of its own class for the message when two differ."""

    __slots__ = ()


class _Block(NamedTuple):
    """What was said, or a tool call with its result. `asked` marks a call that a model asked for, by its id."""

    told: tuple[str, ...]
    asked: bool = False
    said: bool = False

    def lines(self, depth: int) -> Iterator[str]:
        yield from (INDENT * depth + line for line in self.told)


class _Place:
    """The visits of one node in one step, and what happened inside them; the root of a turn has no visit."""

    def __init__(self) -> None:
        self.visits: list[str] = []
        self.inside: list[_Step | _Block] = []

    def lines(self, depth: int) -> Iterator[str]:
        # A sentence that no model made has its node's start, so it would stand before or among what the node called.
        items = sorted(self.inside, key=_is_said) if self.visits else self.inside
        for item in _pooled(items) if len(self.visits) > 1 else _settled(items):
            yield from item.lines(depth)


class _Step:
    """The nodes that ran in one step of a graph."""

    def __init__(self, number: int | None) -> None:
        self.number = number
        self.places: dict[str, _Place] = {}

    def take(self, other: _Step) -> None:
        """Add what happened in the same step of a run of the graph beside this one."""
        for name, place in other.places.items():
            own = self.places.setdefault(name, _Place())
            own.visits += place.visits
            own.inside += place.inside

    def lines(self, depth: int) -> Iterator[str]:
        for _, place in sorted(self.places.items()):
            yield from (INDENT * depth + line for line in sorted(place.visits))
            yield from place.lines(depth + 1)


def _is_said(item: _Step | _Block) -> bool:
    return isinstance(item, _Block) and item.said


def _is_asked(item: _Step | _Block) -> bool:
    return isinstance(item, _Block) and item.asked


def _settled(items: Iterable[_Step | _Block]) -> Iterator[_Step | _Block]:
    """Yield what is inside one visit; which of the tools asked for together starts first is chance."""
    for asked, group in groupby(items, key=_is_asked):
        together: list[Any] = list(group)
        yield from sorted(together) if asked else together


def _pooled(items: Sequence[_Step | _Block]) -> Iterator[_Step | _Block]:
    """Yield what is inside visits side by side: which of them did it, the rows do not say."""
    blocks = [item for item in items if isinstance(item, _Block)]
    yield from sorted(block for block in blocks if not block.said)
    steps: dict[int | None, _Step] = {}
    for item in items:
        if isinstance(item, _Step):
            steps.setdefault(item.number, _Step(item.number)).take(item)
    yield from steps.values()
    yield from sorted(block for block in blocks if block.said)


class _Turn:
    """The places of one turn, the newest visit of each node at hand."""

    def __init__(self) -> None:
        self.root = _Place()
        self._newest: dict[str, _Place] = {}

    def visit(self, visit: NodeVisit) -> None:
        around = self._around(visit.graph)
        step = around.inside[-1] if around.inside else None
        if not isinstance(step, _Step) or visit.step is None or step.number != visit.step:
            step = self._reopened(around, visit) or _Step(visit.step)
            if step not in around.inside:
                around.inside.append(step)
        place = step.places.setdefault(visit.name, _Place())
        place.visits.append(_visit_line(visit))
        self._newest[visit.name] = place

    def _reopened(self, around: _Place, visit: NodeVisit) -> _Step | None:
        """Return the last step, when what was said or called between two of its nodes came in the middle."""
        steps = [item for item in around.inside if isinstance(item, _Step)]
        return steps[-1] if steps and visit.step is not None and steps[-1].number == visit.step else None

    def add(self, block: _Block, node_path: str) -> None:
        self._around(node_path).inside.append(block)

    def _around(self, path: str) -> _Place:
        while path:
            if path in self._newest:
                return self._newest[path]
            path = path.rpartition(":")[0]
        return self.root


def outline(rows: Sequence[Row], turns: Sequence[int]) -> Outline:
    """Return the lines of a call, joined with line breaks."""
    told: dict[int, _Turn] = {turn: _Turn() for turn in sorted(set(turns))}
    blocks = _blocks(rows, turns)
    for index, (row, turn) in enumerate(zip(rows, turns, strict=True)):
        found = blocks.get(index)
        if isinstance(found, NodeVisit):
            told[turn].visit(found)
        elif found:
            told[turn].add(found, _node_path(row))
    return Outline("\n".join(line for turn in told.values() for line in turn.root.lines(0)))


def _blocks(rows: Sequence[Row], turns: Sequence[int]) -> dict[int, NodeVisit | _Block]:
    """Return what stands for each row, by index; a result that follows its call has nothing of its own."""
    index_of = {id(row): index for index, row in enumerate(rows)}
    found: dict[int, NodeVisit | _Block] = {index_of[id(v.row)]: v for v in node_visits(rows, turns)}
    for said in utterances(rows, turns):
        mark = " [interrupted]" if said.interrupted else ""
        found[index_of[id(said.row)]] = _Block((f"{said.role}: {_one_line(said.text)}{mark}",), said=True)
    told = set()
    for use in tool_uses(rows, turns):
        lines = [_call_line(use)]
        if use.result_row is not None and turns[index_of[id(use.result_row)]] == use.turn:
            told.add(id(use.result_row))
            lines.append(_result_line(use.result_row))
        found[index_of[id(use.row)]] = _Block(tuple(lines), asked=not _OWN_ID.fullmatch(use.request_id))
    for index, row in enumerate(rows):
        if row.get("role") == "agent_result" and id(row) not in told:
            found[index] = _Block((_result_line(row),))
    return found


def _node_path(row: Row) -> str:
    """Return the path of the node a tool's or agent's row belongs to; empty when the row does not say."""
    metadata = mapping(row.get("metadata"))
    graph, node = metadata.get("graph") or "", metadata.get("node") or ""
    return f"{graph}:{node}" if graph and node and not f"{node}:".startswith(f"{graph}:") else str(node)


def _visit_line(visit: NodeVisit) -> str:
    inside = f"{visit.graph}:" if visit.graph else ""
    name, came_from = (
        visit.name.removeprefix(inside),
        visit.came_from.replace(inside, "") if inside else visit.came_from,
    )
    why = f" ({_one_line(visit.reason)})" if visit.reason else ""
    return f"node: {name} from {came_from}{why}{_status(visit.status, visit.error)}"


def _status(status: str, error: str | None) -> str:
    if error:
        return f" [{status}: {_one_line(error)}]"
    return "" if status == "ok" else f" [{status}]"


def _call_line(use: ToolUse) -> str:
    told = mapping(mapping(use.row.get("metadata")))
    kind = "retriever" if told.get("kind") == "retriever" else "tool"
    mark = "" if use.status in ("ok", "handed_over") or use.result_row is not None else f" [{use.status}]"
    return f"{kind}: {use.name}({_arguments(use.params)}){mark}"


def _result_line(row: Row) -> str:
    tool = mapping(row.get("tool"))
    name = tool.get("name") or row.get("text")
    status = mapping(row.get("metadata")).get("status")
    if status in ("cancelled", "unfinished"):
        return f"result: {name} [{status}]"
    if tool.get("is_error") is True:
        told = mapping(tool.get("result"))
        message = tool.get("error") or (_json(told.get("value", told)) if told else "")
        return f"result: {name} failed: {_one_line(str(message))}"
    result = tool.get("result")
    value = result["value"] if isinstance(result, Mapping) and set(result) == {"value"} else result
    return f"result: {name} -> {_json(value)}"


def _arguments(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_json(value)}" for name, value in params.items())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _one_line(text: str) -> str:
    return (
        text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
        if "\n" in text or "\r" in text
        else text
    )
