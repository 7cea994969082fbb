"""Rows for nodes: one `node_transition` per execution. Pure."""

from __future__ import annotations

from typing import Any

from tuner_langchain.runs import ChainRun, Run
from tuner_langchain.segments import Segment
from tuner_langchain.timeline.clock import Span


def status_of(run: Run) -> str:
    """Return how a run ended, in one word."""
    if run.failure is not None:
        return "cancelled" if run.failure.kind == "abandoned" else run.failure.kind
    if run.end_ns is not None:
        return "ok"
    return "cancelled" if any_failed(run.parent) else "unfinished"


def any_failed(run: Run | None) -> bool:
    """Return whether a run around this one ended in a failure."""
    while run is not None:
        if run.failure is not None:
            return True
        run = run.parent
    return False


def graph_path(run: Run) -> str:
    """Return the path of the graph a run belongs to: the nodes around it, joined with ":"."""
    names: list[str] = []
    around = run.parent
    while around is not None:
        if isinstance(around, ChainRun) and around.is_task and around.name:
            names.append(around.name)
        around = around.parent
    return ":".join(reversed(names))


def node_rows(tasks: list[ChainRun], turns: dict[Run, int], span: Span) -> list[Segment]:
    """Return a row for each execution of a node."""
    previous: dict[Run | None, str] = {}
    rows: list[Segment] = []
    for run in tasks:
        graph = graph_path(run)
        name = f"{graph}:{run.name}" if graph else str(run.name)
        came_from = previous.get(run.parent, "__start__")
        previous[run.parent] = name
        start, end = span.ms(run.start_ns), span.ms(span.end_of(run))
        metadata: dict[str, Any] = {
            "status": status_of(run),
            "step": run.step,
            "graph": graph,
            "turn": turns.get(run.root, 0),
        }
        rows.append(
            {
                "role": "node_transition",
                "text": name,
                "start_ms": start,
                "end_ms": end,
                "duration_ms": end - start,
                "node": {"from": came_from, "to": name, "reason": None},
                "metadata": metadata,
            }
        )
    return rows
