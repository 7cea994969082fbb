"""The call as lines of text, in any terminal."""

from __future__ import annotations

import io
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tuner_langchain.view.lines import cells, cut, wrap
from tuner_langchain.view.outline import timeline_text
from tuner_langchain.view.story import read_story
from tuner_langchain.view.terminal import show
from view import samples
from view.samples import Document, Sample
from view.test_story import DOCUMENT

SAMPLES = [samples.restaurant, samples.hostile, samples.other_sdk]


def printed(document: Document, *, width: int = 80, encoding: str = "utf-8", **options: Any) -> str:
    """What a console of this width and encoding receives."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(read_story(document), Console(file=out, width=width, highlight=False, **options))
    out.flush()
    return out.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("width", [50, 80, 120])
def test_no_line_is_wider_than_the_terminal(sample: Sample, width: int) -> None:
    """At 80 columns nothing wraps where it was not meant to."""
    lines = timeline_text(sample(), width=width).splitlines()
    assert max(map(cells, lines)) <= width


def test_without_colour_the_terminal_says_what_it_says_with_it() -> None:
    """Colour is never the only one to say something: taken away, the same words and signs are left."""
    document = samples.restaurant()
    plain = printed(document, no_color=True, force_terminal=False)
    coloured = printed(document, color_system="truecolor", force_terminal=True)
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    assert plain.rstrip() == timeline_text(document).rstrip()


def test_only_the_slowest_is_set_off_by_its_ground() -> None:
    """Light on dark is turned around for the slowest thing's words alone, never for the room between columns."""
    coloured = printed(samples.restaurant(), color_system="truecolor", force_terminal=True)
    set_off = re.findall(r"\x1b\[[\d;]*\b7m(.*?)\x1b\[0m", coloured)
    assert set_off == ["◆ Slowest: tool reserve, 2.99 s in turn 3", "◆ slowest"]


def test_an_error_stands_with_its_message_under_what_failed() -> None:
    """The failed tool has a cross at its time and its message on the line below."""
    lines = timeline_text(samples.restaurant()).splitlines()
    failed = next(index for index, line in enumerate(lines) if "tool reserve" in line and "slowest" in line)
    assert lines[failed].endswith("✗ 2.99 s")
    assert lines[failed + 2].strip() == "✗ TimeoutError: the reservation system did not answer within 3 s"


def test_an_answer_that_was_cut_off_ends_in_the_cut() -> None:
    """Where the words end, the scissors are; and at the end of the bar."""
    text = timeline_text(samples.restaurant())
    assert "a lentil stew, the ✂ [cut off]" in text
    assert "━✂" in text


def test_turns_and_call_have_their_totals() -> None:
    """Waiting, tokens and errors stand in a turn's rule, everything at the end."""
    text = timeline_text(samples.restaurant())
    assert " waited 4.19 s, 1,718 tokens, 1 error ──" in text
    assert "slowest: node look_up 3.02 s, tool reserve 2.99 s" in text
    for line in (
        "caller waited   11.2 s in all, longest 4.19 s (turn 3)",
        "tokens          6,263 in 11 model calls",
        "cost            $0.0041",
        "slowest node    booking:look_up, 3.02 s (turn 3)",
        "slowest tool    reserve, 2.99 s (turn 3)",
        "path            start → understand \N{MULTIPLICATION SIGN}4",
    ):
        assert line in text.splitlines()


def test_bars_stand_where_their_time_is() -> None:
    """On a turn's scale a bar begins and ends in proportion; the agent's ends with the turn."""
    rows = [
        samples.user(1, 0, 500, "Hi"),
        samples.node(1, 500, 750, "a", "__start__"),
        samples.agent(1, 750, 1000, "Ho"),
    ]
    lines = timeline_text(samples.document("scale", rows), width=80).splitlines()
    bars = {}
    for line in lines:
        if drawn := re.search("[━█]+", line):
            bars[line.split()[0]] = (drawn.start(), len(drawn.group()))
    left = bars["caller"][0]
    whole = bars["agent"][0] + bars["agent"][1] - left
    assert bars["caller"][1] == whole // 2
    assert bars["a"][0] - left == whole // 2
    assert bars["agent"][0] - left == whole * 3 // 4


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    """An ASCII terminal shows the same call, and no word of a caller can fail the printing."""
    text = printed(samples.restaurant(), encoding="ascii", no_color=True)
    assert "x TimeoutError" in text
    assert "start -> understand x4" in text
    assert "\\u65e5" in printed(samples.hostile(), encoding="ascii", no_color=True)


@given(DOCUMENT)
def test_whatever_is_said_no_control_character_reaches_the_terminal(document: Document) -> None:
    """A caller cannot move the cursor, colour the screen, ring the bell or turn the text around."""
    text = timeline_text(document).replace("\n", "")
    assert {unicodedata.category(character) for character in text} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(text)
    text.encode()


@given(st.text(), st.integers(4, 20))
def test_cut_and_wrapped_text_fits(text: str, width: int) -> None:
    """Cells are counted as terminals count them: wide characters are two, combining ones none."""
    assert cells(cut(text, width)) <= width
    assert all(cells(line) <= width for line in wrap(text, width))
