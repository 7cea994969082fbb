"""Any Python value in, strict JSON out, whatever a graph put into its state.

orjson does nearly all of it. What it refuses (lone surrogates, whole numbers beyond 64 bits, sets, bytes, models,
cycles, foreign objects) is cleaned in one careful walk, so that an odd value costs that value and nothing else.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeGuard

import orjson

MAX_DEPTH: Final = 32
MAX_REPR_CHARS: Final = 200
CUT_WORDS_CHARS: Final = 80  # what says that something was cut is shorter than this
LATEST_MS: Final = 253_402_300_800_000  # the end of the year 9999, as Unix time in milliseconds
_INT64: Final = range(-(2**63), 2**64)
_LARGEST: Final = 2**53  # readers of JSON disagree on whole numbers beyond it


def to_json(value: Any) -> bytes:
    """Return `value` as strict JSON in UTF-8; never raises an Exception."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(plain(value))


def plain(value: Any) -> Any:
    """Return `value` as plain JSON data: what JSON cannot say is said as short text in its place."""
    return _plain(value, 0, ())


def freeze(value: Any, max_chars: int) -> bytes:
    """Return `value` as strict JSON of about `max_chars` characters at most; what is cut says so in its place."""
    data = to_json(value)
    return data if len(data) <= max_chars else to_json(cut(orjson.loads(data), max_chars))


def freeze_object(value: Any, max_chars: int) -> bytes:
    """Return `value` as `freeze` does, always as a JSON object: what is none becomes its `value`."""
    if type(value) is not dict:
        return _freeze_as_object(value, max_chars)
    try:
        data = orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return freeze(value, max_chars)
    return data if len(data) <= max_chars else freeze(value, max_chars)


def _freeze_as_object(value: Any, max_chars: int) -> bytes:
    data = freeze(value if isinstance(value, dict) else {"value": value}, max_chars)
    # A dictionary of the program's own class may refuse to be read as one.
    return data if data.startswith(b"{") else b'{"value":' + data + b"}"


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a finite number that every reader of JSON holds alike; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def cut_text(value: str, max_chars: int) -> str:
    """Return the beginning of a text, with its whole length said, when it is longer than `max_chars`."""
    if len(value) <= max_chars:
        return value
    return f"{value[:max_chars]}… [cut: {len(value):,} characters in all]"


def cut(value: Any, max_chars: int) -> Any:
    """Return plain JSON data with long text shortened and the end of long lists and objects left out."""
    return _Cutter(max_chars).cut(value)


class _Cutter:
    """Spends a number of characters on a value, in its order."""

    def __init__(self, room: int) -> None:
        self._room = room

    def cut(self, value: Any) -> Any:
        if isinstance(value, str):
            shown = cut_text(value, max(self._room, 0))
            self._room -= len(shown) + 2
            return shown
        if isinstance(value, dict):
            return self._cut_object(value)
        if isinstance(value, list):
            return self._cut_list(value)
        self._room -= 6
        return value

    def _cut_list(self, items: list[Any]) -> list[Any]:
        kept: list[Any] = []
        for item in items:
            if self._room <= 0:
                kept.append(f"[cut: {len(items) - len(kept):,} of {len(items):,} items left out]")
                break
            kept.append(self.cut(item))
        return kept

    def _cut_object(self, fields: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, item in fields.items():
            if self._room <= 0:
                kept["…"] = f"[cut: {len(fields) - len(kept):,} of {len(fields):,} fields left out]"
                break
            self._room -= len(name) + 4
            kept[name] = self.cut(item)
        return kept


def text(value: str) -> str:
    """Return `value` without lone surrogates, which no UTF-8 document can hold (they become U+FFFD)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def short_repr(value: object) -> str:
    """Return `repr(value)`, cut, and a plain word where the object refuses to be shown."""
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - a user's __repr__ may raise anything; it costs this value only
        return f"<unreadable {type(value).__name__}>"
    return text(shown if len(shown) <= MAX_REPR_CHARS else shown[:MAX_REPR_CHARS] + "…")


def _plain(value: Any, depth: int, above: tuple[int, ...]) -> Any:
    if value is None or value is True or value is False or isinstance(value, orjson.Fragment):
        return value
    if isinstance(value, str):
        return text(str.__str__(value))
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth, above)
    if isinstance(value, int):
        return int(value) if value in _INT64 else _large(int(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if id(value) in above:
        return "<cycle>"
    if depth >= MAX_DEPTH:
        return "<nested too deep>"
    return _container(value, depth + 1, (*above, id(value)))


def _large(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write out thousands of digits
        return f"<a whole number of {value.bit_length()} bits>"


def _container(value: Any, depth: int, above: tuple[int, ...]) -> Any:
    try:
        if isinstance(value, Mapping):
            return {_key(key): _plain(item, depth, above) for key, item in list(value.items())}
        if isinstance(value, list | tuple | set | frozenset):
            return [_plain(item, depth, above) for item in _stable(value)]
        fields = _fields(value)
        if fields is not None:
            return _plain(fields, depth, above)
        return orjson.loads(orjson.dumps(value))
    except Exception:  # noqa: BLE001 - a foreign object's own code may raise anything; it costs this value only
        return short_repr(value)


def _fields(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of a pydantic model or a dataclass, None for anything else."""
    dump: Callable[[], Any] | None = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        dumped = dump()
        return dumped if isinstance(dumped, Mapping) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _stable(value: Iterable[Any]) -> Iterable[Any]:
    # Sets come in the order of their hashes, which differ between runs.
    return sorted(value, key=short_repr) if isinstance(value, set | frozenset) else list(value)


def _key(key: object) -> str:
    return text(key) if isinstance(key, str) else short_repr(key)
