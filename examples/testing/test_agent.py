"""What the agent must do, said as a person would say it. Copy what you need.

Run it with `pytest`; `pytest --tuner-html pages` also writes each call as a page to look at.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doubles import asks

from tuner_langchain import TunerCallbackHandler
from tuner_langchain.testing import LocalTuner, RecordingHandler, validate

Talk = Callable[..., None]
OUTLINES = Path(__file__).parent / "outlines"


# --- Which way did it go? ---


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("Are you open tonight?", "triage -> hours"),
        ("Goodbye!", "triage -> goodbye"),
    ],
)
def test_callers_are_routed(tuner_call: RecordingHandler, talk: Talk, words: str, path: str) -> None:
    talk(tuner_call, words)

    assert tuner_call.timeline.path() == path


def test_why_it_went_there(tuner_call: RecordingHandler, talk: Talk) -> None:
    talk(tuner_call, "Are you open tonight?")

    assert tuner_call.timeline.nodes[-1].reason == "route: hours"


# --- Which tools did it use, and what did it say? ---


def test_a_table_is_looked_for_before_it_is_offered(tuner_call: RecordingHandler, talk: Talk) -> None:
    talk(tuner_call, "A table for two?", [asks("find_table", people=2), "I have 18:00 or 19:30."])

    search = tuner_call.timeline.tool("find_table")
    assert search.params == {"people": 2}
    assert "19:30" in search.answer
    assert "19:30" in tuner_call.timeline.said_by_agent[-1]
    assert tuner_call.timeline.path("booking") == "model -> tools -> model"


def test_a_taken_table_is_no_crash(tuner_call: RecordingHandler, talk: Talk) -> None:
    talk(
        tuner_call,
        "Twenty o'clock!",
        [asks("book_table", people=2, at="20:00"), "I am sorry, 20:00 is taken."],
    )

    booking = tuner_call.timeline.tool("book_table")
    assert booking.failed
    assert booking.error == "20:00 is taken"
    assert [str(problem) for problem in tuner_call.timeline.errors] == ["tool book_table: 20:00 is taken"]


# --- How long does the caller wait? ---


def test_the_caller_hears_something_within_a_second(tuner_call: RecordingHandler, talk: Talk) -> None:
    """With a model that takes 400 ms and a booking system that takes 150 ms: no third round trip."""
    talk(tuner_call, "A table for two?", [asks("find_table", people=2), "I have 18:00 or 19:30."])

    assert tuner_call.timeline.nodes[1].duration_ms <= 1000
    assert tuner_call.timeline.tool("find_table").duration_ms <= 200


# --- The whole call, compared with the one that was right ---


def test_a_booking_is_what_it_was(tuner_call: RecordingHandler, talk: Talk) -> None:
    """A difference is shown at its first row. Run with UPDATE_OUTLINES=1 to take the new outline as right."""
    talk(tuner_call, "A table for two?", [asks("find_table", people=2), "I have 18:00 or 19:30."])
    talk(
        tuner_call,
        "19:30 then.",
        [asks("book_table", people=2, at="19:30"), "Done, your reference is R-19:30."],
    )
    talk(tuner_call, "Goodbye!")

    outline, known = tuner_call.timeline.outline(), OUTLINES / "booking.txt"
    if os.environ.get("UPDATE_OUTLINES"):
        known.write_text(outline + "\n", encoding="utf-8")
    assert outline == known.read_text(encoding="utf-8").rstrip("\n")


# --- A conversation of several turns ---


def test_a_conversation(tuner_call: RecordingHandler, talk: Talk) -> None:
    talk(tuner_call, "Are you open tonight?")
    talk(tuner_call, "A table for two then.", [asks("find_table", people=2), "I have 18:00 or 19:30."])
    talk(tuner_call, "19:30.", [asks("book_table", people=2, at="19:30"), "Done, your reference is R-19:30."])
    talk(tuner_call, "Goodbye!")

    timeline = tuner_call.timeline
    assert timeline.path() == "triage -> hours | triage -> booking | triage -> booking | triage -> goodbye"
    assert [use.name for use in timeline.tools] == ["find_table", "book_table"]
    assert timeline.turn(3).said_by_agent == ["Done, your reference is R-19:30."]
    assert timeline.errors == []


# --- The wiring: does the call arrive? ---


def test_the_call_arrives(local_tuner: LocalTuner, talk: Talk) -> None:
    """All is real but the account: handler, delivery, HTTP, and a Tuner that refuses what Tuner refuses."""
    config: Any = local_tuner.config()
    with TunerCallbackHandler(config=config, call_id="call-1", call_type="phone_call") as handler:
        talk(handler, "Goodbye!")

    document = local_tuner.wait_for_call("call-1")

    assert validate(document) == []
    assert document["call_type"] == "phone_call"
