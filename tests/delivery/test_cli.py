"""`tuner-langchain outbox`: what a person sees and does, also while senders run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.conftest import KEY, call_body, make_config
from delivery.server import Reply, ScriptedServer
from tuner_langchain.cli import main, outbox
from tuner_langchain.delivery import Delivery
from tuner_langchain.delivery.upkeep import KeptCall

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def run(
    outbox_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run a command on the test's outbox; with `--json` return what it printed, read."""
    monkeypatch.setenv("TUNER_OUTBOX_DIR", str(outbox_dir))
    for name in ("TUNER_API_KEY", "TUNER_WORKSPACE_ID", "TUNER_AGENT_ID", "TUNER_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, status: int = 0) -> Any:
        assert main(["outbox", *words]) == status
        printed = capsys.readouterr()
        return json.loads(printed.out) if "--json" in words else printed.out + printed.err

    return run


@pytest.fixture
def refused(server: ScriptedServer, make_delivery: Callable[..., Delivery]) -> None:
    """One call that Tuner refused."""
    server.script = [Reply(422, b'{"detail": [{"loc": ["body", "x"], "msg": "wrong", "input": "secret"}]}')]
    delivery = make_delivery()
    delivery.submit("bad", call_body("bad")).wait(10)
    delivery.close(1)


@pytest.fixture
def waiting(outbox_dir: Path, make_delivery: Callable[..., Delivery]) -> None:
    """Two calls that nobody could send."""
    delivery = make_delivery(make_config(NOWHERE, outbox_dir))
    for call_id in ("call-1", "call-2"):
        delivery.submit(call_id, call_body(call_id))
    delivery.close(0)


def test_an_empty_outbox(run: Callable[..., Any]) -> None:
    """Nothing there is not an error."""
    assert "0 waiting, 0 dead" in run("ls")
    assert run("ls", "--json") == []


def test_ls_and_show_tell_what_waits_and_why(run: Callable[..., Any], refused: None, waiting: None) -> None:
    """States, attempts, sizes and reasons; content only when asked for."""
    text = run("ls")
    assert "dead     bad" in text
    assert "http-422" in text
    assert "2 waiting, 1 dead" in text
    calls = run("ls", "--json")
    assert sorted(call["call_id"] for call in calls if call["state"] == "waiting") == ["call-1", "call-2"]
    assert [call["call_id"] for call in run("ls", "--json", "--state", "dead")] == ["bad"]
    shown = run("show", "bad")
    assert "body.x: wrong" in shown
    assert "confidence" not in shown
    assert "secret" not in shown
    assert "said in confidence" in run("show", "bad", "--body")
    assert run("show", "bad", "--json")[0]["explanation"]["status"] == 422
    assert "There is no call 'nobody'" in run("show", "nobody", status=1)


def test_a_refused_call_can_be_sent_again(
    run: Callable[..., Any],
    refused: None,
    server: ScriptedServer,
    outbox_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a fix: retry lets it wait, drain sends it; its reason is gone with it."""
    assert "waits to be sent again" in run("retry", "--all")
    for name, value in (
        ("TUNER_API_KEY", KEY),
        ("TUNER_WORKSPACE_ID", "42"),
        ("TUNER_AGENT_ID", "desk & co"),
        ("TUNER_BASE_URL", server.url),
    ):
        monkeypatch.setenv(name, value)
    assert run("drain", "--timeout", "10", "--json")["delivered"] == 1
    assert list(server.stored) == ["bad"]
    assert [path for path in outbox_dir.rglob("*") if path.is_file()] == []


def test_what_is_printed_is_for_people(run: Callable[..., Any], refused: None) -> None:
    """Numbers and dates carry the words they are read with; nothing to retry is said as such."""
    assert ", 1 try, " in run("ls")
    shown = run("show", "bad")
    assert "  created  20" in shown
    assert "created_ms" not in shown
    assert "waits to be sent again" in run("retry", "--all")
    assert run("retry", "--all") == "No refused call is in the outbox.\n"


def test_a_conflict_is_not_sent_again(
    run: Callable[..., Any], server: ScriptedServer, make_delivery: Callable[..., Delivery]
) -> None:
    """The answer would be success for another call's record, and this one would be gone."""
    server.script = [Reply(409)]
    delivery = make_delivery()
    assert delivery.submit("twice", call_body("twice")).wait(10).state == "delivered_duplicate"
    delivery.close(1)
    assert "an id of its own" in run("retry", "twice", status=1)
    assert run("ls", "--json")[0]["reason"] == "conflict"


def test_export_writes_the_bodies_for_their_owner_alone(
    run: Callable[..., Any], refused: None, waiting: None, tmp_path: Path
) -> None:
    """All calls or one, as they would be sent."""
    run("export", str(tmp_path / "out"))
    files = list((tmp_path / "out").iterdir())
    assert sorted(json.loads(path.read_bytes())["call_id"] for path in files) == ["bad", "call-1", "call-2"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    (one,) = run("export", str(tmp_path / "one"), "call-2", "--json")
    assert Path(one["file"]).read_bytes() == call_body("call-2")


def test_a_live_outbox_is_not_disturbed(
    run: Callable[..., Any], server: ScriptedServer, make_delivery: Callable[..., Delivery]
) -> None:
    """Looking takes no lock, and an item that is being sent is not touched."""
    import threading

    gate = threading.Event()
    server.script = [Reply(hold=gate)]
    delivery = make_delivery()
    receipt = delivery.submit("call-1", call_body("call-1"))
    while not server.requests:
        gate.wait(0.01)
    assert [call["attempts"] for call in run("ls", "--json")] == [1]
    assert "being sent just now" in run("retry", "call-1", status=1)
    gate.set()
    assert receipt.wait(10).state == "delivered"
    assert len(server.requests) == 1


def test_no_id_and_no_answer_drives_the_terminal(
    run: Callable[..., Any], server: ScriptedServer, make_delivery: Callable[..., Delivery], tmp_path: Path
) -> None:
    """Control characters of a call's id, an agent's name or a server's answer are escaped in every output."""
    call_id = "c\x1b[31m\nwaiting  forged\u202e\x9b"
    server.script = [Reply(422, b'{"detail": [{"loc": ["body", "x"], "msg": "\\u001b[2Jwrong\\u009b"}]}')]
    delivery = make_delivery()
    delivery.submit(call_id, json.dumps({"call_id": call_id}, ensure_ascii=False).encode()).wait(10)
    delivery.close(1)

    for words in (
        ["ls"], ["ls", "--json"], ["show", call_id], ["show", call_id, "--json"], ["show", call_id, "--body"],
        ["export", str(tmp_path / "out")], ["retry", call_id],
    ):  # fmt: skip
        printed = run(*words)
        text = printed if isinstance(printed, str) else json.dumps(printed)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), words
        assert "\nwaiting  forged" not in text, words


def kept(**facts: Any) -> KeptCall:
    """Return an item as the outbox's keeper describes one."""
    known: dict[str, Any] = {
        "call_id": "c", "state": "waiting", "created_ms": 0, "attempts": 1, "due_ms": None, "bytes": 940,
        "workspace_id": 42, "agent_id": "desk", "reason": None, "message": None, "since_ms": None, "file": "/f",
    }  # fmt: skip
    return KeptCall(**known | facts)


def test_a_line_says_why_a_call_waits() -> None:
    """The reason's word, since when it holds, and its sentence; without a reason, nothing is made up."""
    why = {"reason": "http-401", "message": "Tuner refused the key. Check TUNER_API_KEY.", "since_ms": 70_000}

    line = outbox.line(kept(state="held", due_ms=400_000, **why), 100.0)

    assert line == (
        "held     c     2m old, 1 try, 940 bytes, tried again in 5m, http-401 for 30s: Tuner refused the key"
    )
    assert outbox.line(kept(attempts=2), 5.0) == "waiting  c     5s old, 2 tries, 940 bytes"


def test_a_line_says_where_another_destinations_call_goes() -> None:
    """What these settings do not send is marked with the workspace and the agent that it goes to."""
    own = (42, "desk")

    assert outbox.line(kept(agent_id="night\x1b"), 5.0, own).endswith("to workspace 42, agent 'night\\x1b'")
    assert "workspace" not in outbox.line(kept(), 5.0, own)
    assert "workspace" not in outbox.line(kept(agent_id="night"), 5.0)


def test_ls_and_drain_speak_of_other_destinations(
    run: Callable[..., Any],
    server: ScriptedServer,
    make_delivery: Callable[..., Delivery],
    outbox_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Calls of another agent are listed with where they go; `drain` sends its own and counts the others."""
    for agent, call_id in (("desk & co", "mine"), ("night", "theirs")):
        delivery = make_delivery(make_config(NOWHERE, outbox_dir, agent_id=agent))
        delivery.submit(call_id, call_body(call_id))
        delivery.close(0)
    for name, value in (("API_KEY", KEY), ("WORKSPACE_ID", "42"), ("AGENT_ID", "desk & co")):
        monkeypatch.setenv(f"TUNER_{name}", value)
    monkeypatch.setenv("TUNER_BASE_URL", server.url)
    run("retry", "mine")

    listed = run("ls")
    assert "to workspace 42, agent 'night'" in listed
    assert (
        "1 call goes to other workspaces or agents than TUNER_WORKSPACE_ID and TUNER_AGENT_ID name." in listed
    )
    drained = run("drain", "--timeout", "10")
    assert "1 delivered" in drained
    assert "1 call goes to other workspaces or agents: drain them with their settings." in drained
    assert run("drain", "--json")["of_others"] == 1
    assert list(server.stored) == ["mine"]


def test_a_held_call_says_why(
    run: Callable[..., Any], server: ScriptedServer, make_delivery: Callable[..., Delivery]
) -> None:
    """A wrong key holds the calls; afterwards another process reads that from the outbox, in `ls` and in `show`."""
    server.script = [Reply(401)]
    delivery = make_delivery()
    delivery.submit("call-1", call_body("call-1"))
    delivery.flush(5)
    delivery.close(1)

    line = next(line for line in run("ls").splitlines() if "call-1" in line)
    assert line.startswith("held     call-1")
    assert re.search(r", http-401 for \d+s: \w", line)
    assert "1 held, 0 dead" in run("ls", "--state", "held")
    shown = run("show", "call-1")
    assert re.search(r"status +401", shown)
    assert re.search(r"since +20\d\d-", shown)


@pytest.mark.parametrize("state", ["waiting", "held", "upload", "dead"])
def test_every_state_can_be_asked_for(run: Callable[..., Any], waiting: None, state: str) -> None:
    """`--state` knows each state that an item may have."""
    assert {call["state"] for call in run("ls", "--state", state, "--json")} <= {state}


def test_wrong_settings_are_a_line_not_a_traceback(run: Callable[..., Any]) -> None:
    """`drain` needs a key; a relative directory is no outbox."""
    assert "api_key: is missing" in run("drain", status=2)
    assert "relative" in run("ls", "--dir", "here", status=2)
