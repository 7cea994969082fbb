"""Hostile values, each made anew by a function: `VALUES[name]()`.

Kinds: half-made objects, code that raises or ends the program, proxies, endless and huge things, numbers and text that
JSON has no form for, classes that lie, things that other threads change, and objects of well-known libraries.
"""

from __future__ import annotations

import array
import asyncio
import ctypes
import datetime as dt
import decimal
import fractions
import functools
import io
import ipaddress
import itertools
import pathlib
import queue
import re
import socket
import sys
import threading
import types
import uuid
from collections import (
    ChainMap,
    Counter,
    OrderedDict,
    UserDict,
    UserList,
    UserString,
    defaultdict,
    deque,
)
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import orjson
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.types import Command, Interrupt, Send

from hostile import libraries
from hostile.objects import (
    SAID,
    BadBytes,
    BadDict,
    BadError,
    BadFloat,
    BadInt,
    BadList,
    BadMapping,
    BadMessage,
    BadSet,
    BadStr,
    Cancels,
    Colour,
    Computing,
    Described,
    EndlessMapping,
    Exhausts,
    Guarded,
    HalfMade,
    HalfMapping,
    Leaves,
    LeavingMapping,
    LeavingMessage,
    LeavingZone,
    LyingClass,
    LyingRepr,
    Model,
    NoDict,
    Numbers,
    Odd,
    OfHashless,
    OfMeta,
    Open,
    Own,
    Pair,
    Proxy,
    Raises,
    Recurses,
    SaysDict,
    SaysMessage,
    Slots,
    Slow,
    Stops,
    Weight,
    Wide,
    WithDescriptors,
    Writing,
    WritingBadly,
    WrongItems,
    WrongZone,
    Zone,
    closed_file,
    cycle_of_lists,
    cycle_of_objects,
    dead_reference,
    deep,
    fill_and_empty,
    generator,
    grow_and_shrink,
    proxy_of_the_dead,
    released,
    running,
    unbound,
)

VALUES: dict[str, Callable[[], Any]] = {
    # half made
    "dataclass with an unset slot": lambda: HalfMade("t7"),
    "dataclass never initialised": lambda: object.__new__(HalfMade),
    "dataclass that raises": Guarded,
    "dataclass with a raising property": Described,
    "dataclass of 2,000 fields": Wide,
    "dataclass inside itself": lambda: HalfMade(HalfMade(HalfMade("x"))),
    "slots never set": Slots,
    "object that hides its dictionary": NoDict,
    "uuid never initialised": lambda: object.__new__(uuid.UUID),
    "enum never initialised": lambda: object.__new__(Odd),
    "enum with a raising value": lambda: Colour.RED,
    "enum of an object": lambda: Odd.THING,
    "enum of a half-made object": lambda: Own.MODEL,
    "enum class": lambda: Colour,
    "flag of several": lambda: Weight.A | Weight.B,
    "pydantic model never initialised": lambda: Model.__new__(Model),
    "pydantic model constructed with anything": lambda: Model.model_construct(name=Raises(), extra=1),
    "message constructed with anything": lambda: AIMessage.model_construct(
        content=Raises(), id=[1], type="ai"
    ),
    # moments
    "datetime with a raising zone": lambda: dt.datetime(2026, 1, 1, tzinfo=Zone()),
    "datetime with a zone that ends the program": lambda: dt.datetime(2026, 1, 1, tzinfo=LeavingZone()),
    "datetime with an abstract zone": lambda: dt.datetime(2026, 1, 1, tzinfo=dt.tzinfo()),  # type: ignore[abstract]
    "datetime with a wrong zone": lambda: dt.datetime(2026, 1, 1, tzinfo=WrongZone()),
    "time with a raising zone": lambda: dt.time(12, tzinfo=Zone()),
    "first and last moment": lambda: [dt.datetime.min, dt.datetime.max, dt.date.min, dt.timedelta.max],
    # code that raises
    "raises": Raises,
    "ends the program": Leaves,
    "cancels": Cancels,
    "stops an iteration": Stops,
    "has no memory": Exhausts,
    "recurses": Recurses,
    "slow repr": Slow,
    "lying repr": LyingRepr,
    "five slow objects": lambda: [Slow() for _ in range(5)],
    "mapping that raises": BadMapping,
    "mapping that ends the program": LeavingMapping,
    "mapping that raises halfway": HalfMapping,
    "mapping without end": EndlessMapping,
    "mapping with wrong items": WrongItems,
    "dict that raises": lambda: BadDict(a=1, messages=[HumanMessage("Hi")]),
    "list that raises": lambda: BadList([1, 2]),
    "str that raises": lambda: BadStr("mine"),
    "int that raises": lambda: BadInt(7),
    "float that raises": lambda: BadFloat(7.5),
    "bytes that raise": lambda: BadBytes(b"mine"),
    "set that raises": lambda: BadSet({1}),
    "exception that ends the program": BadError,
    "exception": lambda: ValueError(SAID),
    "exception group": lambda: ExceptionGroup("several", [ValueError(1), BadError()]),
    "message that raises": lambda: BadMessage(content="x"),
    "message that ends the program": lambda: LeavingMessage(content="x"),
    "descriptors that end the program": WithDescriptors,
    # classes that lie
    "lying class": LyingClass,
    "says it is a dict": SaysDict,
    "says it is a message": SaysMessage,
    "of a raising metaclass": OfMeta,
    "a raising metaclass' class": lambda: OfMeta,
    "of a metaclass without hash": OfHashless,
    "class with a name of a million characters": type("C" * 1_000_000, (), {}),
    "class": lambda: dict,
    "generic alias": lambda: list[int],
    # proxies and lazy objects
    "proxy of a dict": lambda: Proxy(lambda: {"a": 1}),
    "proxy of a message": lambda: Proxy(lambda: AIMessage("x")),
    "proxy outside of its context": lambda: Proxy(unbound),
    "weak reference": dead_reference,
    "proxy of the dead": proxy_of_the_dead,
    "mapping proxy": lambda: types.MappingProxyType({"a": 1}),
    "mapping proxy of a raising mapping": lambda: types.MappingProxyType(BadMapping()),
    "mock": MagicMock,
    "partial": lambda: functools.partial(print, 1),
    "cached property": lambda: functools.cached_property(lambda self: 1),
    # numbers
    "not a number": lambda: float("nan"),
    "infinity": lambda: [float("inf"), -float("inf")],
    "more than 64 bits": lambda: [2**64, -(2**63) - 1, 2**63],
    "a number of 50,000 digits": lambda: 10**50_000,
    "decimals": lambda: [decimal.Decimal("NaN"), decimal.Decimal("sNaN"), decimal.Decimal("1e999999")],
    "a decimal of 100,000 digits": lambda: decimal.Decimal(10**4000) * decimal.Decimal(10) ** 100_000,
    "fraction": lambda: fractions.Fraction(10**5000, 3),
    "complex": lambda: complex("nan+infj"),
    "boolean keys": lambda: {True: 1, 1.5: 2, None: 3, "None": 4},
    # text
    "lone surrogates": lambda: "a\ud800b\udfff",
    "lone surrogates as keys": lambda: {"\ud800": {"\udead": "\ud800"}},
    "control characters": lambda: "".join(map(chr, range(32))) + "\x7f\x80\x9b\u2028\u202e",
    "NUL": lambda: {"\0": "\0" * 100},
    "emoji and marks": lambda: "👩‍👩‍👧‍👦" * 500 + "e\u0301" * 500,
    "escapes": lambda: '\\"' * 5_000,
    "invalid UTF-8 bytes": lambda: b"\xff\xfe",
    "UserString": lambda: UserString("mine"),
    # containers
    "odd keys": lambda: {
        (1, (2,)): 1,
        frozenset({1}): 2,
        b"k": 3,
        dt.date(2026, 1, 1): 4,
        uuid.UUID(int=1): 5,
    },
    "keys that are written alike": lambda: {1: "a", "1": "b", None: "c", "None": "d"},
    "object keys": lambda: {object(): 1, object(): 2},
    "half-made keys": lambda: {Colour.RED: 1, object.__new__(Slots): 2},
    "a key of a million characters": lambda: {"k" * 1_000_000: 1},
    "cycle of lists": cycle_of_lists,
    "cycle of objects": cycle_of_objects,
    "deep lists": lambda: deep(lambda value: [value]),
    "deep tuples": lambda: deep(lambda value: (value,)),
    "deep dicts": lambda: deep(lambda value: {"in": value}),
    "deep dicts with odd keys": lambda: deep(lambda value: {"a": value, 1: value}, 12),
    "deep mappings": lambda: deep(lambda value: UserDict({"in": value}), 200),
    "named tuple": lambda: Pair(1, Raises()),
    "ordered, default, counted, chained": lambda: [
        OrderedDict(a=1),
        defaultdict(int),
        Counter("ab"),
        ChainMap({}),
    ],
    "UserDict and UserList": lambda: [UserDict({"a": 1}), UserList([1])],
    "deque": lambda: deque([1, Raises()], maxlen=5),
    "sets of odd things": lambda: {frozenset({1, 2}), "a", 1.5, None, (1,)},
    "views": lambda: [{}.keys(), {"a": 1}.items(), {"a": Raises()}.values()],
    "range": lambda: range(10**12),
    "array": lambda: array.array("d", [1.0] * 1000),
    # things that are no data
    "generator": generator,
    "endless iterator": itertools.count,
    "iterator of a list": lambda: iter([1, 2]),
    "zip, map, enumerate": lambda: [zip([1], [2], strict=True), map(str, [1]), enumerate([1])],
    "coroutine function": lambda: asyncio.sleep,
    "function": lambda: lambda: SAID,
    "builtin": lambda: print,
    "bound method": lambda: [].append,
    "module": lambda: sys,
    "frame": sys._getframe,
    "code": lambda: unbound.__code__,
    "lock": threading.Lock,
    "thread": threading.Thread,
    "thread's data": threading.local,
    "queue": queue.Queue,
    "event": asyncio.Event,
    "file": lambda: io.StringIO(SAID),
    "closed file": closed_file,
    "socket": socket.socket,
    "released memoryview": released,
    "memoryview": lambda: memoryview(bytearray(b"frame")),
    "bytearray": lambda: bytearray(b"frame"),
    "ellipsis and friends": lambda: [..., NotImplemented, slice(1, 2), object],
    "pattern": lambda: [re.compile("a+"), re.compile(b"a"), re.match("a", "a")],
    "path": lambda: [pathlib.Path("/tmp/x"), pathlib.PureWindowsPath("c:/x")],
    "address": lambda: [ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8")],
    "ctypes": lambda: [ctypes.c_char_p(None), ctypes.pointer(ctypes.c_int(1))],
    "orjson fragment": lambda: {"ready": orjson.Fragment(b'{"broken": '), "made": orjson.Fragment(b"1")},
    # what LangChain and LangGraph have
    "command": lambda: Command(update={"x": Raises()}, goto=Send("a", Raises())),
    "send": lambda: [Send("talk", {"x": 1}), Send(7, None)],  # type: ignore[arg-type]
    "interrupt": lambda: Interrupt(value=Raises()),
    "documents": lambda: [Document(page_content="x", metadata={"source": Raises()})],
    "messages": lambda: [
        HumanMessage("Hi"),
        ToolMessage("x", tool_call_id="1"),
        {"role": 7, "content": Raises()},
    ],
    "content blocks": lambda: AIMessage(
        [{"type": "text", "text": "x"}, {"type": "image", "data": "x" * 1000}]
    ),
    "content blocks of odd forms": lambda: [{"type": Raises(), "text": 5}, {"text": [1]}, 7, None],
    # pydantic
    "pydantic model": Model,
    "pydantic model that writes itself": Writing,
    "pydantic model that fails to write itself": WritingBadly,
    "pydantic model that computes": Computing,
    "pydantic model with more": lambda: Open(more=Raises()),
    "pydantic root model": lambda: Numbers([1, 2]),
    "pydantic class": lambda: Model,
    # changed by other threads
    "dict in change": lambda: running(grow_and_shrink, {}),
    "list in change": lambda: running(fill_and_empty, []),
    "inner dict in change": lambda: {"outer": {"inner": running(grow_and_shrink, {})}},
    "set in change": lambda: running(
        lambda value, number: value.symmetric_difference_update({number % 50}), set()
    ),
    "deque in change": lambda: running(lambda value, number: value.append(number), deque(maxlen=200)),
    # other libraries
    **libraries.values(),
}

# Their cost is bounded by the cap, not by their size. They go through the doors that do not look at all of a value.
HUGE: dict[str, Callable[[], Any]] = {
    "50 MB of text": lambda: "x" * 50_000_000,
    "50 MB of wide text": lambda: "é" * 25_000_000,
    "ten million numbers": lambda: list(range(10_000_000)),
    "200,000 dictionaries": lambda: [{"id": number, "name": "x"} for number in range(200_000)],
    "a million nothings": lambda: [None] * 1_000_000,
    "50 MB of JSON": lambda: '{"a": "' + "x" * 50_000_000 + '"}',
    "a set of a million": lambda: set(range(1_000_000)),
    "50 MB of bytes": lambda: bytes(50_000_000),
}
