"""Reading a document that may lack anything: each reader gives a value that is of use, or a plain nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tuner_langchain.values import is_number

SECONDS_BELOW = 10**10  # Tuner reads a smaller timestamp as seconds


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    """Return the value if it is a JSON array, else an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else ()


def number(value: object) -> float | None:
    """Return a number that a clock, a bill or a counter can hold, else None; true and false are no numbers."""
    return value if is_number(value) else None


def whole(value: object) -> int | None:
    """Return a whole number (milliseconds, tokens, a turn), else None."""
    found = number(value)
    return None if found is None else round(found)


def words(value: object) -> str:
    """Return text as it is, nothing for null, and any other value as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else compact(value)


def compact(value: object) -> str:
    """Write a value as JSON on one line."""
    return _json(value)


def spread(value: object) -> str:
    """Write a value as JSON, one member a line."""
    return _json(value, indent=2)


def _json(value: object, indent: int | None = None) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    except RecursionError:  # it could be read, but writing takes more room
        return json.dumps("[nested too deeply to be shown]")


def unsigned(address: str) -> str:
    """Return an address without what may open it: a user's password, and the query, which may be a signature."""
    bare, query, _ = address.partition("?")
    scheme, slashes, rest = bare.partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" + (
        " (its query is left out)" if query else ""
    )


def epoch_ms(value: object) -> int | None:
    """Return a timestamp of the document as milliseconds since 1970, whichever of its two units it is in."""
    found = number(value)
    if found is None:
        return None
    return round(found * 1000) if found < SECONDS_BELOW else round(found)
