"""A document that is too large made smaller where it costs the least: the largest values first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from tuner_langchain.values import CUT_WORDS_CHARS, plain, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

# A row's frame is about this long; what is cut says so, so that smaller makes little sense.
LEAST_ROW_BYTES: Final = 600
_LEAST_VALUE_CHARS: Final = 40
_FREE_METADATA: Final = ("input", "output", "events", "interrupt", "llm", "error")
_FREE_TOOL: Final = ("params", "result", "error")


def shrink(rows: Sequence[bytes], room: int) -> tuple[list[bytes], int]:
    """Return the rows, the longest of them shortened to fit into `room` bytes, and how many were.

    No row is left out: when the frames alone are larger than the room, the result is larger too.
    """
    sizes = list(map(len, rows))
    most = max(_level(sizes, room), LEAST_ROW_BYTES)
    shortened, number = list(rows), 0
    for index, size in enumerate(sizes):
        if size > most:
            row = shortened[index] = _shortened(rows[index], most)
            number += len(row) < size
    return shortened, number


def _level(sizes: Sequence[int], room: int) -> int:
    """Return the size to which the largest must come down so that the sum is at most `room`."""
    left = room
    ordered = sorted(sizes)
    for index, size in enumerate(ordered):
        share = left // (len(ordered) - index)
        if size > share:
            return share
        left -= size
    return ordered[-1] if ordered else 0


def _shortened(data: bytes, most: int) -> bytes:
    row = orjson.loads(data)
    values = list(_free_values(row))
    sizes = [len(to_json(holder[name])) for holder, name in values]
    room = most - (len(data) - sum(sizes))
    share = _level(sizes, max(room, 0))
    for (holder, name), size in zip(values, sizes, strict=True):
        if size > share and name == "words":
            del holder[name]  # their text is in the row as well
        elif size > share:
            holder[name] = plain(holder[name], max(share - CUT_WORDS_CHARS, _LEAST_VALUE_CHARS))
    return to_json(row)


def _free_values(row: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return where a row's free values stand: the object and the name."""
    found: list[tuple[dict[str, Any], str]] = [(row, name) for name in ("text", "words") if name in row]
    found += [(row["metadata"], name) for name in _FREE_METADATA if name in row["metadata"]]
    tool = row.get("tool")
    if tool is not None:
        found += [(tool, name) for name in _FREE_TOOL if name in tool]
    return found
