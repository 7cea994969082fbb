"""Rows for nodes: one `node_transition` per execution. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from tuner_langchain.langgraph import START
from tuner_langchain.runs import ChainRun, Event, Failure, Run
from tuner_langchain.timeline.status import in_entry, raising_node, status_of

if TYPE_CHECKING:
    from tuner_langchain.segments import Segment
    from tuner_langchain.timeline.arrivals import Source
    from tuner_langchain.timeline.clock import Span
    from tuner_langchain.timeline.sources import Visit


def graph_path(run: Run) -> str:
    """Return the path of the graph a run belongs to: the nodes around it, joined with ":"."""
    names: list[str] = []
    inside: Run | None = run
    while inside is not None:
        around = inside.task
        # A `@task` function runs in the graph of the node that called it.
        if not (isinstance(inside, ChainRun) and inside.is_call):
            if inside.parent is not None and in_entry(inside.parent):
                names.append(START)
            if around is not None:
                names.append(str(around.name))
        inside = around
    return ":".join(reversed(names))


def node_row(task: ChainRun, visit: Visit, turn: int, events: Sequence[Event], span: Span) -> Segment:
    """Return the row of one execution of a node."""
    start, end = span.ms(task.start_ns), span.ms(span.end_of(task))
    sources = visit.sources
    metadata: dict[str, Any] = {
        "status": status_of(task),
        "step": task.step,
        "attempt": visit.attempt,
        "graph": visit.graph,
        "turn": turn,
        "sources": [
            {"from": source.came_from, "kind": source.kind, "name": source.name, "value": source.value}
            for source in sources
        ],
    }
    if task.failure is not None and raising_node(task.failure) is task:
        _describe_failure(task.failure, metadata)
    if task.input_json is not None:
        metadata["input"] = orjson.Fragment(task.input_json)
    if task.output_json is not None:
        metadata["output"] = orjson.Fragment(task.output_json)
    if events:
        metadata["events"] = [event_data(event, span) for event in events]
    return {
        "role": "node_transition",
        "text": visit.path,
        "start_ms": start,
        "end_ms": end,
        "duration_ms": end - start,
        "node": {"from": _from(sources), "to": visit.path, "reason": _reason(sources)},
        "metadata": metadata,
    }


def event_data(event: Event, span: Span) -> dict[str, Any]:
    """Return a custom event as it is shown."""
    return {"name": event.name, "data": orjson.Fragment(event.data), "at_ms": span.ms(event.at_ns)}


def error_data(failure: Failure) -> dict[str, Any]:
    """Return an exception as it is shown; its text only where it may be sent."""
    if failure.message is None:
        return {"type": failure.type}
    return {"type": failure.type, "message": failure.message}


def _describe_failure(failure: Failure, metadata: dict[str, Any]) -> None:
    if failure.kind == "error":
        metadata["error"] = error_data(failure)
    elif failure.interrupts:
        asked = [orjson.Fragment(value) for value in failure.interrupts]
        metadata["interrupt"] = asked[0] if len(asked) == 1 else asked


def _from(sources: Sequence[Source]) -> str:
    if len(sources) == 1:
        return sources[0].came_from
    return "+".join(sorted({source.came_from for source in sources}))


def _reason(sources: Sequence[Source]) -> str | None:
    """Return why a node ran in a few words; None for what goes without saying."""
    if len(sources) == 1:
        return _phrase(sources[0])
    return "; ".join(dict.fromkeys(phrase for phrase in map(_phrase, sources) if phrase)) or None


def _phrase(source: Source) -> str | None:
    match source.kind:
        case "entry" | "edge" | "unknown":
            return None
        case "router":
            return f"{source.name}: {source.value}" if source.value is not None else str(source.name)
        case "command" | "parent_command":
            return f"handoff: {source.name}" if source.name else "command"
        case "error_handler":
            return "error handler"
    return source.kind
