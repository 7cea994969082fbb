"""A call in the terminal, in colour where it has any. Needs rich: `pip install "tuner-langchain[cli]"`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from tuner_langchain.view.lines import ASCII, FULL, Glyphs, Meaning
from tuner_langchain.view.outline import Outline

if TYPE_CHECKING:
    from rich.console import Console

    from tuner_langchain.view.nouns import Story

WIDEST = 120  # beyond this the eye loses the line from a name to its figure
_STYLES: Final[dict[Meaning, str]] = {
    "plain": "", "dim": "dim", "head": "bold", "user": "cyan", "agent": "green", "node": "", "tool": "yellow",
    "model": "magenta", "error": "bold red", "slow": "bold reverse",
}  # fmt: skip


def show(story: Story, console: Console) -> None:
    """Print a call to a console, as wide as the console is, up to 120 cells."""
    glyphs = _glyphs_for(console)
    for line in Outline(story, width=min(console.width, WIDEST), glyphs=glyphs).lines():
        text = Text(no_wrap=True)
        for piece in line:
            text.append(_writable(piece.text, console.encoding), style=_STYLES[piece.meaning])
        text.rstrip()
        console.print(text, soft_wrap=True)


def _glyphs_for(console: Console) -> Glyphs:
    """Return the signs that the console's encoding has."""
    signs = "".join([*FULL[:-1], *FULL.bars.values()])
    try:
        signs.encode(console.encoding)
    except UnicodeEncodeError:
        return ASCII
    return FULL


def _writable(text: str, encoding: str) -> str:
    """Write what the encoding lacks as its number, so that no word of a call can fail the printing of it."""
    return text.encode(encoding, "backslashreplace").decode(encoding)
