"""The rows of nodes and tools, made as the runs are read in the order of their starts. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tuner_langchain.runs import CallRecord, ChainRun, ModelRun, Run, ToolRun
from tuner_langchain.timeline.nodes import node_row
from tuner_langchain.timeline.order import AFTER, Timed
from tuner_langchain.timeline.sources import Routes
from tuner_langchain.timeline.tools import call_id_of, refused_rows, tool_metadata, tool_rows
from tuner_langchain.timeline.usage import model_calls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.runs import Event
    from tuner_langchain.segments import Segment
    from tuner_langchain.timeline.clock import Span
    from tuner_langchain.timeline.turns import Turns


class GraphRows:
    """Makes the rows of nodes and tools; what later rows depend on is kept between two readings."""

    def __init__(self, record: CallRecord, turns: Turns) -> None:
        self._record = record
        self._turns = turns
        self._routes = Routes(record.edges)
        self._events: dict[Run, list[Event]] = defaultdict(list)
        self._events_read = 0
        self._seen: dict[Run, set[str]] = defaultdict(set)  # by root: the tool calls that have rows
        # Tools that failed under an id that LangChain did not tell, by node and name.
        self._nameless: Counter[tuple[ChainRun | None, str | None]] = Counter()

    def read(self, runs: Iterable[Run], span: Span) -> list[Timed]:
        """Return the rows of these runs; each run has its turn already."""
        self._note_events()
        rows: list[Timed] = []
        told: dict[ChainRun, Segment] = {}
        models: dict[ChainRun, list[ModelRun]] = defaultdict(list)
        for run in runs:
            if isinstance(run, ChainRun):
                if run.is_task:
                    row = told[run] = self._node(run, span)
                    rows.append(((row["start_ms"], row["metadata"]["turn"], AFTER, run.start_ns), row))
                elif run.output or run.is_start:
                    self._routes.note(run)
            elif isinstance(run, ModelRun):
                if run.task is not None:
                    models[run.task].append(run)
            elif isinstance(run, ToolRun):
                rows += self._tool(run, span)
        rows += self._unrun(told, span)
        for task, calls in models.items():
            told[task]["metadata"]["llm"] = model_calls(task, calls, span)
        return rows

    def forget(self) -> None:
        """Let go of what no later run comes back to, after a stretch that left no run open."""
        self._routes.forget()
        self._events.clear()
        self._seen.clear()
        self._nameless.clear()

    def _note_events(self) -> None:
        events = self._record.events[self._events_read :]
        self._events_read += len(events)
        for event in events:
            owner = event.run if event.run.is_task else event.run.task
            if owner is not None:
                self._events[owner].append(event)

    def _node(self, task: ChainRun, span: Span) -> Segment:
        visit = self._routes.visit(task)
        return node_row(task, visit, self._turns.number(task), self._events.get(task, ()), span)

    def _tool(self, run: ToolRun, span: Span) -> list[Timed]:
        if run.goto:
            self._routes.note(run)
        call_id = call_id_of(run)
        if call_id is not None:
            self._seen[run.root].add(call_id)
        elif run.failure is not None:
            self._nameless[run.task, run.name] += 1
        visit = self._routes.visits.get(run.task) if run.task is not None else None
        turn = self._turns.number(run)
        rows = tool_rows(run, visit, turn, span)
        at_ns = (run.start_ns, span.end_of(run))
        return [((row["start_ms"], turn, AFTER, at), row) for at, row in zip(at_ns, rows, strict=False)]

    def _unrun(self, told: Iterable[ChainRun], span: Span) -> list[Timed]:
        """Return rows for the tool calls that nodes answered themselves."""
        rows: list[Timed] = []
        # The innermost node ends first; the nodes around it may pass its answers on.
        for task in sorted((task for task in told if task.refused), key=span.end_of):
            visit, turn, seen = self._routes.visits[task], self._turns.number(task), self._seen[task.root]
            end_ns, known = span.end_of(task), self._known_tools(task)
            for refused in task.refused:
                if refused.call_id in seen:
                    continue
                seen.add(refused.call_id)
                if self._nameless[task, refused.name] > 0:
                    self._nameless[task, refused.name] -= 1
                    continue
                params = self._record.asked.get(refused.call_id, b"{}")
                status = "error" if refused.name in known else "unknown_tool"
                made = refused_rows(refused, params, tool_metadata(visit, turn, status), span.ms(end_ns))
                rows += (((row["start_ms"], turn, AFTER, end_ns), row) for row in made)
        return rows

    def _known_tools(self, task: ChainRun) -> frozenset[str]:
        edges = self._routes.edges_around(task)
        return frozenset().union(*edges.tools.values()) if edges is not None else frozenset()
