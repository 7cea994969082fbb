"""Values of every kind that a program may pass, by name, each made anew for a call."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import random
import types
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hostile import objects as hostile
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.types import Command, Send

Maker = Callable[[], Any]


class Colour(enum.Enum):
    RED = "red"


class NoRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class NoRead:
    """Raises for whatever is read of it but its class."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        raise RuntimeError(name)


class NoEqual:
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparing")


class NoItems(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no items")


class Endless:
    """Gives a new attribute of its own kind for whatever is asked."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Endless()


@dataclass
class Booking:
    table: str = "t7"
    at: Any = None


def _cycle() -> Any:
    value: dict[str, Any] = {}
    value["self"] = [value]
    return value


def _deep() -> Any:
    value: Any = "end"
    for _ in range(100):
        value = {"in": [value]}
    return value


# What an encoder reads natively, and dies of or raises at, and what lies about its class or its contents.
CRASHERS: dict[str, Maker] = {
    "released": hostile.released,
    "half made": lambda: hostile.HalfMade("t7"),
    "never made": lambda: object.__new__(hostile.HalfMade),
    "raising field": hostile.Guarded,
    "no uuid": lambda: object.__new__(uuid.UUID),
    "raising enum": lambda: hostile.Colour.RED,
    "enum of object": lambda: hostile.Odd.THING,
    "enum of half made": lambda: hostile.Own.MODEL,
    "no enum": lambda: object.__new__(hostile.Odd),
    "raising zone": lambda: dt.datetime(2026, 1, 1, tzinfo=hostile.Zone()),
    "leaving zone": lambda: dt.datetime(2026, 1, 1, tzinfo=hostile.LeavingZone()),
    "wrong zone": lambda: dt.time(12, tzinfo=hostile.WrongZone()),
    "of a metaclass": hostile.OfMeta,
    "metaclass": lambda: hostile.OfMeta,
    "no class hash": hostile.OfHashless,
    "lying class": hostile.LyingClass,
    "says dict": hostile.SaysDict,
    "says message": hostile.SaysMessage,
    "leaves": hostile.Leaves,
    "cancels": hostile.Cancels,
    "stops": hostile.Stops,
    "dict of its own": lambda: hostile.BadDict(a=1),
    "list of its own": lambda: hostile.BadList([1]),
    "text of its own": lambda: hostile.BadStr("a table"),
    "number of its own": lambda: hostile.BadInt(7),
    "fraction of its own": lambda: hostile.BadFloat(0.5),
    "half a mapping": hostile.HalfMapping,
    "leaving mapping": hostile.LeavingMapping,
    "wrong items": hostile.WrongItems,
    "leaving text": lambda: hostile.BadError("no"),
    "leaving model": hostile.WritingBadly,
    "no model": lambda: hostile.Model.__new__(hostile.Model),
    "unbound": lambda: hostile.Proxy(hostile.unbound),
    "dead proxy": hostile.proxy_of_the_dead,
    "leaving message": lambda: hostile.LeavingMessage("Hello"),
}  # fmt: skip

ODD: dict[str, Maker] = {
    **CRASHERS,
    "none": lambda: None,
    "true": lambda: True,
    "zero": lambda: 0,
    "negative": lambda: -7,
    "huge": lambda: 10**30,
    "digits": lambda: 10**5000,
    "fraction": lambda: 0.5,
    "nan": lambda: float("nan"),
    "infinity": lambda: float("-inf"),
    "decimal": lambda: decimal.Decimal("1.5"),
    "empty text": lambda: "",
    "blank": lambda: " \n",
    "text": lambda: "a table for two",
    "surrogate": lambda: "half \ud83d",
    "control": lambda: "\x00\x1b[31m\u2028",
    "long text": lambda: "word " * 5_000,
    "end_ms": lambda: '"end_ms":999999999999,',
    "secret": lambda: "api_key=abcdef password: hunter2",
    "json": lambda: '{"a": [1, {"token": "x"}]}',
    "bytes": lambda: b"\xff\x00",
    "list": lambda: [1, "two", None],
    "empty list": list,
    "empty object": dict,
    "object": lambda: {"people": 2, "name": "Ada"},
    "odd keys": lambda: {1: "a", None: "b", (1, 2): "c", "\ud800": "d"},
    "set": lambda: {3, "x", None},
    "tuple": lambda: ("a", 1),
    "deque": lambda: collections.deque([1]),
    "proxy": lambda: types.MappingProxyType({"a": 1}),
    "cycle": _cycle,
    "deep": _deep,
    "wide": lambda: list(range(20_000)),
    "uuid": lambda: uuid.UUID(int=7),
    "datetime": lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "naive": lambda: dt.datetime(2026, 1, 1),
    "enum": lambda: Colour.RED,
    "dataclass": lambda: Booking(at={1}),
    "class": lambda: Booking,
    "function": lambda: _deep,
    "generator": lambda: (number for number in range(3)),
    "module": lambda: types,
    "exception": lambda: ValueError("no"),
    "no repr": NoRepr,
    "no read": NoRead,
    "no equal": NoEqual,
    "no items": lambda: NoItems(a=1),
    "endless": Endless,
    "document": lambda: Document("found", metadata={"score": 1}),
    "human": lambda: HumanMessage("Hello there"),
    "human id": lambda: HumanMessage("Hello again", id="h1"),
    "ai": lambda: AIMessage("How many people?", id="a1"),
    "tool message": lambda: ToolMessage("19:30", tool_call_id="c1", name="find_table"),
    "send": lambda: Send("a", {"n": 1}),
    "command": lambda: Command(goto="b", update={"n": 1}),
}

# What may stand for a message among messages.
MESSAGES: dict[str, Maker] = {
    **{name: ODD[name] for name in ("human", "human id", "ai", "tool message", "text", "none", "no read", "object",
        "released", "half made", "says message", "leaving message", "of a metaclass", "dict of its own")},
    "ai tools": lambda: AIMessage("", id="a2", tool_calls=[{"name": "find_table", "args": {"n": 1}, "id": "c1"}]),
    "ai blocks": lambda: AIMessage([{"type": "text", "text": "Right"}, {"type": "image_url"}, "so"]),
    "ai used": lambda: AIMessage(
        "Yes", usage_metadata={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
        response_metadata={"model_name": "m"},
    ),
    "system": lambda: SystemMessage("Be brief"),
    "remove": lambda: RemoveMessage(id="a1"),
    "failed tool": lambda: ToolMessage("no", tool_call_id="c2", status="error"),
    "pair": lambda: ("user", "A pair"),
    "odd pair": lambda: (Colour.RED, 3),
    "mapping": lambda: {"role": "user", "content": "A mapping", "id": "m1"},
    "mapping no id": lambda: {"type": "ai", "content": ["x", 3, {"type": "text", "text": None}]},
    "mapping odd": lambda: {"role": ["user"], "content": {"a": 1}, "id": None},
    "mapping list id": lambda: {"role": "user", "content": "A list for an id", "id": [1]},
}  # fmt: skip


def conversation(rng: random.Random) -> tuple[str, ...]:
    """Return the names of messages, for `made` to make."""
    return tuple(rng.choices(list(MESSAGES), k=rng.randrange(4)))


def made(names: tuple[str, ...]) -> list[Any]:
    return [MESSAGES[name]() for name in names]


def chunk(text: str) -> AIMessageChunk:
    return AIMessageChunk(content=text)
