"""Whatever order things come in, and whatever is left open, a call's document is one that the API takes."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest

from tuner_langchain import Capture
from tuner_langchain.ahead import ENOUGH_RUNS
from tuner_langchain.conformance import (
    LONGEST_MS,
    conform,
    conform_facts,
    ends_within,
    is_right,
    says_nothing,
)
from tuner_langchain.testing import ManualClock, record, validate
from tuner_langchain.values import to_json


def started(call: Any, kind: str, parent: uuid.UUID | None = None, **more: Any) -> uuid.UUID:
    run_id = uuid.uuid4()
    first = {"name": kind} if kind == "tool" else None
    second = "input" if kind == "tool" else {"messages": [("user", "Hello")]}
    getattr(call, f"on_{kind}_start")(first, second, run_id=run_id, parent_run_id=parent, **more)
    return run_id


def rows(call: Any, role: str) -> list[Any]:
    return [row for row in call.timeline if row["role"] == role]


def test_a_tool_in_the_background_that_outlives_the_call() -> None:
    """It began after its turn was over and is open at the end: it lasts to the call's end and is unfinished."""
    clock = ManualClock()
    call: Any = record(clock=clock)
    root = started(call, "chain", name="turn")
    background = started(call, "chain", root, name="background")
    clock.tick(20)
    call.on_chain_end({}, run_id=root)
    clock.tick(200)
    started(call, "tool", background, inputs={"n": 1}, tool_call_id="c1")
    clock.tick(80)
    call.finalize()

    assert validate(call.body) == []
    (tool,) = rows(call, "agent_function")
    assert (tool["start_ms"], tool["end_ms"], tool["metadata"]["status"]) == (220, 300, "unfinished")


def test_a_tool_that_was_stopped_between_its_end_and_its_result() -> None:
    """Ctrl-C at that line leaves a result row without a result: it has an empty one."""
    call: Any = record()
    run_id = started(call, "tool", inputs={"n": 1}, tool_call_id="c1")
    call.on_chain_end({}, run_id=run_id)  # what closes a tool's run without its result
    call.finalize()

    assert validate(call.body) == []
    assert rows(call, "agent_result")[0]["tool"]["result"] == {}


def test_a_thread_id_of_any_kind() -> None:
    """A thread id that cannot be hashed keeps a call's words, and its turns stay on one thread."""
    call: Any = record()
    for words in ("Hello", "Goodbye"):
        run_id = uuid.uuid4()
        state = {"messages": [("user", words)]}
        call.on_chain_start(None, state, run_id=run_id, name="turn", metadata={"thread_id": ["a", {"b": 1}]})
        call.on_chain_end({"messages": [("user", words), ("ai", "Yes")]}, run_id=run_id)
    call.finalize()

    assert [row["text"] for row in rows(call, "user")] == ["Hello", "Goodbye"]


def test_a_spoken_turn_that_ends_after_the_call_was_finalised() -> None:
    """The call goes on until the last words were spoken, unless the program told when it ended."""
    for told, length in (({}, 5_000), ({"end_timestamp": 1_767_225_603_000}, 3_000)):
        call: Any = record(clock=ManualClock(), start_timestamp=1_767_225_600_000)
        call._call.started_ns = 0
        call.add_agent_turn("Goodbye.", start_ms=2_000, end_ms=5_000)
        call.finalize(**told)
        (row,) = call.timeline

        assert validate(call.body) == []
        assert call.document["end_timestamp"] - call.document["start_timestamp"] == length
        assert (row["start_ms"], row["end_ms"], row["duration_ms"]) == (2_000, length, length - 2_000)


def test_words_that_are_none_are_no_row() -> None:
    """A turn without words leaves no row, and one that gives its words one by one has them as its text."""
    call: Any = record()
    call.add_agent_turn("", start_ms=0, end_ms=5)
    call.add_user_turn(" ", words=[{"word": w, "start_ms": 0, "end_ms": 9} for w in ("Good", "day")])
    call.add_agent_turn("Hello", spoken_text="", start_ms=10, end_ms=20)

    assert [(row["role"], row["text"]) for row in call.timeline] == [("user", "Good day")]


def test_withheld_words_stay_a_row() -> None:
    """Where words are not sent, the rows of who spoke stay, empty, and say so."""
    call: Any = record(capture=Capture(words=False))
    call.add_user_turn("My name is Ada.", start_ms=0, end_ms=900)

    assert [(row["text"], row["metadata"]["withheld"]) for row in call.timeline] == [("", "words")]


def test_rows_made_ready_ahead_lie_in_the_call_too() -> None:
    """A call that the program says ended earlier has no row after that end, also of those that were ready."""
    clock = ManualClock(step_ms=1)
    call: Any = record(clock=clock, start_timestamp=1_767_225_600_000)
    call._call.started_ns = 0
    call._ahead._started_ns = 0
    for _ in range(ENOUGH_RUNS):
        root = started(call, "chain", name="turn")
        call.on_tool_end("x", run_id=started(call, "tool", root, inputs={}, tool_call_id=str(uuid.uuid4())))
        call.on_chain_end({}, run_id=root)
    call._ahead.work()
    assert call._ahead.runs_ready > 0
    call.finalize(end_timestamp=1_767_225_600_100)

    assert len(rows(call, "agent_function")) == ENOUGH_RUNS
    assert max(row["end_ms"] for row in call.timeline) == 100
    assert all(row["duration_ms"] == row["end_ms"] - row["start_ms"] for row in call.timeline)


def test_the_documents_own_metadata_is_typed() -> None:
    """A fact of the program's under a documented name, of another type, is left out; the rest stays."""
    call: Any = record(
        metadata={"ai_models": "gpt", "usage_token": {"llm_token": "many", "mine": [1]}, "crm": 7}
    )
    call.add_user_turn("Hello", start_ms=0, end_ms=1)
    call.finalize(recording_s3_caller_channel=1)

    assert validate(call.body) == []
    assert call.document["metadata"] == {"ai_models": {}, "usage_token": {"mine": [1]}, "crm": 7}
    assert "recording_s3_caller_channel" not in call.document


def test_facts_that_are_no_objects_become_some() -> None:
    """An object fact that was read as something else is wrapped, as a tool's result is."""
    fitted = conform_facts({"call_analysis": "x", "transcript": "x", "metadata": {}})

    assert fitted == {"call_analysis": {"value": "x"}, "transcript": "x", "metadata": {}}


# ---------------------------------------------------------------------- one row


def tool_row(role: str, **tool: Any) -> dict[str, Any]:
    own = {"name": "find", "request_id": "c1", "start_ms": 5, **tool}
    times = {"start_ms": 5, "end_ms": 9, "duration_ms": 4}
    return {"role": role, "text": "find", **times, "tool": own, "metadata": {}}


def node_row(**node: Any) -> dict[str, Any]:
    own = {"from": "a", "to": "b", "reason": None, **node}
    times = {"start_ms": 5, "end_ms": 9, "duration_ms": 4}
    return {"role": "node_transition", "text": "b", **times, "node": own, "metadata": {}}


def spoken_row(**fields: Any) -> dict[str, Any]:
    return {
        "role": "user",
        "text": "Hi",
        "start_ms": 5,
        "end_ms": 9,
        "duration_ms": 4,
        "metadata": {},
        **fields,
    }


BROKEN: list[tuple[dict[str, Any], list[str]]] = [
    (spoken_row(end_ms=2), []),
    (spoken_row(end_ms=2_000), []),
    (spoken_row(start_ms=-5, end_ms=-2), []),
    (spoken_row(start_ms=5.0), []),
    (spoken_row(duration_ms=9), []),
    (spoken_row(text=7), ["text"]),
    (spoken_row(metadata={"e2e_latency": "9"}), ["e2e_latency"]),
    (spoken_row(metadata={"interrupted": 1, "mine": 1}), ["interrupted"]),
    (spoken_row(words="Hi"), []),
    (spoken_row(words=[{"word": "Hi", "start_ms": 9, "end_ms": 5}, {"word": 3}]), []),
    (spoken_row(words=[{"word": "Hi", "start_ms": 9, "end_ms": 5_000}]), []),
    ({**tool_row("agent_result", result={}), "start_ms": 3_000, "end_ms": 3_000}, []),
    (tool_row("agent_function"), ["params"]),
    (tool_row("agent_function", params=[1]), ["params"]),
    (tool_row("agent_result"), ["result"]),
    (tool_row("agent_result", result={}, error=7), ["error"]),
    (tool_row("agent_result", error={"a": 1}), ["error", "result"]),
    (tool_row("agent_result", result={}, name=7, request_id=None), []),
    (node_row(**{"from": None}), ["from"]),
    (node_row(**{"from": ""}), ["from"]),
    (node_row(to=7), ["to"]),
    (node_row(reason=7), ["reason"]),
]


@pytest.mark.parametrize(
    "row",
    [
        spoken_row(end_ms=2),
        spoken_row(end_ms=2_000, duration_ms=1_995),
        spoken_row(start_ms=-5, duration_ms=14),
        spoken_row(start_ms=5.0),
        spoken_row(duration_ms=9),
        spoken_row(words=[{"word": "Hi", "start_ms": 9, "end_ms": 5_000}]),
        tool_row("agent_result"),
        tool_row("agent_function", params={}, name=7),
        tool_row("agent_function", params={}, request_id=None),
        node_row(**{"from": ""}),
        node_row(to=""),
    ],
)
def test_what_the_course_of_a_call_can_put_wrong_is_seen(row: dict[str, Any]) -> None:
    """The quick look at a row of our own sends every row that the fold may have left wrong to be mended."""
    assert not is_right(row, 1_000)


@pytest.mark.parametrize(("row", "put_back"), BROKEN)
def test_a_wrong_row_is_mended(row: dict[str, Any], put_back: list[str]) -> None:
    """Each rule of a row that is broken is mended, and what was put back or left out is named."""
    row = orjson.loads(to_json(row))
    assert conform(row, 1_000) == put_back

    call = {"call_id": "c", "call_type": "web_call", "recording_url": "pending"}
    document = {**call, "start_timestamp": 10**12, "end_timestamp": 10**12 + 1_000}
    assert validate({**document, "transcript_with_tool_calls": [row]}) == []
    assert 0 <= row["start_ms"] <= row["end_ms"] <= 1_000
    assert row.get("tool", row)["start_ms"] == row["start_ms"]
    assert all(0 <= word["start_ms"] <= word["end_ms"] <= 1_000 for word in row.get("words", ()))


@pytest.mark.parametrize(
    "row",
    [spoken_row(), node_row(), tool_row("agent_function", params={}), tool_row("agent_result", error="no")],
)
def test_a_right_row_is_left_alone(row: dict[str, Any]) -> None:
    """What is right already stays what it was, the same objects."""
    assert is_right(row, LONGEST_MS)
    before, parts = to_json(row), {name: id(value) for name, value in row.items()}

    assert conform(row, LONGEST_MS) == []
    assert to_json(row) == before
    assert {name: id(value) for name, value in row.items()} == parts


def test_the_end_of_an_encoded_row_is_its_own() -> None:
    """Words that look like the field are not taken for it."""
    row = to_json(spoken_row(text='"end_ms":99999,', metadata={"end_ms": 99_999}))

    assert ends_within(row, 9)
    assert not ends_within(row, 8)


def test_only_the_conversation_can_say_nothing() -> None:
    """A row of a node or a tool has no words of anybody's; withheld words are words."""
    assert says_nothing(spoken_row(text="\n"))
    assert not says_nothing(spoken_row(text="", metadata={"withheld": "words"}))
    assert not says_nothing(node_row())
