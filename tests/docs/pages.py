"""The project's pages, read as the tests need them: their code blocks, and the notes to the tests beside these.

A note is an HTML comment, so a reader does not see it. It speaks of the next block, or stands for one:

    <!-- test: needs some.module -->    the page's Python is not run where this is not installed
    <!-- test: setup                    Python that runs at this place, for what the reader has at hand
    ... -->
    <!-- test: shell                    commands that run at this place
    ... -->
    <!-- test: prints                   commands whose output the next block is taken from
    ... -->
    <!-- test: skip, and why -->        the next block is not run
    <!-- test: skip `LINE`, and why --> this line of it is not run
    <!-- test: skip without `PROGRAM`, and why -->  ... where this program is not installed
    <!-- test: add `OPTIONS` to `LINE`, and why -->     this line of it is run with more options
    <!-- test: allow 1 from `LINE`, and why -->         this line of it may end with this exit status

A block with a title (```` ```python title="agent.py" ````) is what the reader saves under that name.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELLS = ("bash", "console")

_PARTS = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)(?P<info>[^\n]*)\n(?P<code>.*?)^(?P=indent)```\s*$"
    r"|<!-- test: (?P<note>.*?)-->",
    re.MULTILINE | re.DOTALL,
)
_HIDDEN = {"setup": "python", "shell": "bash"}
_RULE = re.compile(
    r"(?:(?P<skip>skip)(?: without `(?P<without>[^`]+)`)?|add `(?P<options>[^`]+)` to|allow (?P<status>\d+) from)"
    r"(?: ?`(?P<line>[^`]+)`)?,\s+(?P<why>\S.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Rule:
    """One exemption: of a line, or of a whole block when `line` is empty; `why` is never empty."""

    place: str
    line: str
    why: str
    options: str = ""
    status: int | None = None
    without: str = ""

    @property
    def skips(self) -> bool:
        if self.without:
            return shutil.which(self.without) is None
        return not self.options and self.status is None


@dataclass(frozen=True)
class Block:
    """One code block, or a hidden one; `line` is where its code begins, `printed_by` what prints it."""

    page: Path
    line: int
    language: str
    code: str
    title: str = ""
    printed_by: str = ""
    rules: list[Rule] = field(default_factory=list)
    hidden: bool = False

    @property
    def place(self) -> str:
        return _place(self.page, self.line)

    @property
    def skipped(self) -> bool:
        """Whether the whole block is not run."""
        return any(rule.skips and not rule.line for rule in self.rules)


@dataclass(frozen=True)
class Command:
    """One line for a shell, and what the page shows below it; `run` is the line with what is added to it."""

    place: str
    line: str
    output: str = ""
    rules: list[Rule] = field(default_factory=list)

    @property
    def run(self) -> str:
        return " ".join([self.line, *(rule.options for rule in self.rules if rule.options)])

    @property
    def skipped(self) -> bool:
        return any(rule.skips for rule in self.rules)

    @property
    def statuses(self) -> set[int]:
        return {0, *(rule.status for rule in self.rules if rule.status is not None)}


@dataclass(frozen=True)
class Page:
    """A page's blocks in order, and the modules that its Python needs."""

    path: Path
    blocks: list[Block]
    needs: list[str]


def read(path: Path) -> Page:
    """Read a page; a note that says nothing known, or speaks of no block, is an error."""
    text = path.read_text(encoding="utf-8")
    blocks: list[Block] = []
    needs: list[str] = []
    rules: list[Rule] = []
    printed_by = ""
    for part in _PARTS.finditer(text):
        line = text.count("\n", 0, part.start()) + 2
        if part["note"] is None:
            code = re.sub(rf"^{part['indent']}", "", part["code"], flags=re.MULTILINE)
            title = re.search(r'title="([^"]+)"', part["info"])
            name = title[1] if title else ""
            blocks.append(Block(path, line, part["language"], code, name, printed_by, rules))
            rules, printed_by = [], ""
            continue
        kind, _, rest = part["note"].partition("\n")
        if kind.strip() in _HIDDEN:
            blocks.append(Block(path, line, _HIDDEN[kind], rest, hidden=True))
        elif kind == "prints":
            printed_by = rest
        elif kind.startswith("needs "):
            needs.append(kind.removeprefix("needs ").strip())
        else:
            rules.append(_rule(part["note"].strip(), _place(path, line - 1)))
    assert not rules, f"{rules[0].place}: no block follows this note"
    assert not printed_by, f"{_place(path, 1)}: no block follows the last `prints`"
    return Page(path, blocks, needs)


def _place(path: Path, line: int) -> str:
    return f"{os.path.relpath(path, ROOT)}:{line}"


def _rule(note: str, place: str) -> Rule:
    said = _RULE.fullmatch(note)
    assert said, f"{place}: this note says nothing that the tests know: {note}"
    assert said["skip"] or said["line"], f"{place}: this note names no line: {note}"
    status = int(said["status"]) if said["status"] else None
    return Rule(place, said["line"] or "", said["why"], said["options"] or "", status, said["without"] or "")


def commands(block: Block) -> list[Command]:
    """Return the commands of a shell block: its lines, or what follows the prompts of a console.

    Comments are left out. A rule that speaks of no line of the block is an error.
    """
    joined = re.sub(r"\\\n\s*", " ", block.code)
    if block.language == "console":
        found = [said.partition("\n") for said in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]]
        pairs = [(line, output) for line, _, output in found]
    else:
        pairs = [(line, "") for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    lines = [re.sub(r"\s+#.*", "", line).strip() for line, _ in pairs]
    for rule in block.rules:
        assert not rule.line or lines.count(rule.line) == 1, f"{rule.place}: no line below is `{rule.line}`"
    return [
        Command(block.place, line, output, [rule for rule in block.rules if rule.line in ("", line)])
        for line, (_, output) in zip(lines, pairs, strict=True)
    ]
