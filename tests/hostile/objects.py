"""Classes and functions that hostile values are made of."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import enum
import itertools
import sys
import tempfile
import threading
import time
import weakref
from collections import (
    namedtuple,
)
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    SecretStr,
    computed_field,
    field_serializer,
)

SAID = "CALLERWORD"  # what an exception's text would give away
ASKED: list[str] = []  # objects whose own code was asked for a text


class Ends(SystemExit):
    """What ends a program when nobody stops it."""


# --- half made ----------------------------------------------------------------------------------------------


@dataclasses.dataclass(slots=True)
class HalfMade:
    table: str
    number: str = dataclasses.field(init=False)


@dataclasses.dataclass
class Guarded:
    table: str = "t7"

    def __getattribute__(self, name: str) -> Any:
        if name == "table":
            raise RuntimeError(SAID)
        return super().__getattribute__(name)


@dataclasses.dataclass
class Described:
    @property
    def table(self) -> str:  # type: ignore[override]
        raise RuntimeError(SAID)

    @table.setter
    def table(self, value: str) -> None:
        """Take nothing."""

    table: str = "t7"  # type: ignore[no-redef]


class Slots:
    __slots__ = ("never_set",)


class NoDict:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError(SAID)


class Colour(enum.Enum):
    RED = "red"

    @property
    def value(self) -> Any:  # type: ignore[override]
        raise RuntimeError(SAID)


class Odd(enum.Enum):
    THING = object()


class Own(enum.Enum):
    MODEL = HalfMade("t7")


class Weight(enum.IntFlag):
    A = 1
    B = 2


class Zone(dt.tzinfo):
    def utcoffset(self, when: Any) -> Any:
        raise RuntimeError(SAID)


class LeavingZone(dt.tzinfo):
    def utcoffset(self, when: Any) -> Any:
        raise Ends(SAID)


class WrongZone(dt.tzinfo):
    def utcoffset(self, when: Any) -> Any:
        return "an hour"


# --- code that raises, ends or waits --------------------------------------------------------------------------


class Raises:
    """Raises whatever is asked of it."""

    error: type[BaseException] = RuntimeError

    def __getattr__(self, name: str) -> Any:
        raise self.error(SAID)

    def __repr__(self) -> str:
        ASKED.append(type(self).__name__)
        raise self.error(SAID)

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise self.error(SAID)

    def __hash__(self) -> int:
        raise self.error(SAID)

    def __bool__(self) -> bool:
        raise self.error(SAID)

    def __iter__(self) -> Any:
        raise self.error(SAID)

    def __len__(self) -> int:
        raise self.error(SAID)

    def __getitem__(self, key: Any) -> Any:
        raise self.error(SAID)

    def __int__(self) -> int:
        raise self.error(SAID)

    def __float__(self) -> float:
        raise self.error(SAID)

    def __index__(self) -> int:
        raise self.error(SAID)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise self.error(SAID)


class Leaves(Raises):
    error = Ends


class Cancels(Raises):
    error = asyncio.CancelledError


class Stops(Raises):
    error = StopIteration


class Exhausts(Raises):
    error = MemoryError


class Recurses(Raises):
    error = RecursionError


class Slow:
    def __repr__(self) -> str:
        ASKED.append("Slow")
        time.sleep(0.2)
        return "slow"

    __str__ = __repr__


class LyingRepr:
    def __repr__(self) -> Any:
        ASKED.append("LyingRepr")
        return 7


class LyingClass:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise RuntimeError(SAID)


class SaysDict:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return dict


class SaysMessage:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return AIMessage


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__mro__", "__dataclass_fields__"):
            raise RuntimeError(SAID)
        return super().__getattribute__(name)

    def __instancecheck__(cls, instance: Any) -> bool:
        raise RuntimeError(SAID)

    def __subclasscheck__(cls, other: Any) -> bool:
        raise RuntimeError(SAID)

    def __repr__(cls) -> str:
        raise RuntimeError(SAID)


class OfMeta(metaclass=Meta):
    pass


class HashlessMeta(type):
    def __hash__(cls) -> int:
        raise RuntimeError(SAID)


class OfHashless(metaclass=HashlessMeta):
    pass


class BadMapping(Mapping[str, Any]):
    error: type[BaseException] = RuntimeError

    def __getitem__(self, key: str) -> Any:
        raise self.error(SAID)

    def __iter__(self) -> Any:
        raise self.error(SAID)

    def __len__(self) -> int:
        raise self.error(SAID)


class LeavingMapping(BadMapping):
    error = Ends


class HalfMapping(BadMapping):
    """Raises in the middle of its items."""

    def __iter__(self) -> Iterator[str]:
        yield "first"
        raise RuntimeError(SAID)

    def __getitem__(self, key: str) -> Any:
        return key

    def __len__(self) -> int:
        return 2


class EndlessMapping(BadMapping):
    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __getitem__(self, key: str) -> Any:
        return key

    def __len__(self) -> int:
        return sys.maxsize


class WrongItems(BadMapping):
    def items(self) -> Any:
        return [1, 2, 3]


class BadDict(dict[str, Any]):
    def _raise(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(SAID)

    get = items = keys = values = __iter__ = __len__ = __getitem__ = copy = _raise


class BadList(list[Any]):
    def _raise(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(SAID)

    __iter__ = __reversed__ = __getitem__ = __len__ = _raise


class BadStr(str):
    __slots__ = ()

    def _raise(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(SAID)

    __str__ = __repr__ = __len__ = __iter__ = __getitem__ = encode = strip = lower = startswith = isascii = (
        _raise
    )


class BadInt(int):
    def _raise(self, *args: Any) -> Any:
        raise RuntimeError(SAID)

    __int__ = __index__ = __repr__ = __str__ = __lt__ = __le__ = __gt__ = __ge__ = bit_length = _raise


class BadFloat(float):
    def _raise(self, *args: Any) -> Any:
        raise RuntimeError(SAID)

    __float__ = __repr__ = __str__ = __lt__ = __le__ = __gt__ = __ge__ = _raise


class BadBytes(bytes):
    def __len__(self) -> int:
        raise RuntimeError(SAID)


class BadSet(set[Any]):
    def __iter__(self) -> Any:
        raise RuntimeError(SAID)


class BadError(Exception):
    def __str__(self) -> str:
        raise Ends(SAID)

    __repr__ = __str__


class BadMessage(AIMessage):
    def __getattribute__(self, name: str) -> Any:
        if name in ("content", "text", "usage_metadata", "response_metadata", "id", "tool_calls"):
            raise RuntimeError(SAID)
        return super().__getattribute__(name)


class LeavingMessage(AIMessage):
    def __getattribute__(self, name: str) -> Any:
        if name in ("content", "text", "usage_metadata", "id"):
            raise Ends(SAID)
        return super().__getattribute__(name)


class Descriptor:
    def __get__(self, instance: Any, owner: Any) -> Any:
        raise Ends(SAID)


class WithDescriptors:
    goto = update = model_dump = content = type = Descriptor()


# --- proxies ------------------------------------------------------------------------------------------------


class Proxy:
    """What lazy objects of web frameworks do: everything is asked of another object, made when it is needed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        object.__setattr__(self, "_make", make)

    def __getattribute__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_make")(), name)

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return object.__getattribute__(self, "_make")().__class__


def unbound() -> Any:
    raise RuntimeError(f"{SAID}: working outside of request context")


# --- pydantic -----------------------------------------------------------------------------------------------


class Model(BaseModel):
    name: str = "Ada"
    key: SecretStr = SecretStr(SAID)
    hidden: str = Field(default=SAID, exclude=True)
    _private: str = PrivateAttr(default=SAID)


class Writing(BaseModel):
    card: str = SAID

    @field_serializer("card")
    def mask(self, value: str) -> str:
        return "****"


class WritingBadly(BaseModel):
    card: str = "4111"

    @field_serializer("card")
    def mask(self, value: str) -> str:
        raise Ends(SAID)


class Computing(BaseModel):
    name: str = "Ada"

    @computed_field
    def worth(self) -> int:
        raise RuntimeError(SAID)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)


class Numbers(RootModel[list[int]]):
    pass


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - the untyped kind
Wide = dataclasses.make_dataclass("Wide", [(f"f{n}", int, n) for n in range(2_000)])


def released() -> memoryview:
    view = memoryview(b"frame")
    view.release()
    return view


def closed_file() -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed here
    file.close()
    return file


def dead_reference() -> Any:
    class Gone:
        pass

    return weakref.ref(Gone())


def proxy_of_the_dead() -> Any:
    class Gone:
        pass

    return weakref.proxy(Gone())


def deep(wrap: Callable[[Any], Any], levels: int = 3_000) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = wrap(value)
    return value


def cycle_of_lists() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def cycle_of_objects() -> Any:
    value = Open()
    value.me = value  # type: ignore[attr-defined]
    return value


def generator() -> Iterator[int]:
    yield from itertools.count()


def running(change: Callable[[Any, int], None], value: Any) -> Any:
    """Return a value that another thread changes without a pause, for two seconds."""

    def work() -> None:
        until = time.monotonic() + 2
        for number in itertools.count():
            with contextlib.suppress(RuntimeError, KeyError, IndexError):
                change(value, number)
            if time.monotonic() > until:
                return

    threading.Thread(target=work, daemon=True).start()
    return value


def grow_and_shrink(value: dict[Any, Any], number: int) -> None:
    value[f"k{number % 997}"] = HalfMade("x") if number % 3 else Colour.RED
    value.pop(f"k{(number - 500) % 997}", None)


def fill_and_empty(value: list[Any], number: int) -> None:
    value.append({"n": number, "when": dt.datetime.now(tz=dt.UTC)})
    if len(value) > 500:
        value.clear()
