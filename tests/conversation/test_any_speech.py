"""For any mixture of generated lines and spoken turns: nothing that was spoken is lost, told twice or out of order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tuner_langchain.runs import SpokenTurn
from tuner_langchain.timeline.lines import Line
from tuner_langchain.timeline.spoken import with_spoken

SENTENCES = ["Hello.", "Let me check.", "It is free, shall I book it?", "Yes", "A table for two please"]
TEXT = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3).map(" ".join)
ROLE = st.sampled_from(["user", "agent"])
TIME = st.integers(0, 100_000)


@st.composite
def lines(draw: Any) -> Line:
    """A line that the graph tells."""
    start = draw(TIME)
    return Line(draw(ROLE), draw(TEXT), start, start + draw(st.integers(0, 3_000)), 1)


@st.composite
def turns(draw: Any) -> SpokenTurn:
    """A turn that the voice stack tells."""
    start, text = draw(TIME), draw(TEXT)
    heard = draw(st.none() | st.integers(0, len(text)).map(lambda count: text[:count]))
    return SpokenTurn(
        draw(ROLE),
        text,
        start_ms=start,
        end_ms=start + draw(st.integers(0, 3_000)),
        words=[],
        extra={},
        interrupted=draw(st.none() | st.booleans()),
        heard=heard,
    )


def words(role: str, texts: list[str]) -> Counter[str]:
    """How often each word was said in one role."""
    return Counter(word for text in texts for word in text.split())


@given(st.lists(lines(), max_size=8), st.lists(turns(), max_size=8))
def test_what_was_spoken_is_told_once(generated: list[Line], spoken: list[SpokenTurn]) -> None:
    """Each spoken word is in one row; what was not spoken keeps its own; rows are in order."""
    before = [(line.role, line.text) for line in generated]
    joined = with_spoken(generated, spoken, [0])

    assert [line.start_ms for line in joined] == sorted(line.start_ms for line in joined)
    for role in ("user", "agent"):
        told = [line.text for line in joined if line.role == role and line.spoken]
        heard = [turn.text if turn.heard is None else turn.heard for turn in spoken if turn.role == role]
        assert words(role, told) == words(role, heard)
        left = Counter(line.text for line in joined if line.role == role and not line.spoken)
        assert left <= Counter(text for own, text in before if own == role)
    assert all(line.end_ms >= line.start_ms for line in joined)
    assert len(joined) <= len(before) + len(spoken)


@given(st.lists(lines(), max_size=6))
def test_a_voice_stack_that_says_everything(generated: list[Line]) -> None:
    """When each line is spoken as it was generated, no row is added and none is lost."""
    spoken = [
        SpokenTurn(line.role, line.text, start_ms=line.start_ms, end_ms=line.end_ms, words=[], extra={})
        for line in generated
    ]
    before = Counter((line.role, line.text, line.start_ms) for line in generated)

    assert (
        Counter((line.role, line.text, line.start_ms) for line in with_spoken(generated, spoken, [0]))
        == before
    )
