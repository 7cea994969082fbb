"""Every conversation of the table, in every mode."""

from __future__ import annotations

import pytest
from stretches import same_in_stretches

from conversation.driving import said, talk
from conversation.programs import CONVERSATIONS, Conversation
from tuner_langchain.testing import validate

CASES = [pytest.param(case, mode, id=f"{case.name}-{mode}") for case in CONVERSATIONS for mode in case.modes]


@pytest.mark.parametrize(("case", "mode"), CASES)
def test_rows_say_what_was_said(case: Conversation, mode: str) -> None:
    """Who said what in which turn is the same however the program is driven, and each message is one row."""
    call = talk(case.build(), mode, list(case.turns), thread=case.thread, **(case.options or {}))

    assert same_in_stretches(call)
    if case.unordered:
        assert sorted(said(call)) == sorted(case.rows)
    else:
        assert said(call) == list(case.rows)


@pytest.mark.parametrize(("case", "mode"), CASES)
def test_documents_are_valid_and_timed(case: Conversation, mode: str) -> None:
    """The API takes each document; every row lies inside the call, and no answer begins before its question."""
    call = talk(case.build(), mode, list(case.turns), thread=case.thread, **(case.options or {}))
    call.finalize()
    if call.body is None:
        assert case.rows == ()
        return
    length = call.document["duration_ms"]

    assert validate(call.body) == []

    for row in call.timeline:
        assert 0 <= row["start_ms"] <= row["end_ms"] <= length
        assert row["duration_ms"] == row["end_ms"] - row["start_ms"]
        assert row["metadata"].get("e2e_latency", 0) >= 0
