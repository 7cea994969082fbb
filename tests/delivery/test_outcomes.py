"""The table of delivery: what the server answers, how often it is asked, and what becomes of the call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from delivery.clock import JumpingRuntime
from delivery.conftest import call_body
from delivery.server import Reply, ScriptedServer
from tuner_langchain.delivery import Delivery

HTML = (("Content-Type", "text/html"),)


@dataclass
class Row:
    """The first answers, then 201 for ever; within ten minutes of the clock."""

    name: str
    replies: tuple[Reply, ...]
    posts: int
    state: str
    folder: str | None = None


def pause(seconds: str) -> tuple[tuple[str, str], ...]:
    return (("Retry-After", seconds),)


def known() -> Reply:
    return Reply(200, b'{"id": 1, "is_new": false}')


ROWS = [
    Row("201", (), 1, "delivered"),
    Row("201 without a body", (Reply(201, b""),), 1, "delivered"),
    Row("200 known at first", (known(),), 1, "delivered_duplicate", "dead"),
    Row("409 at first", (Reply(409),), 1, "delivered_duplicate", "dead"),
    Row("500, then known", (Reply(500), known()), 2, "delivered"),
    Row("cut, then 409", (Reply(cut=True), Reply(409)), 2, "delivered"),
    *(
        Row(f"{status} once", (Reply(status),), 2, "delivered")
        for status in (408, 425, 429, 500, 502, 503, 504, 599)
    ),
    *(Row(f"{status} three times", (Reply(status),) * 3, 4, "delivered") for status in (408, 429, 500, 503)),
    Row("500 five times", (Reply(500),) * 5, 6, "delivered"),
    *(
        Row(f"{status} + 120 s", (Reply(status, headers=pause("120")),), 2, "delivered")
        for status in (429, 503, 500)
    ),
    *(
        Row(f"{status} + an hour", (Reply(status, headers=pause("3600")),), 1, "pending", "new")
        for status in (429, 503)
    ),
    *(
        Row(f"429 + {value}", (Reply(429, headers=pause(value)),), 2, "delivered")
        for value in ("-5", "nan", "abc", "0")
    ),
    Row("429 + for ever", (Reply(429, headers=pause("1000000000000")),), 1, "pending", "new"),
    Row("a page instead of Tuner", (Reply(200, b"<html>", HTML),), 2, "delivered"),
    Row("cut once", (Reply(cut=True),), 2, "delivered"),
    *(Row(f"{status} once", (Reply(status),), 2, "delivered") for status in (400, 401, 403, 404, 407)),
    *(
        Row(f"{status} for ever", (Reply(status),) * 9, 2, "held", "new")
        for status in (400, 401, 403, 404, 407)
    ),
    *(Row(f"{status} for ever", (Reply(status),) * 9, 2, "held", "new") for status in (301, 302, 307, 308)),
    *(
        Row(f"{status}", (Reply(status),), 1, "dead", "dead")
        for status in (402, 405, 406, 410, 413, 415, 418, 422, 451)
    ),
    Row("500, then 422", (Reply(500), Reply(422)), 2, "dead", "dead"),
    Row("422 + Retry-After", (Reply(422, headers=pause("1")),), 1, "dead", "dead"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_table(
    row: Row, make_delivery: Callable[..., Delivery], server: ScriptedServer, outbox_dir: Path
) -> None:
    """Exactly so many requests, one receipt's state, and a file only where the state says so."""
    runtime = JumpingRuntime(chances=0.5)
    delivery = make_delivery(runtime=runtime)
    server.script = list(row.replies)
    receipt = delivery.submit("call-1", call_body("call-1"))
    runtime.let_pass(500)
    runtime.wait_for_limit()
    assert (len(server.requests), receipt.state) == (row.posts, row.state)
    assert receipt.attempts == row.posts
    assert kept(outbox_dir) == ([row.folder] if row.folder else [])
    stats = delivery.stats()
    assert stats.finalised == 1
    assert getattr(stats, row.state) == 1
    if row.folder == "dead":
        (reason,) = (outbox_dir / "v1" / "dead").glob("*.reason.json")
        assert json.loads(reason.read_text())["call_id"] == "call-1"
        assert receipt.message


def kept(outbox_dir: Path) -> list[str]:
    return [path.parent.name for path in (outbox_dir / "v1").rglob("*.call")]
