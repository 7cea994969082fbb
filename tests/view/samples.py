"""Calls written by hand, row by row, in the form that the documents of real calls have."""

# ruff: noqa: E501  a row a line reads as the table that it is
from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Document = dict[str, Any]
Sample = Callable[[], Document]
STARTED = 1_767_225_600_000
HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">&lt;b&gt;'


def row(role: str, text: str, start_ms: int, end_ms: int, **parts: Any) -> Row:
    metadata = parts.pop("metadata", {})
    return {
        "role": role, "text": text, "start_ms": start_ms, "end_ms": end_ms,
        "duration_ms": end_ms - start_ms, "metadata": metadata, **parts,
    }  # fmt: skip


def user(turn: int, start_ms: int, end_ms: int, text: str) -> Row:
    return row("user", text, start_ms, end_ms, metadata={"turn": turn})


def agent(turn: int, start_ms: int, end_ms: int, text: str, **metadata: Any) -> Row:
    return row("agent", text, start_ms, end_ms, metadata={"turn": turn, "interrupted": False, **metadata})


def node(
    turn: int, start_ms: int, end_ms: int, to: str, came_from: str, reason: str | None = None, **metadata: Any
) -> Row:
    graph = metadata.pop("graph", to.rpartition(":")[0])
    kind = "entry" if came_from.endswith("__start__") else "edge"
    sources = metadata.pop("sources", [{"from": came_from, "kind": kind, "name": None, "value": None}])
    return row(
        "node_transition", to, start_ms, end_ms, node={"from": came_from, "to": to, "reason": reason},
        metadata={"status": "ok", "step": 1, "attempt": 1, "graph": graph, "turn": turn, "sources": sources, **metadata},
    )  # fmt: skip


def routed(came_from: str, name: str, value: str) -> list[Row]:
    return [{"from": came_from, "kind": "router", "name": name, "value": value}]


def model(
    start_ms: int, end_ms: int, tokens: tuple[int, int], name: str = "gpt-4o-mini", **parts: Any
) -> Row:
    return {
        "model": name, "start_ms": start_ms, "end_ms": end_ms, "ttft_ms": (end_ms - start_ms) // 3,
        "input_tokens": tokens[0], "output_tokens": tokens[1], **parts,
    }  # fmt: skip


def tool(
    turn: int, start_ms: int, end_ms: int, name: str, identity: str, params: Row, answer: Any, **metadata: Any
) -> list[Row]:
    """A tool call's two rows; an exception as the answer makes it a failed one."""
    facts = {"turn": turn, "status": "ok", **metadata}
    call = {"name": name, "request_id": identity, "params": params, "start_ms": start_ms}
    failed = isinstance(answer, Exception)
    if failed:
        facts["status"] = "error"
        result = {"is_error": True, "error": f"{type(answer).__name__}: {answer}", "result": {}}
    else:
        result = {"is_error": False, "result": answer if isinstance(answer, dict) else {"value": answer}}
    told = {"name": name, "request_id": identity, **result, "start_ms": end_ms}
    return [
        row("agent_function", name, start_ms, end_ms, tool=call, metadata=facts),
        row("agent_result", name, end_ms, end_ms, tool=told, metadata=facts),
    ]


def document(call_id: str, rows: list[Row], **facts: Any) -> dict[str, Any]:
    rows = sorted(rows, key=lambda each: each["start_ms"])
    lasted = max((each["end_ms"] for each in rows), default=0) + 400
    return {
        "call_id": call_id, "call_type": "phone_call",
        "start_timestamp": STARTED, "end_timestamp": STARTED + lasted, "duration_ms": lasted,
        "recording_url": "pending", "call_status": "call_ended", "disconnection_reason": "user_hangup",
        "transcript_with_tool_calls": rows, **facts,
    }  # fmt: skip


def restaurant() -> dict[str, Any]:
    """Four turns: a router, a nested graph, two nodes at once, a tool that fails, an answer cut off."""
    intent = routed("understand", "route_by_intent", "booking")
    first = [
        user(1, 700, 2300, "Hi, do you have a table for two tonight, around eight?"),
        node(1, 2310, 2790, "understand", "__start__", llm=[model(2320, 2770, (212, 9))]),
        node(1, 2795, 5560, "booking", "understand", "route_by_intent: booking", sources=intent),
        node(1, 2800, 3240, "booking:plan", "booking:__start__", llm=[model(2810, 3220, (388, 31))]),
        node(1, 3245, 4985, "booking:look_up", "booking:plan", step=2),
        *tool(1, 3260, 4970, "find_table", "call_a1", {"people": 2, "time": "20:00", "date": "today"},
              {"tables": [{"id": "t7", "time": "20:15", "place": "window"}]}, node="booking:look_up", graph="booking"),
        node(1, 4990, 5550, "booking:reply", "booking:look_up", step=3, llm=[model(5000, 5530, (451, 24))]),
        agent(1, 5170, 7400, "I can offer you a table by the window at a quarter past eight. Shall I book it?",
              e2e_latency=2870, llm_node_ttft=170, model="gpt-4o-mini", node="booking:reply"),
    ]  # fmt: skip
    second = [
        user(2, 8200, 10300, "Yes please. And is there parking, and something vegan on the menu?"),
        node(2, 10310, 10800, "understand", "__start__", llm=[model(10320, 10780, (301, 12))]),
        node(2, 10805, 11690, "parking", "understand", "route_by_intent: parking",
             sources=routed("understand", "route_by_intent", "parking")),
        *tool(2, 10820, 11660, "search_places", "call_b1", {"query": "parking", "radius_m": 300}, {"count": 3}, node="parking", graph=""),
        node(2, 10805, 12240, "menu", "understand", "route_by_intent: menu",
             sources=routed("understand", "route_by_intent", "menu"),
             events=[{"name": "menu_searched", "data": {"hits": 4}, "at_ms": 11900}]),
        *tool(2, 10830, 12210, "search_menu", "call_b2", {"query": "vegan main course"}, {"count": 4, "sources": ["menu.pdf#2"]},
              node="menu", graph="", kind="retriever"),
        node(2, 12245, 13120, "answer", "menu+parking", "join", llm=[model(12260, 13090, (902, 58))],
             sources=[{"from": "menu", "kind": "join", "name": None, "value": None},
                      {"from": "parking", "kind": "join", "name": None, "value": None}]),
        agent(2, 12530, 15800, "There are three garages within five minutes. On the menu we have four vegan dishes: the beetroot "
              "carpaccio, a lentil stew, the", e2e_latency=2230, llm_node_ttft=270, interrupted=True, model="gpt-4o-mini", node="answer"),
    ]  # fmt: skip
    third = [
        user(3, 15500, 17100, "Great, great. Just book it, please."),
        node(3, 17110, 17560, "understand", "__start__", llm=[model(17120, 17540, (498, 9))]),
        node(3, 17565, 21740, "booking", "understand", "route_by_intent: booking", sources=intent),
        node(3, 17570, 18000, "booking:plan", "booking:__start__", llm=[model(17580, 17980, (540, 33))]),
        node(3, 18005, 21020, "booking:look_up", "booking:plan", step=2),
        *tool(3, 18020, 21010, "reserve", "call_c1", {"table": "t7", "name": "caller", "people": 2},
              TimeoutError("the reservation system did not answer within 3 s"), node="booking:look_up", graph="booking"),
        node(3, 21025, 21730, "booking:reply", "booking:look_up", step=3, llm=[model(21035, 21710, (611, 27))]),
        agent(3, 21290, 23900, "I am sorry, our reservation system is slow today. May I try once more?",
              e2e_latency=4190, llm_node_ttft=255, model="gpt-4o-mini", node="booking:reply"),
    ]  # fmt: skip
    fourth = [
        user(4, 24600, 25200, "Sure."),
        node(4, 25210, 25600, "understand", "__start__", llm=[model(25220, 25580, (655, 9))]),
        node(4, 25605, 27490, "booking", "understand", "route_by_intent: booking", sources=intent),
        node(4, 25610, 26000, "booking:plan", "booking:__start__", llm=[model(25620, 25980, (690, 30))]),
        node(4, 26005, 26790, "booking:look_up", "booking:plan", step=2),
        *tool(4, 26020, 26780, "reserve", "call_d1", {"table": "t7", "name": "caller", "people": 2}, {"number": "0417"},
              node="booking:look_up", graph="booking"),
        node(4, 26795, 27480, "booking:reply", "booking:look_up", step=3, llm=[model(26805, 27460, (744, 29))]),
        agent(4, 27060, 29600, "Done: a window table for two at a quarter past eight, number 0417. See you tonight!",
              e2e_latency=1860, llm_node_ttft=255, model="gpt-4o-mini", node="booking:reply"),
    ]  # fmt: skip
    return document(
        "restaurant-7f3a", first + second + third + fourth,
        call_successful=True, user_sentiment="positive", call_cost=0.41, caller_phone_number="+15550100",
        metadata={
            "ai_models": {"llm_model": "gpt-4o-mini"},
            "usage_token": {"llm_token": 6263},
            "llm_usage": {"gpt-4o-mini": {"calls": 11, "errors": 0, "input_tokens": 5992, "output_tokens": 271,
                                          "cache_read_tokens": 1024, "reasoning_tokens": 0, "total_ms": 5830, "unknown_usage_calls": 0}},
        },
    )  # fmt: skip


def many_rows(turns: int = 500) -> dict[str, Any]:
    """A call of ten rows a turn: 5,000 by default."""
    chance = random.Random(7)
    rows: list[Row] = []
    at = 500
    for turn in range(1, turns + 1):
        slow = chance.randint(200, 1500)
        rows += [
            user(turn, at, at + 900, f"Question number {turn}: what about order {chance.randint(100, 999)}?"),
            node(turn, at + 910, at + 1200, "triage", "__start__", llm=[model(at + 920, at + 1180, (100, 8))]),
            node(turn, at + 1205, at + 1900 + slow, "orders", "triage", "route: orders", sources=routed("triage", "route", "orders")),
            node(turn, at + 1210, at + 1300, "orders:plan", "orders:__start__"),
            node(turn, at + 1305, at + 1350 + slow, "orders:act", "orders:plan"),
            *tool(turn, at + 1310, at + 1340 + slow, "look_up_order", f"call_{turn}", {"order": turn}, {"state": "sent"},
                  node="orders:act", graph="orders"),
            node(turn, at + 1360 + slow, at + 1890 + slow, "orders:reply", "orders:act",
                 llm=[model(at + 1370 + slow, at + 1880 + slow, (300, 40))]),
            node(turn, at + 1905 + slow, at + 1950 + slow, "remember", "orders"),
            agent(turn, at + 1500 + slow, at + 3000 + slow, f"Order of turn {turn} is on its way.", e2e_latency=600 + slow),
        ]  # fmt: skip
        at += 3300 + slow
    return document("many-rows", rows, metadata={"ai_models": {"llm_model": "gpt-4o-mini"}})


def hostile() -> dict[str, Any]:
    """A caller, a graph and tools that say markup, end tags, control and direction characters, and long words."""
    rows = [
        user(1, 0, 900, HOSTILE),
        node(1, 910, 2000, HOSTILE, "__start__", HOSTILE, llm=[model(920, 1500, (1, 1), name=HOSTILE)]),
        *tool(
            1, 1510, 1900, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, RuntimeError(HOSTILE), node=HOSTILE, graph=""
        ),
        agent(
            1,
            2000,
            2900,
            "\u202eesrever\u202c \x1b[31mred\x1b[0m\x07 \u2028 \u2029 \ud83d 日本語 👩‍👩‍👧 ${x} {{y}} ]]> --> "
            + "x" * 300,
        ),
    ]
    return document(HOSTILE, rows, disconnection_reason=HOSTILE, metadata={HOSTILE: [HOSTILE]})


def other_sdk() -> dict[str, Any]:
    """The least a document holds: no metadata of ours, seconds for timestamps, times from words or durations."""
    return {
        "call_id": "other-sdk", "call_type": "web_call",
        "start_timestamp": STARTED // 1000, "end_timestamp": STARTED // 1000 + 9,
        "recording_url": "pending",
        "transcript_with_tool_calls": [
            {"role": "agent", "text": "Hello, how can I help?", "start_ms": 100, "duration_ms": 1400},
            {"role": "user", "text": "Where is my parcel?",
             "words": [{"word": "Where", "start_ms": 2000, "end_ms": 2200}, {"word": "parcel?", "start_ms": 2700, "end_ms": 3100}]},
            {"role": "agent_function", "text": "track", "start_ms": 3300, "end_ms": 3300,
             "tool": {"name": "track", "request_id": "1", "params": {"id": 9}, "start_ms": 3300}},
            {"role": "agent_result", "text": "track", "start_ms": 4500, "end_ms": 4500,
             "tool": {"name": "track", "request_id": "1", "result": {"value": "on its way"}, "is_error": False, "start_ms": 4500}},
            {"role": "agent", "text": "It is on its way.", "start_ms": 5100, "end_ms": 6600},
            {"role": "user", "text": "Thanks, bye.", "start_ms": 7200, "end_ms": 8000},
        ],
    }  # fmt: skip
