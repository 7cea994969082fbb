"""A reader's terminal: a page's shell commands, run one after the other as a person would type them."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from docs.pages import Block, Command, commands

if TYPE_CHECKING:
    from types import TracebackType

TIMEOUT_S = 60
# What changes from run to run: ids, dates, figures with their units, and the spaces that line these up.
_VARYING = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[\da-f]{16,}\b|\d[\d,.:]*( ?(ms|s|m|h|d)\b)?|[ ]+")
_READY = "Ctrl-C stops it."
# Of the environment round the tests, only what a reader has too: where CI is set, say, pytest prints more.
_KEPT = {"CLONE", "HOME", "LANG", "TMPDIR"}


class Terminal:
    """A shell in a directory; what a command exports, and where it goes, holds for the next.

    `tuner-langchain serve` runs until somebody stops it, so it gets a terminal of its own, with a free port; the
    lines that it prints to be copied are run in this one. It is interrupted at the end, and has to end well.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._state = directory.parent / f"{directory.name}-state"
        here = str(Path(sys.executable).parent)
        self._environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if name in _KEPT or name.startswith(("LC_", "TUNER_"))
            },
            "PATH": os.pathsep.join([here, os.environ.get("PATH", os.defpath)]),
            "COLUMNS": "80",
            "PIP_NO_INDEX": "1",  # nothing is fetched: what the page installs is there already, or it fails
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self._serving: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ends = [_interrupt(server) for server in self._serving]
        if kind is None:
            assert ends == [0] * len(ends), f"`tuner-langchain serve` ended with {ends}"

    def run_block(self, block: Block) -> None:
        """Run a shell block, line by line; each has to end well and print what the page says it prints."""
        for command in [Command(block.place, block.code)] if block.hidden else commands(block):
            if not command.skipped:
                self.run_command(command)

    def run_command(self, command: Command) -> None:
        words = command.run.split()
        if words[:2] == ["tuner-langchain", "serve"] and "--once-ready" not in words:
            self._serve(command)
            return
        status, printed = self.run(command.run)
        assert status in command.statuses, f"{command.place}: `{command.run}` ended with {status}:\n{printed}"
        difference = missing(command.output, printed)
        assert not difference, f"{command.place}: `{command.run}` prints something else:\n{difference}"

    def run(self, lines: str) -> tuple[int, str]:
        """Run lines as one script; return its exit status and what it printed."""
        state = shlex.quote(str(self._state))
        script = f"{lines.rstrip()}\n{{ pwd; env -0; }} > {state}"
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.directory,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode == 0:
            where, _, environ = self._state.read_text().partition("\n")
            self.directory = Path(where)
            self._environ = dict(entry.split("=", 1) for entry in environ.split("\0") if entry)
        return done.returncode, done.stdout

    def _serve(self, command: Command) -> None:
        server = subprocess.Popen(
            [*shlex.split(command.run), "--port", "0"],
            cwd=self.directory,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._serving.append(server)
        assert server.stdout is not None
        printed = ""
        for line in server.stdout:
            printed += line
            if _READY in line:
                break
        else:
            raise AssertionError(f"{command.place}: `{command.run}` ended before it was ready:\n{printed}")
        self.run("\n".join(re.findall(r"^ +(export .*)", printed, re.MULTILINE)))


def _interrupt(server: subprocess.Popen[str]) -> int:
    server.send_signal(signal.SIGINT)
    try:
        server.communicate(timeout=TIMEOUT_S / 4)
    finally:
        server.kill()
    return server.returncode


def missing(shown: str, printed: str) -> str:
    """Return what of the shown lines is not printed, as a difference; empty when all are there, one below the other.

    `...` stands for anything: as a line for any lines. Ids, dates and figures may differ.
    """
    wanted = [_masked(line) for line in shown.rstrip().splitlines()]
    there = [_masked(line) for line in printed.splitlines()]
    at, anywhere = 0, True
    for line in wanted:
        if line == "...":
            anywhere = True
            continue
        pattern = re.compile(re.escape(line).replace(re.escape("..."), ".*"))
        found = next((place for place in range(at, len(there)) if pattern.fullmatch(there[place])), None)
        if found is None or (found > at and not anywhere):
            return "\n".join(difflib.unified_diff(wanted, there, "the page", "the command", lineterm=""))
        at, anywhere = found + 1, False
    return ""


def _masked(line: str) -> str:
    return _VARYING.sub(lambda found: " " if found[0].isspace() else "#", line).strip()
