"""All rows of a call in order, and what its models used. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tuner_langchain.runs import CallRecord, ChainRun, Event, ModelRun, Run, ToolRun
from tuner_langchain.timeline.conversation import conversation
from tuner_langchain.timeline.lines import with_latencies
from tuner_langchain.timeline.nodes import node_row
from tuner_langchain.timeline.problems import call_errors, call_events, call_pauses
from tuner_langchain.timeline.sources import Routes
from tuner_langchain.timeline.spoken import with_spoken
from tuner_langchain.timeline.tools import refused_rows, tool_metadata, tool_rows
from tuner_langchain.timeline.usage import model_calls, usage_metadata

if TYPE_CHECKING:
    from tuner_langchain.segments import Segment
    from tuner_langchain.timeline.clock import Span


class Folded(NamedTuple):
    """A call's rows in order of start, and the metadata that its runs give the call."""

    rows: list[Segment]
    metadata: dict[str, Any]


def fold(record: CallRecord, span: Span) -> Folded:
    """Return what happened in a call."""
    turns = {root: number for number, root in enumerate(list(record.turns), 1)}
    runs = list(record.runs)
    rows = _Rows(record, turns, span).read(runs)
    told = conversation(turns, runs, span)
    for row in rows if told.superseded else ():
        if row["metadata"]["turn"] in told.superseded:
            row["metadata"]["superseded"] = True
    lines = told.lines
    if record.spoken:
        lines = with_spoken(lines, list(record.spoken), [span.ms(root.start_ns) for root in turns])
    rows += with_latencies(lines)
    rows.sort(key=_order)
    metadata = usage_metadata([run for run in runs if isinstance(run, ModelRun)], told.lines)
    metadata |= call_errors(runs, turns, span)
    metadata |= call_pauses(record.pauses, turns, span)
    metadata |= call_events(record.events, turns, span)
    return Folded(rows, metadata)


class _Rows:
    """Makes the rows of nodes and tools in one reading of a call's runs, in the order of their starts."""

    def __init__(self, record: CallRecord, turns: dict[Run, int], span: Span) -> None:
        self._record = record
        self._turns = turns
        self._span = span
        self._routes = Routes(record.edges)
        self._rows: list[tuple[int, Segment]] = []  # with nanoseconds: many begin in the same millisecond
        self._node_rows: dict[Run, Segment] = {}
        self._models: dict[ChainRun, list[ModelRun]] = defaultdict(list)
        self._events = _events_by_node(record.events)
        self._seen: dict[Run, set[str]] = defaultdict(set)  # by root: the tool calls that have rows
        # Tools that failed under an id that LangChain did not tell, by node and name.
        self._nameless: Counter[tuple[ChainRun | None, str | None]] = Counter()
        self._answered: list[ChainRun] = []  # nodes that answered tool calls themselves
        self._turn = 1

    def read(self, runs: list[Run]) -> list[Segment]:
        for run in runs:
            self._turn = self._turns.get(run, self._turn)
            if isinstance(run, ChainRun) and run.is_task:
                self._take_node(run)
            elif isinstance(run, ToolRun):
                self._take_tool(run)
            elif isinstance(run, ModelRun):
                if run.task is not None:
                    self._models[run.task].append(run)
            elif isinstance(run, ChainRun) and (run.output or run.is_start):
                self._routes.note(run)
        self._take_unrun()
        for task, models in self._models.items():
            self._node_rows[task]["metadata"]["llm"] = model_calls(task, models, self._span)
        self._rows.sort(key=_at)
        return [row for _, row in self._rows]

    def _turn_of(self, run: Run) -> int:
        """Return a run's turn; one whose root was never seen belongs to the turn it began in."""
        return self._turns.get(run.root, self._turn)

    def _take_node(self, task: ChainRun) -> None:
        visit = self._routes.visit(task)
        row = node_row(task, visit, self._turn_of(task), self._events.get(task, ()), self._span)
        self._node_rows[task] = row
        self._rows.append((task.start_ns, row))
        if task.refused:
            self._answered.append(task)

    def _take_tool(self, run: ToolRun) -> None:
        if run.goto:
            self._routes.note(run)
        if run.tool_call_id is not None:
            self._seen[run.root].add(run.tool_call_id)
        elif run.failure is not None:
            self._nameless[run.task, run.name] += 1
        visit = self._routes.visits.get(run.task) if run.task is not None else None
        rows = tool_rows(run, visit, self._turn_of(run), self._span)
        self._rows += zip((run.start_ns, self._span.end_of(run)), rows, strict=False)

    def _take_unrun(self) -> None:
        # The innermost node ends first; the nodes around it may pass its answers on.
        for task in sorted(self._answered, key=self._span.end_of):
            visit, turn, seen = self._routes.visits[task], self._turn_of(task), self._seen[task.root]
            end_ns, known = self._span.end_of(task), self._known_tools(task)
            for refused in task.refused:
                if refused.call_id in seen:
                    continue
                seen.add(refused.call_id)
                if self._nameless[task, refused.name] > 0:
                    self._nameless[task, refused.name] -= 1
                    continue
                params = self._record.asked.get(refused.call_id, b"{}")
                status = "error" if refused.name in known else "unknown_tool"
                rows = refused_rows(
                    refused, params, tool_metadata(visit, turn, status), self._span.ms(end_ns)
                )
                self._rows += ((end_ns, row) for row in rows)

    def _known_tools(self, task: ChainRun) -> frozenset[str]:
        edges = self._routes.edges_around(task)
        return frozenset().union(*edges.tools.values()) if edges is not None else frozenset()


def _events_by_node(events: list[Event]) -> dict[Run, list[Event]]:
    found: dict[Run, list[Event]] = defaultdict(list)
    for event in events:
        owner = event.run if event.run.is_task else event.run.task
        if owner is not None:
            found[owner].append(event)
    return found


_GROUP = {"user": 0, "agent": 2}


def _at(timed: tuple[int, Segment]) -> int:
    return timed[0]


def _order(row: Segment) -> tuple[int, int, int]:
    # Two quick turns may begin in the same millisecond; they are told one after the other. Within one, what the
    # caller said comes first; nodes and tools are in their exact order already.
    return row["start_ms"], row["metadata"].get("turn", 0), _GROUP.get(row["role"], 1)
