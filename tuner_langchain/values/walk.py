"""Any value copied into plain JSON data, within a number of characters.

The walk ends when the characters are spent, so it costs what is kept and not what the value holds. What is left out
is reported in its place. An object that raises, or that another thread changes meanwhile, costs itself only.

`room` is what is left of the characters. They are counted as in JSON and never as more, so that what fits is
never cut. `around` is the chain of containers that the walk is in. The agent waits while its values are copied:
text and numbers are taken where they stand in their container, without a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import Any, Final

import orjson

from tuner_langchain.values.guard import passes_through
from tuner_langchain.values.kinds import Fields, Items, reader_of
from tuner_langchain.values.naming import type_name
from tuner_langchain.values.numbers import whole
from tuner_langchain.values.strings import CUT_WORDS_CHARS, cut_text, cut_words, text

MAX_DEPTH: Final = 32
MAX_KEY_CHARS: Final = 1_000
# Whole numbers of so many bits are written as they are.
_INT_BITS: Final = 63

Copied = tuple[Any, int]
Chain = tuple[Any, Any] | None


def copy(value: Any, room: int) -> Any:
    """Return a value as plain JSON data of about `room` characters, ready for the encoder.

    Lone surrogates stay in texts that were not cut; one that was cut is ready-made JSON.
    """
    if type(value) is dict:
        return _dict(value, room, 0, None)[0]
    return _copy(value, room, 0, None)[0]


def _copy(value: Any, room: int, depth: int, around: Chain) -> Copied:
    kind = type(value)
    if kind is str:
        return _text(value, room)
    if kind is dict:
        return _dict(value, room, depth, around)
    if kind is list or kind is tuple:
        return _list(value, room, depth, around)
    if kind is int:
        number = value if value.bit_length() <= _INT_BITS else whole(value)
        return number, room - len(str(number)) - 1
    if value is None or kind is bool or kind is float:
        return value, room - (len(repr(value)) if kind is float else 4) - 1
    return _object(value, kind, room, depth, around)


def _text(value: str, room: int) -> Copied:
    length = str.__len__(value)
    if length <= room:
        return str.__str__(value), room - length - 3
    # Cut before it is looked at: what is cut off costs nothing. The words behind it are joined as bytes, for in a
    # Python string their one wide character would widen all the others.
    kept = orjson.dumps(text(str.__getitem__(value, slice(max(room, 0)))))
    return orjson.Fragment(kept[:-1] + cut_words(length).encode() + b'"'), room - len(kept) - CUT_WORDS_CHARS


def _most(room: int) -> int:
    """Return how many items there may be room for: the shortest has one character and a comma."""
    return max(room // 2 + 1, 1)


def _closed(value: Any, depth: int, around: Chain) -> str | None:
    """Return what stands for a container that is not entered, None for any other."""
    while around is not None:
        if around[0] is value:
            return "<cycle>"
        around = around[1]
    return "<nested too deep>" if depth >= MAX_DEPTH else None


# --- Python's own containers ---------------------------------------------------------------------------------


def _list(value: Any, room: int, depth: int, around: Chain) -> Copied:
    if around is not None and (closed := _closed(value, depth, around)) is not None:
        return _text(closed, room)
    count = len(value)
    kept = list(value) if 2 * count <= room else list(value[: _most(room)])
    return _copy_items(kept, count, room - 1, depth + 1, (value, around))


def _copy_items(kept: list[Any], count: int, room: int, depth: int, around: Chain) -> Copied:
    """Put copies in the place of the items of a list of ours, as far as there is room."""
    for place, item in enumerate(kept):
        if room <= 0:
            del kept[place:]
            break
        kind = type(item)
        if kind is str and len(item) <= room:
            room -= len(item) + 3
        elif kind is int and (bits := item.bit_length()) <= _INT_BITS:
            room -= (bits * 3 // 10 or 1) + 1
        else:
            kept[place], room = _copy(item, room, depth, around)
    if len(kept) < count:
        kept.append(f"[cut: {count - len(kept):,} of {count:,} items left out]")
    return kept, room


def _dict(value: dict[Any, Any], room: int, depth: int, around: Chain) -> Copied:
    if around is not None and (closed := _closed(value, depth, around)) is not None:
        return _text(closed, room)
    count = len(value)
    kept = value.copy() if 2 * count <= room else dict(islice(value.items(), _most(room)))
    room -= 1
    for key, item in kept.items():
        left = -1
        if type(key) is str:
            kind = type(item)
            if kind is str:
                left = room - len(key) - len(item) - 6
            elif kind is int and (bits := item.bit_length()) <= _INT_BITS:
                left = room - len(key) - (bits * 3 // 10 or 1) - 4
            elif item is None or kind is bool:
                left = room - len(key) - 8
            elif room > len(key) + 3:
                kept[key], room = _copy(item, room - len(key) - 3, depth + 1, (value, around))
                continue
        if left < 0:
            return _rest_of_dict(kept, key, count=count, room=room, depth=depth + 1, around=(value, around))
        room = left
    return kept, room


def _rest_of_dict(
    copied: dict[Any, Any], first: Any, *, count: int, room: int, depth: int, around: Chain
) -> Copied:
    """Go on from a key that is to be looked at, or where there is no more room."""
    items = iter(copied.items())
    kept: dict[str, Any] = {}
    for key, item in items:
        if key is first:
            return _copy_fields(
                kept, chain([(key, item)], items), count=count, room=room, depth=depth, around=around
            )
        kept[key] = item
    return kept, room


def _copy_fields(
    kept: dict[str, Any],
    items: Iterable[tuple[Any, Any]],
    *,
    count: int | None,
    room: int,
    depth: int,
    around: Chain,
) -> Copied:
    """Add copies of fields to those that there are, as far as there is room."""
    for key, item in items:
        if room <= 0:
            break
        name = key_text(key)
        if name in kept:
            name = f"{name} ({len(kept)})"  # two keys that are written alike
        kept[name], room = _copy(item, room - len(name) - 3, depth, around)
    if count is None:
        if room <= 0:
            kept["…"] = "[cut: more fields may have been left out]"
    elif len(kept) < count:
        kept["…"] = f"[cut: {count - len(kept):,} of {count:,} fields left out]"
    return kept, room


# --- objects -------------------------------------------------------------------------------------------------


def _object(value: Any, kind: type, room: int, depth: int, around: Chain) -> Copied:
    """Copy an object by what its class says of it; whatever its own code raises costs the object only."""
    try:
        if issubclass(kind, str):
            return _text(value, room)
        opened = reader_of(kind)(value, _most(room))
        if type(opened) is Fields or type(opened) is Items:
            return _opened(value, opened, room, depth, around)
        if depth >= MAX_DEPTH:  # the value of an enum's member may be another's member
            return _text("<nested too deep>", room)
        return _copy(opened, room, depth + 1, around)
    except BaseException as error:
        if passes_through(error):
            raise
        return _text(name_of(value), room)


def _opened(value: Any, opened: Fields | Items, room: int, depth: int, around: Chain) -> Copied:
    closed = _closed(value, depth, around)
    if closed is not None:
        return _text(closed, room)
    inside = (value, around)
    if isinstance(opened, Fields):
        return _copy_fields(
            {}, opened.items, count=opened.size, room=room - 1, depth=depth + 1, around=inside
        )
    if opened.ordered:
        return _copy_items(opened.items, opened.size, room - 1, depth + 1, inside)
    # What is left out is reported behind the rest.
    found, room = _copy_items(opened.items, 0, room - 1, depth + 1, inside)
    found.sort(key=orjson.dumps)
    if len(found) < opened.size:
        missing = opened.size - len(found)
        found.append(f"[cut: {missing:,} of {opened.size:,} items left out]")
    return found, room


def key_text(key: Any) -> str:
    """Return a mapping's key as text: that of a plain value, else the name of its class."""
    if type(key) is str:
        return cut_text(key, MAX_KEY_CHARS)
    if type(key) is tuple:
        return cut_text(f"({', '.join(map(key_text, key[:8]))})", MAX_KEY_CHARS)
    found = copy(key, MAX_KEY_CHARS)
    return name_of(key) if type(found) in (dict, list, orjson.Fragment) else str(found)


def name_of(value: object) -> str:
    """Return the name of a value's class, also of a class that is half made."""
    try:
        return type_name(value)
    except Exception:  # noqa: BLE001 - a class of the program's own
        return "<object>"
