"""Create Call documents for the tests of `Timeline`: rows in a line each."""

from __future__ import annotations

from typing import Any


def row(role: str, text: str, start: int = 0, end: int | None = None, **fields: Any) -> dict[str, Any]:
    end = start if end is None else end
    return {
        "role": role, "text": text, "start_ms": start, "end_ms": end, "duration_ms": end - start,
        "metadata": {}, **fields,
    }  # fmt: skip


def user(text: str, start: int = 0, *, turn: int = 1) -> dict[str, Any]:
    return row("user", text, start, metadata={"turn": turn})


def agent(
    text: str, start: int = 0, end: int | None = None, *, turn: int = 1, **metadata: Any
) -> dict[str, Any]:
    return row("agent", text, start, end, metadata={"turn": turn, "interrupted": False, **metadata})


def node(
    name: str, came_from: str = "__start__", why: str | None = None, start: int = 0, end: int | None = None,
    *, turn: int = 1, step: int = 1, graph: str = "", **metadata: Any,
) -> dict[str, Any]:  # fmt: skip
    facts = {"status": "ok", "step": step, "attempt": 1, "graph": graph, "turn": turn, **metadata}
    ways = {"from": came_from, "to": name, "reason": why}
    return row("node_transition", name, start, end, node=ways, metadata=facts)


def tool(
    name: str, params: dict[str, Any], result: Any = None, error: str | None = None,
    *, start: int = 0, end: int = 0, turn: int = 1,
    node: str | None = None, graph: str = "", request_id: str = "call_1",
) -> list[dict[str, Any]]:  # fmt: skip
    facts = {"status": "ok" if error is None else "error", "node": node, "graph": graph, "turn": turn}
    call = {"name": name, "request_id": request_id, "params": params, "start_ms": start}
    got: dict[str, Any] = {
        "name": name,
        "request_id": request_id,
        "is_error": error is not None,
        "start_ms": end,
    }
    got |= (
        {"error": error}
        if error is not None
        else {"result": result if isinstance(result, dict) else {"value": result}}
    )
    return [
        row("agent_function", name, start, end, tool=call, metadata=facts),
        row("agent_result", name, end, end, tool=got, metadata=facts),
    ]


def document(*rows: Any, **facts: Any) -> dict[str, Any]:
    flat = [each for item in rows for each in (item if isinstance(item, list) else [item])]
    return {
        "call_id": "call-7f3a", "call_type": "phone_call", "start_timestamp": 1767225600000,
        "end_timestamp": 1767225612500, "duration_ms": 12500, "recording_url": "pending",
        "transcript_with_tool_calls": flat, **facts,
    }  # fmt: skip


BOOKING = document(
    user("Table for two tonight?", 800),
    node("triage", start=2110, end=2540),
    node("booking", "triage", "route_by_intent: booking", 2545, 4200, step=2),
    tool("find_table", {"people": 2}, "19:30", start=2900, end=3400, node="booking", request_id="call_abc"),
    agent("19:30 works. Shall I book it?", 3650, 4180, e2e_latency=1550, llm_node_ttft=210, node="booking"),
    user("Yes please.", 6000, turn=2),
    node("triage", start=6010, end=6200, turn=2, step=4),
    node("booking", "triage", "route_by_intent: booking", 6210, 8000, turn=2, step=5,
         llm=[{"model": "m", "start_ms": 6220, "end_ms": 6900, "input_tokens": 20, "output_tokens": 5}]),
    tool("book_table", {"at": "19:30"}, error="the kitchen is closed", start=7000, end=7100, turn=2,
         node="booking"),
    agent("I am sorry, the kitchen is closed.", 7200, 7900, turn=2, e2e_latency=1200),
    metadata={
        "ai_models": {"llm_model": "gpt-4o-mini"},
        "usage_token": {"llm_token": 812},
        "errors": [{"turn": 2, "type": "GraphRecursionError", "message": "25 steps", "at_ms": 7950}],
    },
)  # fmt: skip
