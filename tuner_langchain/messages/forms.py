"""What a value is, told by its class. Pure.

Asking a message for an attribute that it does not have, or an abstract class for its instances, costs
microseconds, and callbacks ask of every value they see. So each class is asked once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from langchain_core.messages import BaseMessage, ToolMessage

Form = Literal["text", "list", "mapping", "message", "tool_message", "command", "other"]

_MAX_CLASSES: Final = 1024  # a program may make classes as it goes


class _Forms(dict[type, Form]):
    """The forms of the classes that were seen."""

    def __missing__(self, cls: type) -> Form:
        form = _form_of(cls)
        if len(self) < _MAX_CLASSES:
            self[cls] = form
        return form


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
    return "command" if _declares(cls, "goto") and _declares(cls, "update") else "other"


def _declares(cls: type, name: str) -> bool:
    # Not `hasattr`, which runs what the program may have put there.
    return any(name in base.__dict__ for base in cls.__mro__)


FORMS: Final = _Forms()
"""What the instances of a class are: `FORMS[type(value)]`."""
