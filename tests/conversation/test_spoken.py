"""Turns that the voice stack tells: joined with the graph's rows for the same words, or rows of their own."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import Any

import pytest
from langgraph.graph import START, MessagesState, StateGraph
from scripted import ScriptedModel

from conversation.driving import handler, said, spoken
from tuner_langchain.errors import CallFactError

STARTED_MS = 1_767_225_600_000


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms * 1_000_000


def talking(*answers: str) -> Any:
    """A graph whose only node asks the model."""
    model = ScriptedModel(*answers)
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    return graph.compile()


class Session:
    """A call on a clock of its own."""

    def __init__(self, *answers: str) -> None:
        self.clock = Clock()
        self.call: Any = handler(clock=self.clock, start_timestamp=None)
        self.graph = talking(*answers)

    def turn(self, at_ms: int, text: str) -> None:
        """Run a turn of the graph at this moment; it takes no time."""
        self.clock.ms = at_ms
        for _ in self.graph.stream(
            {"messages": [("user", text)]}, {"callbacks": [self.call]}, stream_mode="messages"
        ):
            pass

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Who said what from when to when."""
        return [
            (row["role"], row["text"], row["start_ms"], row["end_ms"])
            for row in self.call.timeline
            if row["role"] in ("user", "agent")
        ]


def test_a_spoken_turn_and_its_row_are_one() -> None:
    """The spoken times and words win; the model's latencies stay; the wait is from speech to first audio."""
    session = Session("We have one at eight.")
    session.call.add_agent_turn("Good evening!", start_ms=100, end_ms=900)
    session.call.add_user_turn(
        "a table for two",
        start_ms=1_000,
        end_ms=2_500,
        words=[
            {"word": "a", "start_ms": 1_000, "end_ms": 1_100, "confidence": 0.9},
            {"word": "table", "start_ms": 1_100, "end_ms": 1_500},
        ],
        confidence=0.97,
        stt_node_ttfb=120,
    )
    session.turn(2_600, "A table for two.")
    session.call.add_agent_turn("We have one at eight.", start_ms=3_300, end_ms=5_000, tts_node_ttfb=180.5)
    session.clock.ms = 6_000

    assert session.rows() == [
        ("agent", "Good evening!", 100, 900),
        ("user", "a table for two", 1_000, 2_500),
        ("agent", "We have one at eight.", 3_300, 5_000),
    ]
    user, (greeting, answer) = spoken(session.call, "user")[0], spoken(session.call)
    assert user["words"][0] == {"word": "a", "start_ms": 1_000, "end_ms": 1_100, "confidence": 0.9}
    assert user["metadata"] == {"turn": 1, "transcript_confidence": 0.97, "stt_node_ttfb": 120}
    assert greeting["metadata"] == {"turn": 0, "interrupted": False}
    assert answer["metadata"] == {
        "turn": 1, "interrupted": False, "e2e_latency": 800, "model": "scripted-1", "llm_node_ttft": 0,
        "tts_node_ttfb": 180.5, "node": "talk",
    }  # fmt: skip


def test_what_was_only_said_and_what_was_only_generated() -> None:
    """A filler and an unanswered word are rows of their own; an answer that was never spoken stays without a wait."""
    session = Session("One.", "Two.")
    session.turn(1_000, "Hi")
    session.call.add_agent_turn("Hm, let me see.", start_ms=1_100, end_ms=1_400)
    session.call.add_agent_turn("One.", start_ms=1_500, end_ms=1_900)
    session.call.add_user_turn("mhm", start_ms=1_600, end_ms=1_700)
    session.turn(3_000, "And?")
    session.clock.ms = 5_000

    assert [(role, text) for role, text, *_ in session.rows()] == [
        ("user", "Hi"), ("agent", "Hm, let me see."), ("agent", "One."), ("user", "mhm"), ("user", "And?"),
        ("agent", "Two."),
    ]  # fmt: skip
    waits = [row["metadata"].get("e2e_latency") for row in spoken(session.call)]
    assert waits == [100, None, None]
    assert [row["metadata"]["turn"] for row in session.call.timeline if row["text"] == "mhm"] == [1]


def test_a_greeting_alone_is_told() -> None:
    """A voice stack that only tells its greeting leaves the graph's answers their waits."""
    session = Session("One.")
    session.call.add_agent_turn("Good evening!", start_ms=0, end_ms=400)
    session.turn(1_000, "Hi")
    session.clock.ms = 2_000

    assert [row["metadata"].get("e2e_latency") for row in spoken(session.call)] == [None, 0]


def test_the_same_words_in_several_turns() -> None:
    """Each spoken turn joins the row that is nearest in time."""
    session = Session("Yes?")
    for at in (1_000, 5_000, 9_000):
        session.turn(at, "Hello")
    for at in (9_100, 5_100, 1_100):
        session.call.add_agent_turn("Yes?", start_ms=at, end_ms=at + 400)
    session.call.add_user_turn("hello", start_ms=4_000, end_ms=4_900)
    session.clock.ms = 10_000

    assert [row["metadata"]["turn"] for row in spoken(session.call)] == [1, 2, 3]
    assert [row["start_ms"] for row in spoken(session.call)] == [1_100, 5_100, 9_100]
    assert [row["start_ms"] for row in spoken(session.call, "user")] == [1_000, 4_000, 9_000]


def test_an_answer_said_in_pieces_is_one_row() -> None:
    """Sentence by sentence, with the words of all and the latency of the first."""
    session = Session("We have one at eight. Shall I book it?")
    session.turn(1_000, "A table")
    session.call.add_agent_turn("We have one at eight.", start_ms=1_500, end_ms=2_500, tts_node_ttfb=90)
    session.call.add_agent_turn("Shall I book it?", start_ms=2_600, end_ms=3_500, tts_node_ttfb=20)
    session.clock.ms = 4_000

    assert session.rows()[1:] == [("agent", "We have one at eight. Shall I book it?", 1_500, 3_500)]
    assert spoken(session.call)[0]["metadata"]["tts_node_ttfb"] == 90


def test_several_rows_said_as_one() -> None:
    """Two messages of a turn that were spoken together are the one row that was heard."""
    model = ScriptedModel("Let me check.", "It is free.")
    graph = StateGraph(MessagesState)
    graph.add_node("a", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("b", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "a")
    graph.add_edge("a", "b")
    session = Session()
    session.graph = graph.compile()
    session.turn(1_000, "A table")
    session.call.add_agent_turn("Let me check. It is free.", start_ms=1_500, end_ms=3_500)
    session.clock.ms = 4_000

    assert session.rows()[1:] == [("agent", "Let me check. It is free.", 1_500, 3_500)]


def test_several_transcripts_make_one_message() -> None:
    """The caller pauses: two transcripts, one message of the graph, one row from the first word to the last."""
    session = Session("Sure.")
    session.call.add_user_turn("I would like", start_ms=1_000, end_ms=1_500)
    session.call.add_user_turn("a table", start_ms=2_000, end_ms=2_400)
    session.turn(2_500, "I would like a table")
    session.clock.ms = 3_000

    assert session.rows()[0] == ("user", "I would like a table", 1_000, 2_400)


def test_a_spoken_turn_that_was_cut() -> None:
    """The row holds what was heard, marked, also where the graph had generated all of it."""
    session = Session("We have a table by the window at eight.")
    session.turn(1_000, "A table")
    session.call.add_agent_turn(
        "We have a table by the window at eight.",
        spoken_text="We have a table",
        interrupted=True,
        start_ms=1_500,
        end_ms=2_000,
    )
    session.clock.ms = 3_000

    assert said(session.call)[1] == "1 agent: We have a table [cut]"


def test_words_that_differ_a_little() -> None:
    """A transcript with a slip, or a number said in words, is still the same turn."""
    session = Session("You can come at 8 today.")
    session.call.add_user_turn("is there any table free tonite", start_ms=500, end_ms=900)
    session.turn(1_000, "Is there any table free tonight?")
    session.call.add_agent_turn("You can come at eight today.", start_ms=1_500, end_ms=2_500)
    session.call.add_agent_turn("Something else altogether.", start_ms=2_600, end_ms=3_000)
    session.clock.ms = 4_000

    assert [(role, text) for role, text, *_ in session.rows()] == [
        ("user", "is there any table free tonite"),
        ("agent", "You can come at eight today."),
        ("agent", "Something else altogether."),
    ]


@pytest.mark.parametrize(
    "moment",
    [
        2_500,
        2_500.4,
        STARTED_MS + 2_500,
        (STARTED_MS + 2_500) / 1000,
        dt.datetime.fromtimestamp((STARTED_MS + 2_500) / 1000, dt.UTC),
    ],
    ids=["offset", "fraction", "Unix ms", "Unix s", "datetime"],
)
def test_moments_in_every_form(moment: Any) -> None:
    """Offsets from the call's start and timestamps mean the same moment."""
    call = handler(start_timestamp=STARTED_MS)
    call.add_user_turn("Hi", start_ms=moment, end_ms=moment)

    assert (call.timeline[0]["start_ms"], call.timeline[0]["end_ms"]) == (2_500, 2_500)


def test_times_that_nobody_told() -> None:
    """The words tell them; else the turn ended now."""
    session = Session()
    session.clock.ms = 4_000
    session.call.add_user_turn("now")
    session.call.add_user_turn("words", words=[{"word": "words", "start_ms": 100, "end_ms": 300}])
    session.call.add_user_turn("began", start_ms=3_000)

    assert session.rows() == [
        ("user", "words", 100, 300),
        ("user", "began", 3_000, 4_000),
        ("user", "now", 4_000, 4_000),
    ]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("add_user_turn", {"text": 5}, "text: is an int, not a string. Expected what was said."),
    (
        "add_user_turn",
        {"start_ms": "soon"},
        "start_ms: is 'soon'. Expected milliseconds from the call's start, Unix",
    ),
    ("add_user_turn", {"start_ms": -1}, "start_ms: is -1."),
    ("add_user_turn", {"start_ms": 10**400}, "start_ms: is 1000"),
    (
        "add_user_turn",
        {"start_ms": 1e300},
        "start_ms: is 1e+300. Expected milliseconds from the call's start",
    ),
    ("add_user_turn", {"end_ms": dt.datetime(2026, 1, 1)}, "end_ms: is a datetime without a time zone."),
    (
        "add_user_turn",
        {"start_ms": 500, "end_ms": 400},
        "end_ms: is -100 ms after start_ms. Expected 0 or more.",
    ),
    ("add_user_turn", {"confidence": 97}, "confidence: is 97. Expected 0 to 1."),
    (
        "add_user_turn",
        {"stt_node_ttfb": float("nan")},
        "stt_node_ttfb: is nan. Expected a number, 0 or more.",
    ),
    (
        "add_user_turn",
        {"words": ["hi"]},
        "words[0]: is not a word. Expected dictionaries with word, start_ms and end_ms.",
    ),
    ("add_user_turn", {"words": [{"word": "a", "start_ms": 1}]}, "words[0]['end_ms']: is missing. Expected"),
    ("add_agent_turn", {"tts_node_ttfb": True}, "tts_node_ttfb: is True."),
    ("add_agent_turn", {"interrupted": "yes"}, "interrupted: is 'yes'. Expected True or False."),
    ("add_agent_turn", {"spoken_text": 1}, "spoken_text: is an int, not a string."),
]


@pytest.mark.parametrize(("method", "values", "message"), WRONG, ids=[text[:30] for *_, text in WRONG])
def test_wrong_values(method: str, values: dict[str, Any], message: str) -> None:
    """A wrong value is an error at its line that names it and the way out; nothing is added."""
    call = handler()
    with pytest.raises(CallFactError) as raised:
        getattr(call, method)(**{"text": "Hi", **values})

    assert str(raised.value).startswith(message)
    assert len(call.timeline) == 0


def test_a_spoken_turn_after_the_end_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """It comes too late; that is logged without its words."""
    call = handler()
    call.add_user_turn("Hi", start_ms=0, end_ms=1)
    call.finalize()
    with caplog.at_level(logging.WARNING):
        call.add_user_turn("SECRETWORD")

    assert "too late" in caplog.text
    assert "SECRETWORD" not in caplog.text
    assert said(call) == ["0 user: Hi"]


def test_turns_from_many_threads() -> None:
    """Voice stacks speak from threads of their own; no turn is lost."""
    call = handler()
    threads = [
        threading.Thread(
            target=lambda: [call.add_user_turn(str(n), start_ms=n, end_ms=n) for n in range(200)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(call.timeline) == 800


def test_a_call_of_spoken_turns_alone() -> None:
    """A call whose graph never ran is sent with what was said, and the facts of the voice stack."""
    call = handler()
    call.add_agent_turn("Hello?", start_ms=0, end_ms=500)
    call.update(stt_duration_seconds=1.5, tts_characters_count=6, asr_model="nova", tts_model="sonic")
    call.finalize(disconnection_reason="user_hangup")

    metadata = call.document["metadata"]
    assert metadata["usage_token"] == {"stt_duration_seconds": 1.5, "tts_characters_count": 6}
    assert metadata["ai_models"] == {"asr_model": "nova", "tts_model": "sonic"}
    assert call.document["disconnection_reason"] == "user_hangup"
