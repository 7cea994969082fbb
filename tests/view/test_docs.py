"""What docs/view.md shows is what the views show."""

from __future__ import annotations

import re
from pathlib import Path

from tuner_langchain.view.outline import timeline_text
from view import samples

DOCS = Path(__file__).parents[2] / "docs"


def test_the_terminal_of_the_docs_is_the_terminal() -> None:
    """The captured text is the sample call's, line for line."""
    text = (DOCS / "view.md").read_text(encoding="utf-8")
    captured = text.partition("```text\n")[2].partition("\n```")[0]
    assert captured == timeline_text(samples.restaurant()).rstrip()


def test_every_picture_of_the_docs_is_there() -> None:
    """No page of the docs has a hole where a picture should be."""
    named = set(re.findall(r"images/([a-z-]+\.png)", (DOCS / "view.md").read_text(encoding="utf-8")))
    assert named <= {path.name for path in (DOCS / "images").iterdir()}
    assert len(named) == 6
