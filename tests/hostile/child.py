"""One process that takes hostile values through every door; what it finds wrong it prints, a line each.

Usage: python -m tests.hostile.child [NAME ...]. The last line before a crash says which value and door it was.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.hostile import objects
from tests.hostile.corpus import VALUES
from tests.hostile.doors import OWN, PROGRAMS, Door
from tuner_langchain import Capture
from tuner_langchain.testing import record, validate

CAPTURE = Capture(node_inputs=True, node_outputs=True, system_prompts=True)
# Far more than the agent waits for any of them, on a machine that has other work.
LONGEST_S = 3.0


class Heard(logging.Handler):
    """Everything that was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def outcome(door: Door, value: Any, callbacks: list[Any]) -> str:
    """Return how a program ended: the name of what it raised."""
    try:
        door(value, callbacks)
    except BaseException as error:  # noqa: BLE001 - programs that end are among them
        return type(error).__name__
    return "fine"


def wrong_with(make: Callable[[], Any], name: str, heard: Heard) -> list[str]:
    """Return what is wrong when a value goes through a door."""
    programs = name in PROGRAMS
    door = (PROGRAMS | OWN)[name]
    without = outcome(door, make(), []) if programs else "fine"
    heard.lines.clear()
    objects.ASKED.clear()
    handler = record(capture=CAPTURE)
    handler.raise_error = True
    found = []
    began_s = time.monotonic()
    ended = outcome(door, make(), [handler])
    if ended != without:
        found.append(f"the program ends with {ended}, without the handler with {without}")
    handler.finalize()
    if time.monotonic() - began_s > LONGEST_S:
        found.append(f"it took {time.monotonic() - began_s:.1f} s")
    found += (
        [f"the document is refused: {violation}" for violation in validate(handler.body)[:3]]
        if handler.body
        else []
    )
    if handler.body and b"timeline_error" in handler.body:
        found.append("its rows are lost")
    found += [
        f"the log says {line[:200]!r}" for line in heard.lines if objects.SAID in line or "Error in" in line
    ][:2]
    if objects.ASKED and programs and not _asks_itself(door, make):
        found.append(f"it was asked for its repr: {objects.ASKED[:3]}")
    return found


def _asks_itself(door: Door, make: Callable[[], Any]) -> bool:
    """Return whether the program without a handler asks a value for its text, as LangChain does for tools' answers."""
    objects.ASKED.clear()
    outcome(door, make(), [])
    return bool(objects.ASKED)


def main(names: list[str]) -> int:
    """Take the values through every door."""
    faulthandler.enable()
    heard = Heard()
    logging.getLogger().addHandler(heard)
    wrong = 0
    for name in names or VALUES:
        for door in PROGRAMS | OWN:
            print(f"at {name} | {door}", file=sys.stderr, flush=True)
            for problem in wrong_with(VALUES[name], door, heard):
                wrong += 1
                print(f"{name} | {door}: {problem}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
