"""One process that takes hostile values through every door; what it finds wrong it prints, a line each.

Usage: PYTHONPATH=tests python -m hostile.child [NAME ...]. The last line before a crash says where it was.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hostile import objects
from hostile.corpus import HUGE, VALUES
from hostile.doors import OWN, PROGRAMS, Door
from tuner_langchain import Capture
from tuner_langchain.testing import record, validate

CAPTURE = Capture(node_inputs=True, node_outputs=True, system_prompts=True)
FOR_HUGE = ("update", "tool_result", "tool_message", "event", "answer", "facts")
# LangGraph's checkpointer itself ends the process when a value changes while it is written, also without a handler.
WRITES = "interrupted"
# Processor time of the agent's thread, so that a machine's other work does not count; the parent sees what hangs.
LONGEST_S = 3.0


class Heard(logging.Handler):
    """What we logged, and what LangChain logged of our callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("tuner_langchain", "langchain_core.callbacks")):
            self.lines.append(record.getMessage())


class Ran(NamedTuple):
    """How a program ran."""

    ended: str  # "fine", or the name of what it raised
    lasted_s: float
    asked: int  # how often values were asked for their text


def run(door: Door, value: Any, callbacks: list[Any]) -> Ran:
    """Run a program."""
    objects.ASKED.clear()
    ended, began_s = "fine", time.thread_time()
    try:
        door(value, callbacks)
    except BaseException as error:  # noqa: BLE001 - programs that end are among them
        ended = type(error).__name__
    return Ran(ended, time.thread_time() - began_s, len(objects.ASKED))


def wrong_with(make: Callable[[], Any], name: str, heard: Heard) -> Iterator[str]:
    """Find what is wrong when a value goes through a door."""
    door = (PROGRAMS | OWN)[name]
    without = run(door, make(), [])
    heard.lines.clear()
    handler = record(capture=CAPTURE)
    handler.raise_error = True
    ran = run(door, make(), [handler])
    handler.finalize()
    if ran.ended != without.ended:
        yield f"the program ends with {ran.ended}, without the handler with {without.ended}"
    if ran.lasted_s > without.lasted_s + LONGEST_S:
        yield f"it took {ran.lasted_s:.1f} s, without the handler {without.lasted_s:.1f} s"
    if ran.asked > without.asked:
        yield f"it was asked for its text {ran.asked} times, without the handler {without.asked} times"
    for violation in validate(handler.body)[:3] if handler.body else ():
        yield f"the document is refused: {violation}"
    if handler.body and b"timeline_error" in handler.body:
        yield "its rows are lost"
    yield from (
        f"the log says {line[:200]!r}" for line in heard.lines if objects.SAID in line or "Error in" in line
    )


def doors_for(name: str) -> list[str]:
    """Return the doors that a value goes through."""
    if name in HUGE:
        return list(FOR_HUGE)
    return [door for door in PROGRAMS | OWN if door != WRITES or not name.endswith("in change")]


def main(names: list[str]) -> int:
    """Take the values through every door."""
    faulthandler.enable()
    heard = Heard()
    logging.getLogger().addHandler(heard)
    wrong = 0
    for name in names or [*VALUES, *HUGE]:
        for door in doors_for(name):
            print(f"at {name} | {door}", file=sys.stderr, flush=True)
            for problem in wrong_with((VALUES | HUGE)[name], door, heard):
                wrong += 1
                print(f"{name} | {door}: {problem}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
