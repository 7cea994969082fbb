"""The command line under wrong use: one line and a status for whatever a person can cause, never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner_langchain.cli import main

COMMAND = [sys.executable, "-m", "tuner_langchain"]
ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
LONG = "日" * 100
DEEP = "[" * 100_000
DEEP_OBJECT = '{"a":' * 5_000 + "1" + "}" * 5_000

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in a directory of its own, with an outbox of its own and no settings."""
    for name in list(os.environ):
        if name.startswith(("TUNER_", "AGENT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TUNER_OUTBOX_DIR", str(tmp_path / "outbox"))
    monkeypatch.chdir(tmp_path)
    files = {
        "broken.json": "{", "deep.json": DEEP, "deep-object.json": DEEP_OBJECT, "list.json": "[1]", "empty.json": "",
        "call.json": '{"call_id": "c"}', "a-file": "",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "not-text.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / os.fsdecode(b"caf\xe9.json")).write_text('{"call_id": "c"}')
    (tmp_path / "a-directory.json").mkdir()
    os.mkfifo(tmp_path / "a-pipe")


def run(*words: str) -> int:
    """Return the status, also where the parser ends the command."""
    try:
        return main(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1


# What is typed, the status, and what is said.
WRONG: list[tuple[list[str], int, str]] = [
    (["shwo"], 2, "did you mean 'show'?"),
    (["outbox", "drian"], 2, "did you mean 'drain'?"),
    (["outbox", "ls", "--state", "ded"], 2, "did you mean 'dead'?"),
    (["\x1b[31m"], 2, "there is no"),
    (["show"], 2, "required: CALL"),
    (["show", "nobody"], 1, "no call with this id"),
    (["show", ""], 1, "no call with this id"),
    (["show", LONG], 1, "no call with this id"),
    (["show", "x" * 5_000], 1, "no call with this id"),
    (["show", "a\0b"], 1, "no call with this id"),
    (["show", "a\udce9b\x1b[31m"], 1, "no call with this id"),
    (["show", "nobody", "--from", LONG], 1, "no call with this id"),
    (["show", "nobody", "--from", "a-file"], 1, "no call with this id"),
    (["show", "nobody", "--from", "http://127.0.0.1:9"], 1, "no call with this id"),
    (["show", "a-file"], 1, "is not a JSON object"),
    (["show", "a-pipe"], 1, "no call with this id"),
    (["show", "broken.json"], 1, "is not a JSON object"),
    (["show", "deep.json"], 1, "is not a JSON object"),
    (["show", "list.json"], 1, "is not a JSON object"),
    (["show", "not-text.json"], 1, "is not a JSON object"),
    (["show", "a-directory.json"], 1, "holds no stored call"),
    (["show", "/proc/self/mem"], 1, "cannot be read"),
    (["show", "http://[::1"], 1, "is not an address"),
    (["show", "http://127.0.0.1:port/calls/1"], 1, "does not answer"),
    (["show", "http://127.0.0.1:9/a b\x1b"], 1, "does not answer"),
    (["show", "http://calls.localhost:9/calls/1"], 1, "is not on this machine"),
    (["show", "call.json", "--html", "/proc/x/y.html"], 1, "No such file"),
    (["show", "call.json", "--html", "a-directory.json"], 1, "Is a directory"),
    (["show", "call.json", "--html", LONG], 1, "File name too long"),
    (["show", "call.json", "--html", "/dev/full"], 1, "No space left"),
    (["validate", "nothing.json"], 2, "No such file"),
    (["validate", "a-directory.json"], 2, "Is a directory"),
    (["validate", LONG], 2, "File name too long"),
    (["validate", "a\0b"], 2, "is not a file's name"),
    (["validate", "broken.json"], 1, "is not JSON"),
    (["validate", "deep.json"], 1, "nested too deeply"),
    (["validate", "deep-object.json"], 1, "nested too deeply"),
    (["validate", "not-text.json"], 1, "is not UTF-8"),
    (["validate", "empty.json"], 1, "is not JSON"),
    (["serve", "--port", "99999"], 2, "'99999' is not a whole number from 0 to 65535"),
    (["serve", "--port", "-1"], 2, "from 0 to 65535"),
    (["serve", "--port", "9" * 5_000], 2, "from 0 to 65535"),
    (["serve", "--workspace-id", "0"], 2, "is not a whole number from 1"),
    (["serve", "--host", "example.com"], 2, "is not a loopback address"),
    (["serve", "--host", "::1]"], 2, "is not a loopback address"),
    (["serve", "--api-key", "two words"], 2, "holds a space"),
    (["serve", "--agent-id", ""], 2, "agent_id: is ''"),
    (["serve", "--port", "0", "--dir", "/proc/x"], 2, "No such file"),
    (["serve", "--port", "0", "--dir", "a-file"], 2, "a-file"),
    (["serve", "--port", "0", "--dir", LONG], 2, "File name too long"),
    (["serve", "--port", "0", "--once-ready", "a\0b"], 127, "is not a command"),
    (["demo", "--live"], 2, "3 settings are missing or wrong"),
    (["demo", "--dir", "/proc/x"], 1, "No such file"),
    (["demo", "--dir", "a-file"], 1, "a-file"),
    (["outbox", "ls", "--dir", "relative"], 2, "a relative path"),
    (["outbox", "ls", "--dir", "~nobody-of-this-name"], 2, "no home directory"),
    (["outbox", "ls", "--dir", "/proc/x"], 1, "/proc/x"),
    (["outbox", "ls", "--dir", "/dev/null"], 1, "/dev/null"),
    (["outbox", "ls", "--dir", f"/{LONG}"], 1, "too long"),
    (["outbox", "show", "nobody\x1b[31m"], 1, "There is no call"),
    (["outbox", "show", "no\udcffbody", "--json"], 1, "There is no call"),
    (["outbox", "retry", "nobody"], 1, "There is no call"),
    (["outbox", "retry"], 2, "required"),
    (["outbox", "export", "/proc/x", "nobody"], 1, "There is no call"),
    (["outbox", "drain"], 2, "TUNER_WORKSPACE_ID"),
    (["outbox", "drain", "--timeout", "nan"], 2, "is not a number of seconds"),
    (["outbox", "drain", "--timeout", "-1"], 2, "is not a number of seconds"),
    (["outbox", "drain", "--timeout", "1e300"], 2, "is not a number of seconds"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "said"), WRONG, ids=range(len(WRONG)))
def test_wrong_use_is_a_line_and_a_status(words: list[str], status: int, said: str, capsys: Printed) -> None:
    """Each bad input has its status and its sentence, without a traceback and without obeying what was typed."""
    assert run(*words) == status

    printed = capsys.readouterr()
    assert said in printed.out + printed.err
    assert "Traceback" not in printed.err
    assert not ESCAPES.search(printed.out + printed.err)


@pytest.mark.parametrize("words", [[], ["outbox"]])
def test_no_command_is_answered_with_help(words: list[str], capsys: Printed) -> None:
    """Who types the name alone gets to see what there is."""
    assert run(*words) == 0

    assert "COMMAND" in capsys.readouterr().out


def test_a_name_that_is_not_utf_8(capsys: Printed) -> None:
    """A file whose name no encoding can print is found and shown."""
    assert run("show", os.fsdecode(b"caf\xe9.json"), "--json") == 0
    assert run("validate", os.fsdecode(b"caf\xe9.json")) == 1
    assert run("show", "call.json", "--html", os.fsdecode(b"\xe9.html")) == 0

    assert "file://" in capsys.readouterr().out


def test_a_deep_document_is_shown(capsys: Printed) -> None:
    """What can be read but not drawn in full is drawn as far as it goes."""
    deep = '{"a":' * 900 + "1" + "}" * 900
    Path("d.json").write_text(f'{{"call_id": "deep", "metadata": {{"x": {deep}}}, "call_analysis": {deep}}}')

    for form in ([], ["--json"], ["--html", "-"]):
        assert run("show", "d.json", *form) == 0
    assert "deep" in capsys.readouterr().out


ENDINGS: list[tuple[str, Callable[[str], str]]] = [
    ("closed stdout", lambda command: f"{command} >&-"),
    ("a reader that left", lambda command: f"{command} | true"),
    ("closed stdin", lambda command: f"{command} <&-"),
    ("closed stderr", lambda command: f"{command} 2>&-"),
]
COMMANDS = ["show call.json", "show call.json --json", "show call.json --html -", "validate call.json", "outbox ls",
            "show -", "validate -", "--help", "show nobody"]  # fmt: skip


@pytest.mark.parametrize(("name", "with_ending"), ENDINGS, ids=[name for name, _ in ENDINGS])
def test_streams_that_are_not_there(name: str, with_ending: Callable[[str], str]) -> None:
    """A pipe that ends early, and closed streams, are nobody's traceback."""
    for command in COMMANDS:
        shell = with_ending(f"{' '.join(COMMAND)} {command}")
        ran = subprocess.run(
            ["sh", "-c", shell], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

        assert "Traceback" not in ran.stderr, (name, command)
        assert "Exception ignored" not in ran.stderr, (name, command)


def test_a_full_disk_is_said() -> None:
    """Output that could not be written is a failure, in one line."""
    shell = f"{' '.join(COMMAND)} show call.json > /dev/full"

    ran = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (1, "No space left on device\n")


def test_ctrl_c_ends_without_a_traceback() -> None:
    """Interrupted while it waits for its input, a command ends with the shell's status for it."""
    with subprocess.Popen([*COMMAND, "show", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        status = Path(f"/proc/{process.pid}/wchan")
        for _ in range(500):  # until it reads
            if "pipe" in status.read_text():
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        printed = process.stderr.read()

    assert process.returncode == 130
    assert printed == b""


def test_what_is_json_stays_json(capsys: Printed) -> None:
    """Characters that a terminal would obey are escaped in JSON too, as JSON does it."""
    Path("c.json").write_text(json.dumps({"call_id": "c\x9b31m\u202e", "call_type": "日本"}))

    assert run("show", "c.json", "--json") == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["call_id"] == "c\x9b31m\u202e"
    assert not ESCAPES.search(printed)
