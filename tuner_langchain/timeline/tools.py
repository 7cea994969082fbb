"""Rows for tools and retrievers: a call and its result. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tuner_langchain.conformance import as_object
from tuner_langchain.timeline.status import status_of

if TYPE_CHECKING:
    from tuner_langchain.runs import Refused, Run, ToolRun
    from tuner_langchain.segments import Role, Segment
    from tuner_langchain.timeline.clock import Span
    from tuner_langchain.timeline.sources import Visit

_FINE = frozenset({"ok", "handed_over"})


def tool_rows(run: ToolRun, visit: Visit | None, turn: int, span: Span) -> list[Segment]:
    """Return the row of a tool call and the row of its result; a paused call's result comes after the resume."""
    name = run.name or run.kind
    request_id = call_id_of(run) or run_id_of(run)
    start, end = span.ms(run.start_ns), span.ms(span.end_of(run))
    status = _status(run)
    metadata = tool_metadata(visit, turn, status)
    if run.kind == "retriever":
        metadata["kind"] = "retriever"
    params = orjson.Fragment(as_object(run.params))
    call: Any = {"name": name, "request_id": request_id, "params": params, "start_ms": start}
    rows = [_row("agent_function", call, end, metadata)]
    if status == "interrupted":
        return rows
    result: Any = {"name": name, "request_id": request_id, "is_error": status not in _FINE, "start_ms": end}
    if run.result is not None:
        result["result"] = orjson.Fragment(as_object(run.result))
    if status not in _FINE:
        result["error"] = _error(run, status)
    return [*rows, _row("agent_result", result, end, dict(metadata))]


def call_id_of(run: ToolRun) -> str | None:
    """Return the id that a model gave a tool call; a program that calls tools itself may give anything."""
    return run.tool_call_id if isinstance(run.tool_call_id, str) else None


def run_id_of(run: ToolRun) -> str:
    """Return the id of a run; one that an interrupt kept from being noted is known by its start."""
    return str(getattr(run, "run_id", None) or f"run-{run.start_ns}")


def refused_rows(refused: Refused, params: bytes, metadata: dict[str, Any], at_ms: int) -> list[Segment]:
    """Return rows for a tool call that a node answered with a failure though no tool ran.

    Either the model invented the tool, or something before the tool (a person, a limit) refused the call.
    """
    name, call_id = refused.name or "tool", refused.call_id
    call = {
        "name": name,
        "request_id": call_id,
        "params": orjson.Fragment(as_object(params)),
        "start_ms": at_ms,
    }
    error = refused.error or "error"
    result = {"name": name, "request_id": call_id, "is_error": True, "error": error, "start_ms": at_ms}
    metadata["ran"] = False
    return [
        _row("agent_function", call, at_ms, metadata),
        _row("agent_result", result, at_ms, dict(metadata)),
    ]


def tool_metadata(visit: Visit | None, turn: int, status: str) -> dict[str, Any]:
    """Return what the rows of a tool call say beside it."""
    node, graph = (visit.path, visit.graph) if visit is not None else (None, "")
    return {"status": status, "node": node, "graph": graph, "turn": turn}


def _status(run: ToolRun) -> str:
    if run.failure is None and run.end_ns is not None:
        return run.status
    status = status_of(run)
    if status != "error":
        return status
    # It was handled when what is around the tool did not end in the same failure.
    around: Run | None = run.task or (run.root if run.root is not run else None)
    return "raised" if around is None or around.failure is run.failure else "error"


def _error(run: ToolRun, status: str) -> str:
    failure = run.failure
    if failure is None or status not in ("error", "raised"):
        return run.error or status
    return f"{failure.type}: {failure.message}" if failure.message else failure.type


def _row(role: Role, tool: Any, end_ms: int, metadata: dict[str, Any]) -> Segment:
    start_ms = tool["start_ms"]
    return {
        "role": role,
        "text": tool["name"],
        "start_ms": start_ms,
        "end_ms": end_ms,
        "duration_ms": end_ms - start_ms,
        "tool": tool,
        "metadata": metadata,
    }
