"""The demonstration call, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tuner_langchain.demo.script import CALLER
from tuner_langchain.testing import validate


@pytest.fixture(name="demo", scope="module")
def _demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """Run the demo once in a folder of its own, with no settings; return what it printed and what was stored."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TUNER_")}
    done = subprocess.run(
        [sys.executable, "-m", "tuner_langchain", "demo"],
        cwd=folder,
        env={**environment, "COLUMNS": "110"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (stored,) = Path(folder, "tuner-calls", "calls").glob("*.json")
    return done.stdout, json.loads(stored.read_text())


def test_demo_stores_a_valid_document(demo: tuple[str, dict[str, Any]]) -> None:
    """What the local Tuner stored keeps every rule of the API."""
    assert validate(demo[1]) == []


def test_demo_call_reads_true(demo: tuple[str, dict[str, Any]]) -> None:
    """The stored rows tell the call as it was: who spoke, where it went, what the tools did."""
    rows = demo[1]["transcript_with_tool_calls"]
    nodes = [
        f"{row['node']['from']} -> {row['node']['to']}" for row in rows if row["role"] == "node_transition"
    ]
    reasons = [
        row["node"]["reason"] for row in rows if row["role"] == "node_transition" and row["node"]["reason"]
    ]
    failures = [row["tool"]["is_error"] for row in rows if row["role"] == "agent_result"]
    asked = [row["text"] for row in rows if row["role"] == "user"]

    assert asked == list(CALLER)
    assert [row["text"] for row in rows if row["role"] == "agent"] == [
        "On Sundays we are open from 12:00 to 22:00. Shall I book you a table?",
        "Seven is taken, I am afraid. I have 17:30 or 20:15. Which one suits you?",
        "Done: a table for 4 at 20:15, Okafor. Your reference is C4047. Anything else?",
        "Thank you for calling. See you soon!",
    ]
    assert nodes[:2] == ["__start__ -> understand", "understand -> hours"]
    assert nodes[-1] == "understand -> end_call"
    assert "route_by_intent: booking" in reasons
    assert [row["text"] for row in rows if row["role"] == "agent_function"] == [
        "find_table",
        "book_table",
        "book_table",
    ]
    assert failures == [False, True, False]


def test_demo_prints_the_call_and_where_it_is(demo: tuple[str, dict[str, Any]]) -> None:
    """The table, the receipt and the stored call's place are on the screen."""
    printed, document = demo

    assert "route_by_intent: booking" in printed
    assert "the booking system did not answer" in printed
    assert f"Call {document['call_id']}: delivered" in printed
    assert "python -m tuner_langchain show tuner-calls" in printed
