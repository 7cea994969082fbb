"""What must hold of every call, and the smallest call of which it does not."""

from __future__ import annotations

import json
import logging
from asyncio import CancelledError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from search.player import PACKAGE, Case, Played
from tuner_langchain.testing import validate


class _Faults(logging.Handler):
    """Keeps what the package says of faults of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


def problems(case: Case) -> list[str]:
    """Play a case and return what does not hold of it; nothing is how it should be."""
    faults, log = _Faults(), logging.getLogger("tuner_langchain")
    log.addHandler(faults)
    try:
        played = Played(case)
        body = played.run()
    except (Exception, SystemExit, GeneratorExit, CancelledError) as error:  # noqa: BLE001 - what is searched for
        return [f"{type(error).__name__} at {_place(error)}"]
    finally:
        log.removeHandler(faults)
    if faults.found:
        return faults.found
    if body is None:
        return [] if not played.tools else ["a call with tools has no document"]
    found = [str(violation) for violation in validate(body)]
    return found or [*_of_document(json.loads(body)), *_of_tools(played, json.loads(body))]


def _place(error: BaseException) -> str:
    trace, place = error.__traceback__, "?"
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(PACKAGE):
            place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _of_document(document: dict[str, Any]) -> Iterator[str]:
    rows = document["transcript_with_tool_calls"]
    length = document["end_timestamp"] - document["start_timestamp"]
    if [row["start_ms"] for row in rows] != sorted(row["start_ms"] for row in rows):
        yield "the rows are not in order"
    for number, row in enumerate(rows):
        if not 0 <= row["start_ms"] <= row["end_ms"] <= length:
            yield f"row {number} lies outside of the call"
        if row["duration_ms"] != row["end_ms"] - row["start_ms"]:
            yield f"row {number} has a wrong duration"
        if row["role"] in ("user", "agent") and not row["text"].strip() and "withheld" not in row["metadata"]:
            yield f"row {number} has no words and does not say why"
        if any(not 0 <= word["start_ms"] <= word["end_ms"] <= length for word in row.get("words", ())):
            yield f"row {number} has a word outside of the call"


def _of_tools(played: Played, document: dict[str, Any]) -> Iterator[str]:
    rows = document["transcript_with_tool_calls"]
    if played.case.hook != "none":
        return
    asked = [row["tool"]["request_id"] for row in rows if row["role"] == "agent_function"]
    answered = [row["tool"]["request_id"] for row in rows if row["role"] == "agent_result"]
    if not played.case.interrupts and not played.case.threads and len(asked) < len(played.tools):
        yield f"{len(played.tools)} tools were called, {len(asked)} have a row"
    if not set(answered) <= set(asked):
        yield "a result has no call"


def smallest(case: Case) -> Case:
    """Return the case with the fewest steps that still has a problem of the same kind."""
    wanted = _kind(problems(case))
    for number in range(len(case.steps) - 1, -1, -1):
        if number in case.interrupts:
            continue
        less = Case(case.seed)
        less.steps = [step for index, step in enumerate(case.steps) if index != number]
        less.interrupts = {at - (at > number): line for at, line in case.interrupts.items()}
        if less.steps and _kind(problems(less)) == wanted:
            case = less
    return case


def _kind(found: list[str]) -> str:
    return "".join(character for character in "".join(found[:1]) if not character.isdigit())
