"""A random call as a list of steps, each plain data: so a failing call can be printed, and made smaller."""

from __future__ import annotations

import random
from typing import Any

from search.values import ODD, conversation

Step = tuple[str, dict[str, Any]]

NAMES = ("a", "b", "tools", "LangGraph", "__start__", "a:b", "", "find_table")
THREADS = (
    "none",
    "text",
    "uuid",
    "list",
    "object",
    "zero",
    "no equal",
    "released",
    "no uuid",
    "text of its own",
)
TEXTS = ("", " ", "Hello there", "hello there!", "A table for two, please.", "…", "half \ud83d", "x" * 3_000)
MOMENTS: tuple[Any, ...] = (None, None, 0, 5, 900, 60_000, 10**8, 1.5, -3, "soon", 10**12, float("nan"))
FACTS = (
    "call_type", "end_timestamp", "duration_ms", "recording_url", "agent_version", "transcript", "call_status",
    "disconnection_reason", "caller_phone_number", "call_successful", "in_voicemail", "user_sentiment",
    "collected_dynamic_variables", "call_cost", "call_analysis", "metadata", "general_meta_data_raw", "sip_call_id",
    "sip_headers", "recipient", "recording_file_extension", "recording_s3_multi_channel",
    "recording_s3_caller_channel", "asr_model", "tts_model", "llm_model", "stt_duration_seconds",
    "tts_characters_count", "recording", "no_such_fact", "call_id", "start_timestamp",
)  # fmt: skip
RIGHT: dict[str, tuple[Any, ...]] = {
    "metadata": (
        {"crm": {"id": 7}},
        {"ai_models": "x"},
        {"ai_models": {"llm_model": 5}},
        {"usage_token": [1]},
    ),
    "caller_phone_number": ("+15550100", "1" * 50),
    "end_timestamp": (1_767_225_600, 1_767_225_600_000, 4_000_000_000),
    "user_sentiment": ("positive", "bad"),
    "sip_headers": ({"X-Correlation-Id": "7"}, {"X": 7}),
    "recording_file_extension": ("wav", "w.av"),
}


def steps(rng: random.Random) -> list[Step]:
    """Return what happens in a call, in order."""
    return [_step(rng) for _ in range(rng.randrange(1, 45))]


def _step(rng: random.Random) -> Step:
    kind = rng.choices(list(_KINDS), weights=[weight for weight, _ in _KINDS.values()])[0]
    return kind, _KINDS[kind][1](rng)


def _odd(rng: random.Random) -> str:
    return rng.choice(list(ODD))


def _run(rng: random.Random) -> dict[str, Any]:
    return {"run": rng.randrange(9), "parent": rng.choice((None, *range(9))), "name": rng.choice(NAMES)}


def _chain_start(rng: random.Random) -> dict[str, Any]:
    return {
        **_run(rng),
        "as_node": rng.random() < 0.5,
        "step": rng.choice((1, 1, 2, 3, "x", None)),
        "ns": rng.choice(("", "", "list")),
        "thread": rng.choice(THREADS),
        "hidden": rng.random() < 0.1,
        "seq": rng.random() < 0.2,
        "messages": conversation(rng),
        "inputs": rng.choice(("state", "messages", "none", _odd(rng))),
    }


def _chain_end(rng: random.Random) -> dict[str, Any]:
    outputs = rng.choice(("state", "messages", _odd(rng)))
    return {"run": rng.randrange(9), "messages": conversation(rng), "outputs": outputs}


def _model_start(rng: random.Random) -> dict[str, Any]:
    return {**_run(rng), "messages": conversation(rng), "odd": _odd(rng), "thread": rng.choice(THREADS)}


def _model_end(rng: random.Random) -> dict[str, Any]:
    return {"run": rng.randrange(9), "messages": conversation(rng)}


def _tool_start(rng: random.Random) -> dict[str, Any]:
    return {
        **_run(rng),
        "inputs": _odd(rng),
        "call_id": rng.choice(("c1", "c2", None, "absent", "list")),
        "odd_name": rng.random() < 0.1,
        "odd": _odd(rng),
    }


def _ended(rng: random.Random) -> dict[str, Any]:
    return {"run": rng.randrange(9), "value": _odd(rng)}


def _failed(rng: random.Random) -> dict[str, Any]:
    error = rng.choice(("value", "cancelled", "interrupt", "closed", "no text", "parent command"))
    return {"run": rng.randrange(9), "error": error}


def _spoken(rng: random.Random) -> dict[str, Any]:
    return {
        "text": rng.choice(TEXTS) if rng.random() < 0.9 else None,
        "start_ms": rng.choice(MOMENTS),
        "end_ms": rng.choice(MOMENTS),
        "words": rng.choice((None, None, "right", "backwards", "late", "wrong")),
        "heard": rng.choice((None, None, None, "", "Hello")),
    }


def _facts(rng: random.Random) -> dict[str, Any]:
    return {"facts": facts(rng)}


def facts(rng: random.Random) -> dict[str, tuple[str, Any]]:
    """Return facts by name: ("right", a value), or ("odd", the name of a value)."""
    found: dict[str, tuple[str, Any]] = {}
    for name in rng.sample(FACTS, rng.choice((0, 1, 1, 2, 3))):
        if name in RIGHT and rng.random() < 0.7:
            found[name] = ("right", rng.choice(RIGHT[name]))
        else:
            found[name] = ("odd", rng.choice(("object", _odd(rng))))
    return found


_KINDS: dict[str, tuple[int, Any]] = {
    "chain_start": (20, _chain_start),
    "chain_end": (12, _chain_end),
    "chain_error": (4, _failed),
    "chat_model_start": (8, _model_start),
    "llm_start": (2, _model_start),
    "llm_new_token": (4, _ended),
    "stream_event": (2, _ended),
    "llm_end": (8, _model_end),
    "llm_error": (2, _failed),
    "tool_start": (10, _tool_start),
    "tool_end": (8, _ended),
    "tool_error": (3, _failed),
    "retriever_start": (3, _run),
    "retriever_end": (3, _ended),
    "retriever_error": (1, _failed),
    "custom_event": (4, lambda rng: {**_ended(rng), "name": rng.choice(NAMES)}),
    "interrupt": (1, lambda rng: {"run": rng.randrange(9), "status": rng.choice(("pending", "interrupt_before"))}),
    "resume": (1, lambda rng: {"run": rng.randrange(9), "status": "pending"}),
    "user_turn": (5, _spoken),
    "agent_turn": (5, _spoken),
    "update": (4, _facts),
    "look": (1, lambda rng: {}),
    "tick": (8, lambda rng: {"ms": rng.choice((0.2, 1, 40, 5_000, -20))}),
}  # fmt: skip
