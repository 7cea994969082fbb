"""What a value is, told by its class. Pure.

Asking a message for an attribute that it does not have, or an abstract class for its instances, costs
microseconds, and callbacks ask of every value they see. So each class is asked once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Literal

from langchain_core.messages import BaseMessage, ToolMessage

Form = Literal["text", "list", "mapping", "message", "tool_message", "command", "other"]


def _form_of(cls: type) -> Form:
    if issubclass(cls, str):
        return "text"
    if issubclass(cls, list | tuple):
        return "list"
    if issubclass(cls, Mapping):
        return "mapping"
    if issubclass(cls, BaseMessage):
        return "tool_message" if issubclass(cls, ToolMessage) else "message"
    # By what it has, not by its class: LangGraph's types belong to the `langgraph` module.
    return "command" if hasattr(cls, "goto") and hasattr(cls, "update") else "other"


form_of: Final[Callable[[type], Form]] = lru_cache(maxsize=1024)(_form_of)
"""Return what the instances of a class are: `form_of(type(value))`. Bounded: a program may make classes as it goes."""
