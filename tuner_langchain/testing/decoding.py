"""What an `Encoder` wrote, back into the values of a program."""

from __future__ import annotations

import asyncio
import builtins
import enum
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, BaseMessageChunk, messages_from_dict
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, LLMResult
from langgraph.types import Command, Send

from tuner_langchain.langgraph import Branch, Edges
from tuner_langchain.testing.encoding import TAG

if TYPE_CHECKING:
    from collections.abc import Callable


class Decoder:
    """Makes values of what an `Encoder` wrote; what was one object is one object again."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}

    def same(self, number: int, value: Any) -> Any:
        """Return the object that was seen under this number before, as it is now; else this one."""
        known: Any = self._objects.get(number)
        if type(known) is type(value):
            # Both may change after they have passed: graphs fill in messages' ids, and name the parent in commands.
            if isinstance(known, dict):
                known.clear()
                known.update(value)
                return known
            if isinstance(known, BaseException):
                known.args = value.args
                return known
            if known == value:
                return known
        self._objects[number] = value
        return value

    def value(self, data: Any) -> Any:
        """Return the value that JSON data stands for."""
        if isinstance(data, list):
            return [self.value(item) for item in data]
        if not isinstance(data, dict):
            return data
        if TAG not in data:
            return {key: self.value(item) for key, item in data.items()}
        made: Callable[[dict[str, Any]], Any] = getattr(self, f"_{data[TAG]}")
        return made(data)

    def _uuid(self, data: dict[str, Any]) -> UUID:
        return UUID(data["hex"])

    def _int(self, data: dict[str, Any]) -> int:
        return int(data["digits"], 0)

    def _float(self, data: dict[str, Any]) -> float:
        return float(data["digits"])

    def _enum(self, data: dict[str, Any]) -> Any:
        make: Any = enum.Enum
        return make(data["class"], {data["name"]: self.value(data["value"])})[data["name"]]

    def _tuple(self, data: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self.value(item) for item in data["items"])

    def _set(self, data: dict[str, Any]) -> frozenset[Any]:
        return frozenset(self.value(item) for item in data["items"])

    def _dict(self, data: dict[str, Any]) -> dict[Any, Any]:
        return {self.value(key): self.value(item) for key, item in data["items"]}

    def _message(self, data: dict[str, Any]) -> BaseMessage:
        return messages_from_dict([{"type": data["type"], "data": self.value(data["data"])}])[0]

    def _send(self, data: dict[str, Any]) -> Send:
        return Send(data["node"], self.same(data["is"], self.value(data["arg"])))

    def _command(self, data: dict[str, Any]) -> Command[Any]:
        return Command(**{name: self.value(data[name]) for name in ("graph", "goto", "update", "resume")})

    def _result(self, data: dict[str, Any]) -> LLMResult:
        batches = [[self._generation(one) for one in batch] for batch in data["generations"]]
        return LLMResult(generations=batches, llm_output=self.value(data["llm_output"]))

    def _generation(self, data: dict[str, Any]) -> Generation:
        message, info = self.value(data["message"]), self.value(data["info"])
        if message is None:
            return Generation(text=data["text"], generation_info=info)
        if isinstance(message, BaseMessageChunk):
            return ChatGenerationChunk(message=message, generation_info=info)
        return ChatGeneration(message=message, generation_info=info)

    def _document(self, data: dict[str, Any]) -> Document:
        return Document(data["text"], metadata=self.value(data["metadata"]))

    def _error(self, data: dict[str, Any]) -> BaseException:
        args = [data["message"]] if data["args"] is None else self.value(data["args"])
        error: BaseException = self.same(data["is"], error_class(tuple(data["kinds"]))(*args))
        return error

    def _object(self, data: dict[str, Any]) -> Any:
        fields = self.value(data["fields"])
        known = OBJECTS.get(data["class"])
        return known(**fields) if known else SimpleNamespace(**fields)


def _known_error(name: str) -> type[BaseException] | None:
    found = getattr(builtins, name, None) or getattr(asyncio, name, None)
    if not isinstance(found, type) or not issubclass(found, BaseException):
        return None
    return (
        None if issubclass(found, BaseExceptionGroup) else found
    )  # a group cannot be made without its members


# The values the handler tells by their class, beside those with a tag of their own.
OBJECTS: Final[dict[str, Any]] = {"Edges": Edges, "Branch": Branch, "Interrupt": SimpleNamespace}


@cache
def error_class(kinds: tuple[str, ...]) -> type[BaseException]:
    """Return a class with these names in its line of descent; the ones that Python and asyncio have are theirs."""
    known = next((name for name in kinds if _known_error(name)), "BaseException")
    base = _known_error(known) or BaseException
    # A few known ones make their text of several arguments; here it is told already.
    own = kinds[: kinds.index(known) + (base.__str__ is not BaseException.__str__)]
    for name in reversed(own):
        base = type(name, (base,), {"__init__": BaseException.__init__, "__str__": BaseException.__str__})
    return base
