"""The examples, run as a reader runs them: in processes of their own, without an account."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tuner_langchain.testing import LocalTuner, validate
from tuner_langchain.timeline import Timeline

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(name="environment")
def _environment(tuner: LocalTuner, tmp_path: Path) -> dict[str, str]:
    """What an example finds: this Tuner's settings, an outbox of its own, and no real model."""
    inherited = {name: value for name, value in os.environ.items() if name != "AGENT_MODEL"}
    return {**inherited, **tuner.environment, "TUNER_OUTBOX_DIR": str(tmp_path / "outbox")}


@pytest.fixture(name="tuner")
def _tuner() -> Iterator[LocalTuner]:
    with LocalTuner() as tuner:
        yield tuner


def run(environment: dict[str, str], *command: str) -> str:
    """Run an example with the warnings of a strict reader; return what it printed."""
    strict = [sys.executable, "-W", "error", *command]
    ran = subprocess.run(strict, env=environment, capture_output=True, text=True, check=False, timeout=50)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def spoken(document: dict[str, Any]) -> list[tuple[str, str]]:
    rows = document["transcript_with_tool_calls"]
    return [(row["role"], row["text"].strip()) for row in rows if row["role"] in ("user", "agent")]


def test_the_chain(tuner: LocalTuner, environment: dict[str, str]) -> None:
    """The LCEL chain answers two questions; the call has them, their answers, and what the retriever found."""
    printed = run(environment, str(EXAMPLES / "lcel_chain.py"))

    (document,) = tuner.calls()
    assert validate(document) == []
    assert spoken(document) == [
        ("user", "When are you open on Mondays?"),
        ("agent", "On Mondays we open at five."),
        ("user", "May I bring my dogs?"),
        ("agent", "Yes, to the garden."),
    ]
    found = [row["tool"] for row in document["transcript_with_tool_calls"] if row["role"] == "agent_result"]
    assert [tool["result"]["sources"] for tool in found] == [["hours"], ["dogs"]]
    assert "caller: May I bring my dogs?\nagent:  Yes, to the garden.\n" in printed
    assert "state='delivered'" in printed


@pytest.fixture(name="voice_agent")
def _voice_agent(environment: dict[str, str]) -> Iterator[str]:
    """Run the voice agent's server; yield the address that a caller dials."""
    port = _free_port()
    command = [sys.executable, "-W", "error", str(EXAMPLES / "fastapi_voice" / "server.py")]
    with subprocess.Popen(
        command, env={**environment, "PORT": str(port)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:  # fmt: skip
        assert server.stdout is not None
        started = ""
        for line in server.stdout:
            started += line
            if "Uvicorn running" in line:
                break
        else:
            pytest.fail(started)
        yield f"ws://127.0.0.1:{port}/calls/call-7"
        server.terminate()
        printed = started + server.stdout.read()
    assert "Traceback" not in printed, printed


def test_the_voice_agent(tuner: LocalTuner, voice_agent: str, environment: dict[str, str]) -> None:
    """A caller asks, cuts the agent off and says goodbye; the agent hangs up, and the call tells all of it."""
    printed = run(environment, str(EXAMPLES / "fastapi_voice" / "caller.py"), voice_agent)

    document = tuner.wait_for_call("call-7", timeout_s=30)
    assert validate(document) == []
    assert document["disconnection_reason"] == "agent_hangup"
    said = spoken(document)
    assert said[:3] == [
        ("user", "When are you open?"),
        ("agent", "We are open from noon to ten."),
        ("user", "A table for two, please."),
    ]
    assert said[4] == ("user", "Half past seven!")
    assert said[-1] == ("agent", "Thank you for calling. See you soon!")
    callers = [row for row in document["transcript_with_tool_calls"] if row["role"] == "user"]
    assert len(callers) == 4
    for row in callers:
        assert row["duration_ms"] > 100  # the first may have begun a moment before the call did
        assert row["metadata"]["transcript_confidence"] == 0.97
    agents = [row for row in document["transcript_with_tool_calls"] if row["role"] == "agent"]
    assert [row["metadata"]["interrupted"] for row in agents] == [False, True, False, False]
    assert agents[1]["text"].startswith("I have a table for")
    assert not agents[1]["text"].rstrip().endswith("like?")
    assert agents[2]["text"].rstrip().endswith("like?")
    called = Timeline(document).tool_calls("find_table")
    assert [call.params for call in called] == [{"people": 2}, {"people": 2}]
    assert "agent:  We are open from noon to ten.\n" in printed


def test_the_voice_agent_says_which_setting_is_missing(environment: dict[str, str]) -> None:
    """A server without a key does not start, and says what to set."""
    del environment["TUNER_API_KEY"]
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "fastapi_voice" / "server.py")],
        env={**environment, "PORT": str(_free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert ran.returncode != 0
    assert "api_key: is missing" in ran.stderr
    assert "TUNER_API_KEY" in ran.stderr


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
