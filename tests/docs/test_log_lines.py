"""The page for troubleshooting shows the lines that the library really logs."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from docs.pages import ROOT
from tuner_langchain import notices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = ROOT / "tuner_langchain"
PAGE = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^(?:WARNING|ERROR|CRITICAL) (.+)$", PAGE, re.MULTILINE)
LEVELS = {"warning", "error", "critical"}


def test_every_line_of_the_handler_is_on_the_page() -> None:
    """A new WARNING or ERROR of the handler's side needs a place where its cause and its remedy are written."""
    lacking = [line for line in _formats() if not any(_is_made_by(shown, line) for shown in SHOWN)]

    assert lacking == []


def test_every_line_on_the_page_is_logged() -> None:
    """A line that is no longer logged, or is worded in another way, does not stay on the page."""
    unknown = [shown for shown in SHOWN if not any(_is_made_by(shown, line) for line in _formats())]

    assert SHOWN
    assert unknown == []


def test_the_table_of_delivery_quotes_what_delivery_logs() -> None:
    """Each quoted line is in delivery's source, up to the ids and numbers in it."""
    table = PAGE.partition("\n## Delivery\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (.+?) \| (?:WARNING|ERROR|CRITICAL) \|", table, re.MULTILINE)
    quotes = [quote for cell in cells for quote in re.findall(r"`([^`]+)`", cell)]
    source = "\n".join(text for path in (PACKAGE / "delivery").glob("*.py") for text in _texts(path))

    assert len(quotes) > len(cells) > 0
    assert [piece for quote in quotes for piece in _fixed(quote) if piece not in source] == []


def _formats() -> list[str]:
    """Return what the modules outside of delivery hand to their logger, and the lines that `notices` keeps."""
    named = [text for name, text in vars(notices).items() if name.isupper() and isinstance(text, str)]
    return [*named, *(line for path in PACKAGE.glob("*.py") for line in _logged(path))]


def _logged(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _is_made_by(shown: str, line: str) -> bool:
    """Say whether a logger could make this line of that format; the page may leave its end out."""
    pattern = re.escape(line).replace("%s", "(.+?)").replace("%d", r"(\d+)")
    if not shown.endswith(" ..."):
        return re.fullmatch(pattern, shown) is not None
    sentences = re.escape(line).split(r"\.\ ")
    kept = (r"\.\ ".join(sentences[:count]) + r"\." for count in range(1, len(sentences)))
    start = shown.removesuffix(" ...")
    return any(re.fullmatch(part.replace("%s", "(.+?)").replace("%d", r"(\d+)"), start) for part in kept)


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _fixed(quote: str) -> list[str]:
    pieces = (piece.strip() for piece in re.split(r"\.\.\.|\d+|[()]", quote))
    return [piece for piece in pieces if piece]
