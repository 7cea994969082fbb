"""The project's pages, read as the tests need them: their code blocks, and the notes to the tests beside these.

A note is an HTML comment, so a reader does not see it:

    <!-- test: skip, and why -->     the next block is not run
    <!-- test: needs some.module --> the page's Python is not run where this is not installed
    <!-- test: setup                 Python that runs at this place, for what the reader has at hand
    ... -->
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_PARTS = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```\s*$"
    r"|<!-- test: setup\n(?P<setup>.*?)-->"
    r"|<!-- test: skip,? (?P<skip>[^\n]+?) -->"
    r"|<!-- test: needs (?P<needs>[\w.]+) -->",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One code block, or a hidden setup; `line` is where its code begins, `skip` why it is not run."""

    page: Path
    line: int
    language: str
    code: str
    skip: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page's blocks in order, and the modules that its Python needs."""

    path: Path
    blocks: list[Block]
    needs: list[str]


def read(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    blocks: list[Block] = []
    needs: list[str] = []
    skip = ""
    for part in _PARTS.finditer(text):
        line = text.count("\n", 0, part.start()) + 2
        if part["needs"]:
            needs.append(part["needs"])
        elif part["skip"]:
            skip = part["skip"]
        elif part["setup"] is not None:
            blocks.append(Block(path, line, "python", part["setup"]))
        else:
            code = re.sub(rf"^{part['indent']}", "", part["code"], flags=re.MULTILINE)
            blocks.append(Block(path, line, part["language"], code, skip))
            skip = ""
    return Page(path, blocks, needs)


def commands(block: Block) -> list[str]:
    """Return the commands of a shell block: its lines, or what follows the prompts of a console."""
    lines = re.sub(r"\\\n\s*", " ", block.code).splitlines()
    if block.language == "console":
        return [line[2:] for line in lines if line.startswith("$ ")]
    return [line for line in lines if line.strip() and not line.startswith("#")]
