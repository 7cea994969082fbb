"""Rows for tools and retrievers: a call and its result. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tuner_langchain.runs import ChainRun, Run, ToolRun
from tuner_langchain.segments import Segment
from tuner_langchain.timeline.clock import Span
from tuner_langchain.timeline.sources import Visit
from tuner_langchain.timeline.status import status_of

_FINE = frozenset({"ok", "handed_over"})


def tool_rows(run: ToolRun, visit: Visit | None, turn: int, span: Span) -> list[Segment]:
    """Return the row of a tool call and the row of its result; a paused call's result comes after the resume."""
    name = run.name or run.kind
    request_id = run.tool_call_id or str(run.run_id)
    start, end = span.ms(run.start_ns), span.ms(span.end_of(run))
    status = _status(run)
    metadata = _metadata(visit, turn, status)
    if run.kind == "retriever":
        metadata["kind"] = "retriever"
    params = orjson.Fragment(run.params)
    call: Any = {"name": name, "request_id": request_id, "params": params, "start_ms": start}
    rows = [_row("agent_function", name, start, end, call, metadata)]
    if status == "interrupted":
        return rows
    result: Any = {"name": name, "request_id": request_id, "is_error": status not in _FINE, "start_ms": end}
    if run.result is not None:
        result["result"] = orjson.Fragment(run.result)
    if status not in _FINE:
        result["error"] = _error(run, status)
    return [*rows, _row("agent_result", name, end, end, result, dict(metadata))]


def unrun_rows(
    task: ChainRun,
    visit: Visit,
    turn: int,
    known: frozenset[str],
    seen: set[str],
    asked: Mapping[str, bytes],
    span: Span,
) -> list[Segment]:
    """Return rows for the tool calls that a node answered with a failure though no tool ran.

    Either the model invented the tool, or something before the tool (a person, a limit) refused the call.

    Args:
        task: The node's execution.
        visit: Where it stands.
        turn: The turn's number.
        known: The names of the tools that the graph has, as far as they are known.
        seen: The ids of the calls that have rows already; those added here join them.
        asked: The arguments of the calls that models made, by id.
        span: The call's time.
    """
    rows: list[Segment] = []
    at = span.ms(span.end_of(task))
    for call_id, name, error in task.tool_answers:
        if call_id in seen:
            continue
        seen.add(call_id)
        name = name or "tool"
        metadata = {**_metadata(visit, turn, "error" if name in known else "unknown_tool"), "ran": False}
        params = orjson.Fragment(asked.get(call_id, b"{}"))
        call = {"name": name, "request_id": call_id, "params": params, "start_ms": at}
        result = {
            "name": name,
            "request_id": call_id,
            "is_error": True,
            "error": error or "error",
            "start_ms": at,
        }
        rows.append(_row("agent_function", name, at, at, call, metadata))
        rows.append(_row("agent_result", name, at, at, result, dict(metadata)))
    return rows


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


def _metadata(visit: Visit | None, turn: int, status: str) -> dict[str, Any]:
    node, graph = (visit.path, visit.graph) if visit is not None else (None, "")
    return {"status": status, "node": node, "graph": graph, "turn": turn}


def _row(role: Any, text: str, start: int, end: int, tool: Any, metadata: dict[str, Any]) -> Segment:
    return {
        "role": role,
        "text": text,
        "start_ms": start,
        "end_ms": end,
        "duration_ms": end - start,
        "tool": tool,
        "metadata": metadata,
    }
