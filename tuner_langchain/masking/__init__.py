"""What looks like a secret, and its place taken by a mask. Pure.

`table` lists what is masked. `names` decides for a name, `text` finds names, addresses and keys inside a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tuner_langchain.masking.names import is_secret_name, may_hold_secrets, secret_kind
from tuner_langchain.masking.table import MASK, NAME_KEYS, VALUE_KEYS

_USER_FLAGS: Final = frozenset({"-u", "--user", "--proxy-user"})

__all__ = ["MASK", "is_secret_name", "mask", "mask_text", "may_hold_secrets", "unused_key"]


def mask(value: Any) -> Any:
    """Return plain JSON data with its secrets masked; null, true, false and "" are no secrets."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list):
        return _list(value)
    return value


def mask_text(text: str) -> str:
    """Return text with what stands under a secret's name, and what has the shape of a key, masked."""
    if not may_hold_secrets(text.encode(errors="replace")):
        return text
    from tuner_langchain.masking.text import masked_text  # noqa: PLC0415 - most calls hold no such text

    return masked_text(text)


def unused_key(key: str, taken: Mapping[str, Any]) -> str:
    """Return a key that is free: two keys that are masked to the same word stay two."""
    free, number = key, len(taken) + 1
    while free in taken:
        free, number = f"{key} {number}", number + 1
    return free


def _object(fields: Mapping[str, Any]) -> dict[str, Any]:
    named = any(
        key in NAME_KEYS and isinstance(item, str) and is_secret_name(item) for key, item in fields.items()
    )
    shown: dict[str, Any] = {}
    for key, item in fields.items():
        kind = "whole" if named and key in VALUE_KEYS else secret_kind(key)
        shown[unused_key(mask_text(key), shown)] = _under(item, kind)
    return shown


def _list(items: list[Any]) -> list[Any]:
    """Mask the items, also a value that follows its name: a pair, or a flag of a command line."""
    return [_after(before, item, len(items)) for before, item in zip([None, *items], items, strict=False)]


def _after(before: Any, item: Any, size: int) -> Any:
    if not isinstance(before, str):
        return mask(item)
    if (size == 2 or before.startswith("-")) and is_secret_name(before):
        return _masked(item)
    if before in _USER_FLAGS and isinstance(item, str) and ":" in item:
        return f"{item.partition(':')[0]}:{MASK}"
    return mask(item)


def _under(value: Any, kind: str | None) -> Any:
    if kind is None:
        return mask(value)
    return _masked(value) if kind == "whole" else _masked_texts(value)


def _masked(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) or value == "" else MASK


def _masked_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked_texts(item) for item in value]
    return _masked(value) if isinstance(value, str) and not value.isdecimal() else mask(value)
