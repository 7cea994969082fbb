"""Rows for tools and retrievers: a call and its result. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from tuner_langchain.runs import ChainRun, Run, ToolRun
from tuner_langchain.segments import Segment
from tuner_langchain.timeline.clock import Span
from tuner_langchain.timeline.nodes import graph_path, status_of


def tool_rows(run: ToolRun, turns: dict[Run, int], span: Span) -> list[Segment]:
    """Return the row of a tool call and the row of its result."""
    name = run.name or "tool"
    request_id = run.tool_call_id or str(run.run_id)
    start, end = span.ms(run.start_ns), span.ms(span.end_of(run))
    status = run.status if run.failure is None else status_of(run)
    metadata = {"status": status, "node": _node(run), "graph": graph_path(run), "turn": turns.get(run.root, 0)}
    call: Any = {"name": name, "request_id": request_id, "params": orjson.Fragment(run.params), "start_ms": start}
    result: Any = {"name": name, "request_id": request_id, "is_error": status != "ok", "start_ms": end}
    if run.result is not None:
        result["result"] = orjson.Fragment(run.result)
    if run.failure is not None:
        result["error"] = run.failure.message
    return [_row("agent_function", name, start, end, call, metadata), _row("agent_result", name, end, end, result, metadata)]


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


def _node(run: Run) -> str | None:
    around = run.parent
    while around is not None:
        if isinstance(around, ChainRun) and around.is_task:
            return around.name
        around = around.parent
    return None
