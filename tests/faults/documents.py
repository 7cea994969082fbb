"""Calls to send: valid Create Call documents whose words can be found again wherever they leak to."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any

KEY = "tr_api_fault_harness_key_5f1c9b2e"
SPOKEN = "purple-walrus-dentist"
"""Said in every call; it may stand in the outbox and on the wire, and nowhere else."""

_numbers = itertools.count(1)


def new_call_id(prefix: str = "call") -> str:
    return f"{prefix}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"


def document(call_id: str, *, size_bytes: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a document; `metadata.nonce` is its own, whatever call_id it is sent under."""
    words = f"I would like an appointment with the {SPOKEN}."
    return {
        "call_id": call_id,
        "call_type": "phone_call",
        "start_timestamp": 1_767_225_600_000,
        "end_timestamp": 1_767_225_612_500,
        "recording_url": "pending",
        "transcript_with_tool_calls": [
            {
                "role": "user",
                "text": words + "x" * size_bytes,
                "start_ms": 800,
                "end_ms": 2_100,
                "duration_ms": 1_300,
                "metadata": {},
            }
        ],
        "metadata": {"nonce": uuid.uuid4().hex},
        **fields,
    }


def body(call_id: str, *, size_bytes: int = 0, **fields: Any) -> bytes:
    return json.dumps(document(call_id, size_bytes=size_bytes, **fields)).encode()
