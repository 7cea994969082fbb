"""What the server does with a request: a list of steps, each a small JSON object.

A rule is `{"steps": [...], "times": 1 | null, "when": {"call_id": ..., "path": ...}, "chance": 0.25}`. The first rule
that fits a request and has turns left is used; without one the server behaves as Tuner does. Every function below
makes one step; `do` names what the server does.
"""

from __future__ import annotations

import base64
import json
from typing import Any

Step = dict[str, Any]
Rule = dict[str, Any]

LONG_STEPS = ("hang", "gate", "trickle")


def rule(*steps: Step, times: int | None = 1, chance: float = 1.0, **when: str) -> Rule:
    """Return a rule; `when` narrows it to a `call_id` or a `path`."""
    return {"steps": list(steps), "times": times, "chance": chance, "when": when}


def read(upto: int | None = None, *, bytes_per_s: int | None = None) -> Step:
    """Read the body, its first bytes, or read it slowly."""
    return {"do": "read", "upto": upto, "bytes_per_s": bytes_per_s}


def honest() -> Step:
    """Do what Tuner does: store, 201 or 409."""
    return {"do": "honest"}


def store() -> Step:
    """Store the call and say nothing."""
    return {"do": "store"}


def answer(
    status: int,
    body: object = b"",
    headers: list[list[str]] | None = None,
    *,
    version: str = "HTTP/1.1",
    length: int | None = None,
    chunked: bool = False,
) -> Step:
    """Answer; `body` is bytes, text, or something that becomes JSON."""
    sent = [list(pair) for pair in headers or []]
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent.append(["content-type", "application/json"])
    return {
        "do": "answer",
        "status": status,
        "body": base64.b64encode(body).decode(),
        "headers": sent,
        "version": version,
        "length": length,
        "chunked": chunked,
    }


def send(data: bytes) -> Step:
    """Send bytes as they are."""
    return {"do": "send", "data": base64.b64encode(data).decode()}


def trickle(data: bytes, interval_s: float) -> Step:
    """Send one byte per interval, and begin again for ever."""
    return {"do": "trickle", "data": base64.b64encode(data).decode(), "interval_s": interval_s}


def flood(size_bytes: int) -> Step:
    """Send that many bytes of nothing."""
    return {"do": "flood", "bytes": size_bytes}


def gate(name: str) -> Step:
    """Wait until the test opens the gate."""
    return {"do": "gate", "name": name}


def hang() -> Step:
    """Say nothing until the client leaves."""
    return {"do": "hang"}


def close() -> Step:
    """End the connection politely."""
    return {"do": "close"}


def reset() -> Step:
    """End the connection with RST."""
    return {"do": "reset"}


def status(code: int, body: object = b"", **headers: str) -> list[Step]:
    """Read the whole request and answer with a status; header names are written with `_` for `-`."""
    pairs = [[name.replace("_", "-"), value] for name, value in headers.items()]
    return [read(), answer(code, body, pairs)]
