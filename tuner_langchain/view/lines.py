"""Lines of text for a terminal: pieces with a meaning, cut and wrapped by the cells they take."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal, NamedTuple

from tuner_langchain.view.figures import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Meaning = Literal["plain", "dim", "head", "user", "agent", "node", "tool", "model", "error", "slow"]


class Piece(NamedTuple):
    """A piece of a line, and what it means: the terminal may colour it, but the text alone says it too."""

    text: str
    meaning: Meaning = "plain"


Line = list[Piece]


class Glyphs(NamedTuple):
    """The signs a terminal can show."""

    rule: str
    arrow: str
    times: str
    cross: str
    scissors: str
    diamond: str
    ellipsis: str
    bars: dict[str, str]


FULL = Glyphs(
    "─", "→", "\N{MULTIPLICATION SIGN}", "✗", "✂", "◆", "…",
    {"user": "━", "agent": "━", "node": "█", "tool": "▓", "model": "▒"},
)  # fmt: skip
ASCII = Glyphs(
    "-", "->", "x", "x", "//", "*", "...", {"user": "~", "agent": "~", "node": "#", "tool": "=", "model": "-"}
)


def cells(text: str) -> int:
    """Return how many cells a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """Return a text on one line of at most `width` cells; what is cut off leaves an ellipsis."""
    text = printable(text)
    if cells(text) <= width:
        return text
    room, kept = width - cells(ellipsis), []
    for character in text:
        room -= _cells_of(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ellipsis


def pad(text: str, width: int) -> str:
    """Fill a text with spaces up to a width in cells."""
    return text + " " * (width - cells(text))


def wrap(text: str, width: int) -> Iterator[str]:
    """Yield a text in lines of at most `width` cells, broken between words where it can be."""
    line = ""
    for word in _breakable(printable(text).split(), width):
        longer = f"{line} {word}" if line else word
        if line and cells(longer) > width:
            yield line
            longer = word
        line = longer
    yield line


def _breakable(words: Iterable[str], width: int) -> Iterator[str]:
    """Yield words; those longer than a line, and scripts without spaces, in parts that fit one."""
    for word in words:
        begun, taken = 0, 0
        for at, character in enumerate(word):
            size = _cells_of(character)
            if taken + size > width:
                yield word[begun:at]
                begun, taken = at, 0
            taken += size
        yield word[begun:]


def plain(lines: Iterable[Line]) -> str:
    """Return lines as text without any colour."""
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)
