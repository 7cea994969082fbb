"""What an object of some class is in plain terms: found once a class, then looked up.

No code of an object's own runs where it can be helped: no `repr`, no property, no `__getattr__`. Fields are read where
the object holds them; an object that holds none that it declares is named by its class.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import pathlib
import re
import types
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, cast

from tuner_langchain.values.naming import class_name, type_name
from tuner_langchain.values.numbers import whole

_MAX_CLASSES: Final = 2048  # a program may make classes as it runs
# A larger array or number is named by its class and size.
_MAX_ARRAY: Final = 10_000
_MAX_NUMBER_BYTES: Final = 1_000

NOT_SET: Final = "<not set>"
# As `type` itself answers, whatever a metaclass of the program's own would say.
_MRO: Final = cast("property", type.__dict__["__mro__"])


class Fields(NamedTuple):
    """An object's fields or a mapping's items, and how many there are (None: not known)."""

    items: Iterable[tuple[Any, Any]]
    size: int | None


class Items(NamedTuple):
    """The items of a list, a set or an array; those of a set are put into an order that is the same in each run."""

    items: list[Any]
    size: int
    ordered: bool = True


# Opens an object, up to a number of its items: a plain value, or what is to be walked through.
Reader = Callable[[Any, int], Any]


def reader_of(cls: type) -> Reader:
    """Return the function that opens objects of a class."""
    found = _READERS.get(cls)
    if found is None:
        found = _find_reader(cls)
        if len(_READERS) < _MAX_CLASSES:
            _READERS[cls] = found
    return found


def _find_reader(cls: type) -> Reader:
    mro = _MRO.__get__(cls)
    for base in mro:
        if base in _BY_BASE:
            return _BY_BASE[base]
    return next((read for found, read in _BY_MARK if found(mro)), _named)


# --- fields, where the object holds them ---------------------------------------------------------------------


def _stored(value: Any) -> Mapping[str, Any]:
    """Return an object's own dictionary; empty for one that has none, or hides it."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def _slot(value: Any, name: str) -> Any:
    for base in _MRO.__get__(type(value)):
        descriptor = base.__dict__.get(name)
        if type(descriptor) is types.MemberDescriptorType:
            try:
                return descriptor.__get__(value)
            except AttributeError:
                return NOT_SET
    return NOT_SET


def _fields(value: Any, names: Iterable[str]) -> Fields:
    stored = _stored(value)
    found = [(name, stored[name] if name in stored else _slot(value, name)) for name in names]
    return Fields(found, len(found))


def _dataclass(value: Any, _: int) -> Fields:
    return _fields(value, list(type(value).__dataclass_fields__))


def _attrs(value: Any, _: int) -> Fields:
    return _fields(value, [field.name for field in type(value).__attrs_attrs__])


def _model(value: Any, _: int) -> Fields:
    """Return a pydantic model's fields; those that the model itself leaves out of its dumps are left out.

    A model that writes its fields in a way of its own is asked: that way may be there to keep something back.
    """
    cls = type(value)
    declared = (
        getattr(cls, "__pydantic_fields__", None) or cls.model_fields
    )  # the second before pydantic 2.10
    if _writes_itself(cls, declared):
        dumped = value.model_dump()
        return Fields(dumped.items(), len(dumped))
    found = _fields(value, [name for name, field in declared.items() if not field.exclude])
    extra = _slot(value, "__pydantic_extra__")
    pairs = [*found.items, *(extra.items() if type(extra) is dict else ())]
    return Fields(pairs, len(pairs))


def _writes_itself(cls: Any, declared: Mapping[str, Any]) -> bool:
    decorators = cls.__pydantic_decorators__
    if decorators.field_serializers or decorators.model_serializers:
        return True
    return any("Serializer" in type(note).__name__ for field in declared.values() for note in field.metadata)


# --- containers ----------------------------------------------------------------------------------------------


def _dict(value: Any, most: int) -> Fields:
    return Fields(list(islice(dict.items(value), most)), dict.__len__(value))


def _mapping(value: Any, most: int) -> Fields:
    # A mapping of the program's own: its items are made as they are asked for, and may have no end.
    return Fields(islice(iter(value.items()), most), _length(value))


def _length(value: Any) -> int | None:
    try:
        found = len(value)
    except Exception:  # noqa: BLE001 - a program's own class may raise anything; the number is not known then
        return None
    return found


def _list(value: Any, most: int) -> Items:
    return Items(list.__getitem__(value, slice(most)), list.__len__(value))


def _tuple(value: Any, most: int) -> Items:
    return Items(list(tuple.__getitem__(value, slice(most))), tuple.__len__(value))


def _set(value: Any, most: int) -> Items:
    base: Any = set if issubclass(type(value), set) else frozenset
    return Items(list(islice(base.__iter__(value), most)), base.__len__(value), ordered=False)


def _sized(value: Any, most: int) -> Items:
    return Items(list(islice(value, most)), len(value))


def _array(value: Any, _: int) -> Any:
    """Return a numpy array's numbers, or its shape where they are many or not numbers."""
    if value.ndim and value.size <= _MAX_ARRAY and value.dtype.kind in "biuf":
        return Items(value.tolist(), len(value))
    return f"<{class_name(type(value))} {value.dtype!s} {value.shape!r}>"


def _scalar(value: Any, _: int) -> Any:
    """Return a numpy scalar as Python's own."""
    item = value.item()
    return type_name(value) if type(item) is type(value) else item


# --- scalars -------------------------------------------------------------------------------------------------


def _int(value: Any, _: int) -> int:
    return int.__int__(value)


def _float(value: Any, _: int) -> float:
    return float.__float__(value)


def _enum(value: Any, _: int) -> Any:
    return object.__getattribute__(value, "_value_")


def _bytes(value: Any, _: int) -> str:
    base: Any = bytes if issubclass(type(value), bytes) else bytearray
    return f"<{value.nbytes if type(value) is memoryview else base.__len__(value):,} bytes>"


def _moment(value: Any, _: int) -> str:
    try:
        found = value.isoformat()
    except Exception:  # noqa: BLE001 - a time zone of the program's own; the moment without it is still known
        if not issubclass(type(value), dt.datetime):
            return type_name(value)
        found = dt.datetime.isoformat(dt.datetime.replace(value, tzinfo=None))
    return found if type(found) is str else type_name(value)


def _duration(value: Any, _: int) -> str:
    return dt.timedelta.__str__(value)


def _uuid(value: Any, _: int) -> str:
    return uuid.UUID.__str__(value)


def _decimal(value: Any, _: int) -> str:
    return str(value) if decimal.Decimal.__sizeof__(value) <= _MAX_NUMBER_BYTES else type_name(value)


def _fraction(value: Any, _: int) -> str:
    return f"{whole(value.numerator)}/{whole(value.denominator)}"


def _pattern(value: Any, _: int) -> str:
    return value.pattern if type(value.pattern) is str else type_name(value)


def _class(value: Any, _: int) -> str:
    return f"<class {class_name(value)}>"


def _as_written(value: Any, _: int) -> str:
    return str(value)


def _named(value: Any, _: int) -> str:
    return type_name(value)


# Objects of these classes, and of classes made from them.
_BY_BASE: Final[dict[type, Reader]] = {
    enum.Enum: _enum,  # before what it is made with: text, numbers
    int: _int,
    float: _float,
    dict: _dict,
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    deque: _sized,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    dt.date: _moment,
    dt.time: _moment,
    dt.timedelta: _duration,
    uuid.UUID: _uuid,
    type: _class,
}
# Objects of exactly these classes: what they write of themselves is short.
_EXACT: Final[dict[type, Reader]] = {
    decimal.Decimal: _decimal,
    fractions.Fraction: _fraction,
    re.Pattern: _pattern,
    **dict.fromkeys((type({}.keys()), type({}.values()), type({}.items())), _sized),
    **dict.fromkeys(
        (
            complex, range, slice, type(...), pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath,
            pathlib.PureWindowsPath, ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network,
            ipaddress.IPv6Network, ipaddress.IPv4Interface, ipaddress.IPv6Interface,
        ),
        _as_written,
    ),
}  # fmt: skip
# Classes that other libraries and the program make, told by what they declare.
_BY_MARK: Final[tuple[tuple[Callable[[tuple[type, ...]], bool], Reader], ...]] = (
    (lambda mro: _declares(mro, "__pydantic_decorators__"), _model),
    (lambda mro: _declares(mro, "__dataclass_fields__"), _dataclass),
    (lambda mro: _declares(mro, "__attrs_attrs__"), _attrs),
    (lambda mro: _is_numpys(mro[:1], "ndarray"), _array),
    (lambda mro: _is_numpys(mro, "generic"), _scalar),
    (lambda mro: issubclass(mro[0], Mapping), _mapping),
)
_READERS: Final[dict[type, Reader]] = dict(_EXACT)


def _declares(mro: tuple[type, ...], mark: str) -> bool:
    return any(mark in base.__dict__ for base in mro)


def _is_numpys(mro: tuple[type, ...], name: str) -> bool:
    return any(base.__dict__.get("__module__") == "numpy" and class_name(base) == name for base in mro)
