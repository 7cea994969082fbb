"""What Tuner's Create Call API accepts: `validate` names everything it would refuse, with the field's path.

Three passes over one document, so that one mistake never hides another:

    is it strict JSON?  ->  has each field its type and limits?  ->  do the fields agree with each other?

Only what the API refuses is a violation. Keys it does not know are allowed, as it allows them. Types are
strict: the string "5" is no integer, and neither are `true` and 5.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeGuard

from pydantic import ValidationError

from tuner_langchain.testing.create_call import CreateCall

Location = tuple[str | int, ...]

ROWS: Final = "transcript_with_tool_calls"

# The API reads a timestamp below this as seconds, and any other as milliseconds.
SECONDS_BELOW: Final = 10**10


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing the API would refuse.

    Attributes:
        location: The keys and indexes that lead to the field; empty for the document as a whole.
        problem: What is wrong, and what is expected. It describes values and never repeats them.
        rule: A short stable name for the broken rule, such as `missing`, `string_type` or `row_timing`.
    """

    location: Location
    problem: str
    rule: str

    @property
    def path(self) -> str:
        """The location as a person writes it: `transcript_with_tool_calls[3].node.from`."""
        return "".join(map(_step, self.location)).removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path or 'document'}: {self.problem}"


def validate(document: Mapping[str, Any] | bytes | str) -> list[Violation]:
    """Return every violation of the Create Call contract, in the order of their paths; none means accepted.

    Args:
        document: A request body as bytes or text, or the same as Python values.
    """
    if isinstance(document, bytes | bytearray | memoryview | str):
        try:
            value = parse(document)
        except NotJsonError as error:
            return [error.violation]
    else:
        value = dict(document) if isinstance(document, Mapping) else document
    not_json = list(_not_json(value))
    known = {violation.location for violation in not_json}
    shape = [violation for violation in _shape(value) if violation.location not in known]
    return sorted(chain(not_json, shape, _agreement(value)), key=_reading_order)


class NotJsonError(ValueError):
    """A body that is no JSON at all; `violation` says where it stops being JSON."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.violation = Violation((), problem, "json_invalid")


def parse(body: bytes | bytearray | memoryview | str) -> Any:
    """Return the value of a strict JSON text in UTF-8.

    Raises:
        NotJsonError: It is not UTF-8, not JSON, uses NaN or Infinity, or is nested too deeply to be read.
    """
    try:
        text = body if isinstance(body, str) else bytes(body).decode("utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except NotJsonError:
        raise
    except UnicodeDecodeError as error:
        raise NotJsonError(f"is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise NotJsonError("is nested too deeply to be read") from None
    except ValueError:  # Python's bound on the digits of an integer
        raise NotJsonError("holds an integer with too many digits to be read") from None


def _refuse_constant(name: str) -> None:
    raise NotJsonError(f"is not JSON: {name} has no JSON form; send null or a number")


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() and step.isascii() else f"[{json.dumps(step)}]"


def _reading_order(violation: Violation) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in violation.location]


# --- Is it strict JSON? -------------------------------------------------------------------------------------


def _not_json(document: object) -> Iterator[Violation]:
    """Find what has no JSON form. A stack rather than recursion: documents may be nested deeply."""
    todo: list[tuple[Location, object, tuple[int, ...]]] = [((), document, ())]
    while todo:
        location, value, parents = todo.pop()
        if id(value) in parents:
            yield Violation(location, "contains itself, which JSON cannot say", "json_cycle")
        elif isinstance(value, dict):
            inside = (*parents, id(value))
            for key, member in value.items():
                step = key if isinstance(key, str) else type(key).__name__
                if problem := _not_json_key(key):
                    yield Violation((*location, step), problem, "json_key")
                todo.append(((*location, step), member, inside))
        elif isinstance(value, list):
            inside = (*parents, id(value))
            todo.extend(((*location, index), item, inside) for index, item in enumerate(value))
        elif problem := _not_json_leaf(value):
            yield Violation(location, problem, "json_type")


def _not_json_key(key: object) -> str | None:
    if not isinstance(key, str):
        return f"has a key that is {_named(key)}; keys are strings"
    return "has a key with a lone surrogate, which UTF-8 cannot carry" if _has_lone_surrogate(key) else None


def _not_json_leaf(value: object) -> str | None:
    if isinstance(value, str):
        return "holds a lone surrogate, which UTF-8 cannot carry" if _has_lone_surrogate(value) else None
    if isinstance(value, float):
        return None if abs(value) < float("inf") else "is not a finite number, which JSON cannot say"
    return None if value is None or isinstance(value, int) else f"is {_named(value)}, which has no JSON form"


def _has_lone_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


# --- Has each field its type and limits? --------------------------------------------------------------------


def _shape(document: object) -> Iterator[Violation]:
    try:
        CreateCall.model_validate(document)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=False):
            yield Violation(
                found["loc"], _problem(found["type"], found["msg"], found["input"]), found["type"]
            )


# Where pydantic's own sentence would speak of Python.
_EXPECTED: Final = {
    "missing": "is required",
    "model_type": "should be an object",
    "dict_type": "should be an object",
    "list_type": "should be an array",
    "int_type": "should be an integer",
    "string_type": "should be a string",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "greater_than_equal": "should be 0 or more",
    "too_short": "should have at least one row",
    "string_pattern_mismatch": "should be a file extension without a dot, like wav",
}
_COMPLETE: Final = {"missing", "greater_than_equal", "too_short", "string_pattern_mismatch"}


def _problem(rule: str, message: str, value: object) -> str:
    """Say what is expected and what is there, in JSON's words; never the value itself."""
    expected = _EXPECTED.get(rule) or re.sub(r"^(Input|String) ", "", message)
    if rule in _COMPLETE:
        return expected
    if rule in ("string_too_short", "string_too_long") and isinstance(value, str):
        return f"{expected} (it has {len(value)})"
    return f"{expected} (it is {_named(value)})"


def _named(value: object) -> str:
    names = {type(None): "null", bool: "a boolean", int: "an integer", float: "a number with a fraction"}
    names |= {str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), f"a Python {type(value).__name__}")


# --- Do the fields agree with each other? -------------------------------------------------------------------


def _agreement(document: object) -> Iterator[Violation]:
    if not isinstance(document, dict):
        return
    start, end = document.get("start_timestamp"), document.get("end_timestamp")
    if _is_int(start) and _is_int(end) and milliseconds(end) < milliseconds(start):
        yield Violation(("end_timestamp",), "is before start_timestamp", "end_before_start")
    if "recording_s3_caller_channel" in document and document.get("recording_s3_multi_channel") is not True:
        problem = "means something only with recording_s3_multi_channel: true"
        yield Violation(("recording_s3_caller_channel",), problem, "caller_channel")
    rows = document.get(ROWS)
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield from _row_agreement((ROWS, index), row)


def _row_agreement(at: Location, row: dict[Any, Any]) -> Iterator[Violation]:
    yield from _row_times(at, row)
    role, tool = row.get("role"), row.get("tool")
    if role == "node_transition" and "node" not in row:
        yield Violation((*at, "node"), "is required on a node_transition row", "missing")
    if role in ("agent_function", "agent_result") and "tool" not in row:
        yield Violation((*at, "tool"), f"is required on an {role} row", "missing")
    if not isinstance(tool, dict):
        return
    if role == "agent_function" and "params" not in tool:
        yield Violation((*at, "tool", "params"), "is required on an agent_function row", "missing")
    if role == "agent_result" and not tool.keys() & {"result", "error"}:
        yield Violation((*at, "tool"), "needs result or error on an agent_result row", "result_or_error")


def _row_times(at: Location, row: dict[Any, Any]) -> Iterator[Violation]:
    start, end, duration = (row.get(name) for name in ("start_ms", "end_ms", "duration_ms"))
    timed = row.get("words") or (start is not None and (end is not None or duration is not None))
    if row.get("role") in ("user", "agent") and not timed:
        problem = "has no time: send words, start_ms and end_ms, or start_ms and duration_ms"
        yield Violation(at, problem, "row_timing")
    if _is_int(start) and _is_int(end):
        if end < start:
            yield Violation((*at, "end_ms"), "is before start_ms", "end_before_start")
        elif _is_int(duration) and duration != end - start:
            problem = f"should be end_ms - start_ms, {end - start} (it is {duration})"
            yield Violation((*at, "duration_ms"), problem, "duration")
    elif _is_int(duration) and duration < 0:
        yield Violation((*at, "duration_ms"), "is negative", "duration")


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def milliseconds(timestamp: int) -> int:
    """Return a timestamp of the API in milliseconds: one below 10^10 is in seconds."""
    return timestamp * 1000 if timestamp < SECONDS_BELOW else timestamp
