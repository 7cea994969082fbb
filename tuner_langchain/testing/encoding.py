"""Values of a program as JSON: what callbacks are given must mean the same when they are replayed.

Plain data stays as it is. What the handler tells apart by type (messages, commands, exceptions, tuples, ...) becomes
an object with the key "~" that names it. Anything else is kept as its fields, or as short text.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal
from uuid import UUID

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langgraph.types import Command, Send

from tuner_langchain.values import freeze, text, type_name

TAG: Final = "~"
MAX_DEPTH: Final = 40
# What tells messages apart, in whichever form they come, is no text that anybody said.
MARK_KEYS: Final = frozenset({"role", "type", "id", "name", "tool_call_id", "status"})
ROLES: Final = frozenset({"user", "human", "assistant", "ai", "system", "tool", "placeholder"})

Redact = Callable[[str], str]
# What strings are here: a "mark" is never content; an "answer" may be a router's; "text" is what people wrote.
Sort = Literal["mark", "answer", "text"]


class Encoder:
    """Makes values JSON; `redact` sees every text that people or programs wrote, and no mark that runs are told by."""

    def __init__(self, redact: Redact | None = None) -> None:
        self._redact = redact
        self._numbers: dict[int, int] = {}

    def identity(self, value: object) -> int:
        """Return a small number for an object's identity: what is matched by `is` must match in a replay."""
        return self._numbers.setdefault(id(value), len(self._numbers) + 1)

    def value(self, value: Any, sort: Sort = "mark", depth: int = 0) -> Any:
        """Return a value as JSON data."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, enum.Enum):
            told = self.value(value.value, sort, depth)
            return {TAG: "enum", "class": type(value).__name__, "name": value.name, "value": told}
        if isinstance(value, str):
            plain = text(str.__str__(value))
            return self._redact(plain) if sort == "text" and self._redact else plain
        if isinstance(value, int | float):
            return _number(value)
        if depth > MAX_DEPTH:
            return "<nested too deep>"
        known = self._known(value, sort, depth + 1)
        return known if known is not None else self._other(value, sort, depth + 1)

    def _known(self, value: Any, sort: Sort, depth: int) -> Any:  # noqa: PLR0911 - one answer for each type
        """Return a value that the handler tells by its type; None for any other."""
        content: Sort = "mark" if sort == "mark" else "text"
        match value:
            case UUID():
                return {TAG: "uuid", "hex": value.hex}
            case BaseMessage():
                return {TAG: "message", "type": value.type, "data": self._message(value, depth)}
            case Send():
                argument = self.value(value.arg, content, depth)
                return {TAG: "send", "node": value.node, "arg": argument, "is": self.identity(value.arg)}
            case Command():
                goto = self.value(value.goto, "answer", depth)
                told = {
                    name: self.value(getattr(value, name), content, depth) for name in ("update", "resume")
                }
                return {TAG: "command", "graph": self.value(value.graph), "goto": goto, **told}
            case LLMResult():
                batches = [[self._generation(one, depth) for one in batch] for batch in value.generations]
                return {
                    TAG: "result",
                    "generations": batches,
                    "llm_output": self.value(value.llm_output, depth=depth),
                }
            case Document():
                metadata = self.value(value.metadata, content, depth)
                return {
                    TAG: "document",
                    "text": self.value(value.page_content, content),
                    "metadata": metadata,
                }
            case BaseException():
                return self._error(value, depth)
        return None

    def _message(self, message: BaseMessage, depth: int) -> dict[str, Any]:
        content = {"content", "additional_kwargs", "artifact"}
        data = {
            name: self.value(value, "text" if name in content else "mark", depth) for name, value in message
        }
        for name in {"tool_calls", "invalid_tool_calls"} & data.keys():
            data[name] = [
                {
                    key: self.value(part, "text" if key == "args" else "mark", depth)
                    for key, part in call.items()
                }
                for call in getattr(message, name)
            ]
        return data

    def _generation(self, generation: Any, depth: int) -> dict[str, Any]:
        return {
            "text": self.value(generation.text, "text"),
            "message": self.value(getattr(generation, "message", None), "text", depth),
            "info": self.value(generation.generation_info, "mark", depth),
        }

    def _error(self, error: BaseException, depth: int) -> dict[str, Any]:
        kinds = [cls.__name__ for cls in type(error).__mro__]
        # LangGraph's own exceptions carry commands and interrupts; of others the text is all there is to know.
        args = [self.value(arg, "text", depth) for arg in error.args] if "GraphBubbleUp" in kinds else None
        message = self.value("" if args else _message_of(error), "text")
        return {TAG: "error", "kinds": kinds, "message": message, "args": args, "is": self.identity(error)}

    def _other(self, value: Any, sort: Sort, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value, sort, depth)
        if isinstance(value, list):
            return [self.value(item, sort, depth) for item in value]
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            role = len(value) == 2 and isinstance(value[0], str) and value[0] in ROLES
            items = [
                self.value(item, "mark" if role and not at else sort, depth) for at, item in enumerate(value)
            ]
            return {TAG: "tuple", "items": items}
        if isinstance(value, set | frozenset):
            return {
                TAG: "set",
                "items": [self.value(item, sort, depth) for item in _in_order(value)],
            }
        fields = _fields(value)
        if fields is None:
            return self.value(type_name(value), sort)
        return {TAG: "object", "class": type(value).__name__, "fields": self._mapping(fields, sort, depth)}

    def _mapping(self, value: Mapping[Any, Any], sort: Sort, depth: int) -> dict[str, Any]:
        items = [(key, self._member(key, item, sort, depth)) for key, item in list(value.items())]
        if all(isinstance(key, str) and key != TAG for key, _ in items):
            return {text(key): item for key, item in items}
        return {TAG: "dict", "items": [[self.value(key), item] for key, item in items]}

    def _member(self, key: object, item: Any, sort: Sort, depth: int) -> Any:
        content: Sort = "mark" if sort == "mark" or key in MARK_KEYS else "text"
        return self.value(item, content, depth)


_SORT_CHARS: Final = 1_000


def _in_order(items: Iterable[Any]) -> list[Any]:
    """Return the items of a set in an order that is the same in each run, as far as they are plain."""
    return sorted(items, key=lambda item: freeze(item, _SORT_CHARS))


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {TAG: "float", "digits": repr(float(value))}
    # JSON readers differ beyond 64 bits, and Python writes no more than some thousand decimal digits.
    return int(value) if -(2**63) <= value < 2**63 else {TAG: "int", "digits": hex(int(value))}


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a user's exception may refuse to be shown; its type still is
        return ""


def _fields(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of a named tuple, a dataclass or a pydantic model, None for anything else."""
    if isinstance(value, type):
        return None
    if hasattr(value, "_asdict"):
        return dict(value._asdict())
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    return dict(value) if callable(getattr(value, "model_dump", None)) else None
