"""A Create Call document that follows every rule, with every documented field, to be broken in one place."""

from __future__ import annotations

import copy
from typing import Any

ROWS = "transcript_with_tool_calls"

USER, TRANSITION, CALL, RESULT, AGENT = range(5)

_EXAMPLE: dict[str, Any] = {
    "call_id": "call-1",
    "call_type": "phone_call",
    "start_timestamp": 1767225600000,
    "end_timestamp": 1767225612500,
    "recording_url": "https://recordings.example.com/1.wav",
    "agent_version": 3,
    "transcript": "Caller: A table for two?",
    "duration_ms": 12500,
    "call_status": "call_ended",
    "disconnection_reason": "user_hangup",
    "caller_phone_number": "+15550100",
    "call_successful": True,
    "in_voicemail": False,
    "user_sentiment": "positive",
    "collected_dynamic_variables": {"party": 2},
    "call_cost": 12.5,
    "call_analysis": {"booked": True},
    "metadata": {
        "ai_models": {"asr_model": "ears", "llm_model": "mind", "tts_model": "voice"},
        "usage_token": {"stt_duration_seconds": 3.5, "llm_token": 812, "tts_characters_count": 90},
        "anything": ["else"],
    },
    "general_meta_data_raw": {"region": "eu"},
    "recording_multi_channel_url": "https://recordings.example.com/1-stereo.wav",
    "sip_call_id": "a84b4c76e66710",
    "sip_headers": {"X-Correlation-Id": "77"},
    "recipient": "sip:+15550100@example.com",
    "recording_file_extension": "wav",
    "recording_s3_multi_channel": True,
    "recording_s3_caller_channel": 0,
    ROWS: [
        {
            "role": "user",
            "text": "A table for two?",
            "start_ms": 800,
            "end_ms": 2100,
            "duration_ms": 1300,
            "words": [{"word": "table", "start_ms": 900, "end_ms": 1200, "confidence": 0.9}],
            "metadata": {"stt_node_ttfb": 80, "transcript_confidence": 0.9},
        },
        {
            "role": "node_transition",
            "text": "booking",
            "start_ms": 2110,
            "end_ms": 2540,
            "duration_ms": 430,
            "node": {"from": "triage", "to": "booking", "reason": None},
            "metadata": {"step": 1},
        },
        {
            "role": "agent_function",
            "text": "find_table",
            "start_ms": 2200,
            "end_ms": 2300,
            "duration_ms": 100,
            "tool": {
                "name": "find_table",
                "request_id": "call_abc",
                "params": {"people": 2},
                "start_ms": 2200,
            },
        },
        {
            "role": "agent_result",
            "text": "find_table",
            "start_ms": 2300,
            "end_ms": 2300,
            "duration_ms": 0,
            "tool": {
                "name": "find_table",
                "request_id": "call_abc",
                "result": {"value": "19:30"},
                "is_error": True,
                "error": "late",
                "start_ms": 2300,
            },
        },
        {
            "role": "agent",
            "text": "At 19:30.",
            "start_ms": 2350,
            "end_ms": 2500,
            "duration_ms": 150,
            "metadata": {
                "e2e_latency": 250,
                "llm_node_ttft": 40.5,
                "tts_node_ttfb": 60,
                "interrupted": False,
            },
        },
    ],
}

ABSENT = object()


def example(**changes: Any) -> dict[str, Any]:
    """Return the document with some fields replaced, or left out where the value is `ABSENT`."""
    return _changed(copy.deepcopy(_EXAMPLE), changes)


def with_row(index: int, **changes: Any) -> dict[str, Any]:
    """Return the document with fields of one row replaced or left out."""
    document = example()
    _changed(document[ROWS][index], changes)
    return document


def with_part(index: int, part: str, **changes: Any) -> dict[str, Any]:
    """Return the document with fields of one row's `node`, `tool` or `metadata` replaced or left out."""
    document = example()
    _changed(document[ROWS][index][part], changes)
    return document


def minimal() -> dict[str, Any]:
    """Return a document with the required fields and nothing else."""
    row = {"role": "user", "text": "Hello?", "start_ms": 0, "end_ms": 400}
    fields = {"call_id": "c", "call_type": "web_call", "recording_url": "pending", ROWS: [row]}
    return {**fields, "start_timestamp": 1767225600, "end_timestamp": 1767225601}


def _changed(target: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for name, value in changes.items():
        if value is ABSENT:
            del target[name]
        else:
            target[name] = value
    return target
