"""Reading rows of a document that may lack anything: another SDK may have written it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuner_langchain.values import is_number

Row = Mapping[str, Any]


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def whole(value: object) -> int | None:
    """Return a number as a whole one, else None; true and false are no numbers."""
    return round(value) if is_number(value) else None


def error_text(error: object) -> str | None:
    """Return an error, `{type, message}` or plain text, on one line."""
    if isinstance(error, Mapping):
        told = ": ".join(str(error[key]) for key in ("type", "message") if error.get(key))
        return told or "error"
    return str(error) if error else None


def times(row: Row) -> tuple[int, int]:
    """Return a row's start and end: as given, or from its duration, or from its words."""
    words = [mapping(word) for word in row.get("words") or ()]
    start = whole(row.get("start_ms"))
    if start is None:
        start = whole(words[0].get("start_ms")) if words else whole(mapping(row.get("tool")).get("start_ms"))
    start = start or 0
    end, lasted = whole(row.get("end_ms")), whole(row.get("duration_ms"))
    if end is None and lasted is not None:
        end = start + lasted
    if end is None and words:
        end = whole(words[-1].get("end_ms"))
    return start, max(start, start if end is None else end)


def turn_numbers(rows: Sequence[Row]) -> list[int]:
    """Return each row's turn: as the row says it, else that of the rows around it.

    A row that does not say its turn belongs to the turn before it; the caller's words open the next one. Rows
    before the caller's first words are turn 0, unless they say otherwise.
    """
    said = [whole(mapping(row.get("metadata")).get("turn")) for row in rows]
    return _counted(rows) if all(turn is None for turn in said) else _filled(rows, said)


def _counted(rows: Sequence[Row]) -> list[int]:
    turn, before, numbers = 0, None, []
    for row in rows:
        turn += row.get("role") == "user" and before != "user"
        before = row.get("role")
        numbers.append(turn)
    return numbers


def _filled(rows: Sequence[Row], said: Sequence[int | None]) -> list[int]:
    ahead, following = None, []
    for turn in reversed(said):
        ahead = ahead if turn is None else turn
        following.append(ahead)
    current, numbers = 0, []
    for row, turn, after in zip(rows, said, reversed(following), strict=True):
        if turn is not None:
            current = turn
        elif row.get("role") == "user" and after is not None:
            current = after
        numbers.append(current)
    return numbers
