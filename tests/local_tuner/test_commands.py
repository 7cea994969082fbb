"""`tuner-langchain serve` and `tuner-langchain validate`, run as a person runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from contract.example import ROWS, example

COMMAND = [sys.executable, "-c", "import sys; from tuner_langchain.cli import main; sys.exit(main())"]


def run(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *args], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]  # the options of one test


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_how_to_reach_it_and_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    """It prints the address and the environment, answers, logs a line each, and ends well on either signal."""
    command = [*COMMAND, "serve", "--port", "0", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        greeting = "".join(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
        address = re.findall(r"export TUNER_BASE_URL=(\S+)", greeting)[0]
        assert httpx.get(address + "/calls").json() == []
        process.send_signal(number)
        _, log = process.communicate(timeout=30)

    assert process.returncode == 0
    for line in ("TUNER_API_KEY=tr_api_local", "TUNER_WORKSPACE_ID=1", "TUNER_AGENT_ID=local-agent"):
        assert f"  export {line}\n" in greeting
    assert f"kept in    {tmp_path}\n" in greeting
    assert re.fullmatch(r"\d\d:\d\d:\d\d  GET /calls 200 \d+ ms\n", log)


def test_serve_once_ready_runs_a_command() -> None:
    """`--once-ready` runs a command with the environment set, and ends as it ended."""
    code = "import os, urllib.request as u; print(u.urlopen(os.environ['TUNER_BASE_URL'] + '/calls').read()); exit(3)"

    ran = run("serve", "--port", "0", "--once-ready", sys.executable, "-c", code)

    assert (ran.returncode, ran.stdout) == (3, "b'[]'\n")


def test_serve_once_ready_names_a_command_that_is_not_there() -> None:
    """A command that cannot be run is said, with the shell's status for it."""
    ran = run("serve", "--port", "0", "--once-ready", "no-such-command")

    assert (ran.returncode, ran.stderr) == (
        127,
        "tuner-langchain serve: no-such-command: No such file or directory\n",
    )


def test_serve_on_a_port_that_is_taken() -> None:
    """One line says the problem and the way out; no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ran = run("serve", "--port", str(port))

    assert ran.returncode == 2
    assert re.fullmatch(rf"tuner-langchain serve: port {port} .*; port 0 takes a free one\n", ran.stderr)


def test_serve_binds_to_loopback_only() -> None:
    """Another address is refused in one line."""
    ran = run("serve", "--host", "0.0.0.0")

    assert ran.returncode == 2
    assert "'0.0.0.0' is not a loopback address" in ran.stderr


def test_validate_a_good_document(tmp_path: Path) -> None:
    """A document the API would take is said to be one, with status 0."""
    path = tmp_path / "call.json"
    path.write_text(json.dumps(example()))

    ran = run("validate", str(path))

    assert (ran.returncode, ran.stdout) == (0, f"{path}: the Create Call API would take it\n")


def test_validate_a_bad_document(tmp_path: Path) -> None:
    """Each violation is a line with its path, and the status is 1."""
    path = tmp_path / "call.json"
    document = example(call_type="")
    document[ROWS][1]["node"]["from"] = None
    path.write_text(json.dumps(document))

    ran = run("validate", str(path))

    assert ran.returncode == 1
    assert ran.stdout.splitlines() == [
        "call_type: should have at least 1 character (it has 0)",
        "transcript_with_tool_calls[1].node.from: should be a string (it is null)",
    ]


def test_validate_for_pipes() -> None:
    """`-` reads standard input, `--json` prints the violations as JSON."""
    ran = run("validate", "--json", "-", input="[]")

    assert ran.returncode == 1
    assert json.loads(ran.stdout) == [
        {"path": "", "problem": "should be an object (it is an array)", "rule": "model_type"}
    ]


def test_validate_a_file_that_is_not_there() -> None:
    """A file that cannot be read is wrong use, status 2, with the system's reason."""
    ran = run("validate", f"{os.devnull}/none")

    assert ran.returncode == 2
    assert ran.stderr == "tuner-langchain validate: /dev/null/none: Not a directory\n"
