"""A node's input or update without the conversation in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage

from tuner_langchain.values import tolerant


@tolerant("<unreadable state>")
def without_history(value: Any, key: str) -> Any:
    """Return a node's state or update without its messages; what is no state is returned as it is."""
    if isinstance(value, list | tuple):
        return [without_history(item, key) for item in value if not isinstance(item, BaseMessage)]
    if hasattr(value, "goto") and hasattr(value, "update"):  # a command
        return without_history(value.update, key)
    fields = _fields(value)
    if fields is None:
        return None if isinstance(value, BaseMessage) else value
    return {name: item for name, item in fields.items() if name != key and not _is_history(item)}


def _fields(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if hasattr(value, "model_fields_set"):  # a pydantic model
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    return None


def _is_history(value: Any) -> bool:
    return isinstance(value, BaseMessage) or (
        isinstance(value, list | tuple) and len(value) > 0 and isinstance(value[0], BaseMessage)
    )
