from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from langgraph.graph import END, START, MessagesState, StateGraph
from scripted import ScriptedModel

from tuner_langchain import CallFactError, Capture, TunerCallbackHandler
from tuner_langchain.testing import ManualClock, record, validate


def greeter() -> Any:
    """Return a graph of one node that answers with a model."""
    model = ScriptedModel("Good evening!")
    graph = StateGraph(MessagesState)
    graph.add_node("greet", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "greet")
    graph.add_edge("greet", END)
    return graph.compile()


def test_record_needs_no_account_and_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler is made, used and finalised without a single setting, and its document is valid."""
    for name in list(os.environ):
        if name.startswith("TUNER_"):
            monkeypatch.delenv(name)
    call = record(call_type="phone_call")

    greeter().invoke({"messages": [("user", "Hello")]}, {"callbacks": [call]})

    assert isinstance(call, TunerCallbackHandler)
    assert call.timeline.path() == "greet"
    assert call.body is None
    receipt = call.finalize(disconnection_reason="user_hangup").wait(timeout=1)
    assert (receipt.state, receipt.call_id) == ("delivered", call.call_id)
    assert call.finalized
    assert validate(call.body or b"") == []
    assert call.document["disconnection_reason"] == "user_hangup"


def test_the_call_stays_at_hand_after_finalize() -> None:
    """What would have been sent is the timeline from then on; later callbacks change nothing."""
    call = record()
    config: Any = {"callbacks": [call]}
    greeter().invoke({"messages": [("user", "Hello")]}, config)
    call.finalize()
    before = call.timeline.outline()

    greeter().invoke({"messages": [("user", "Hello again")]}, config)

    assert call.timeline.outline() == before
    assert call.late_callbacks > 0


def test_async_code_records_too() -> None:
    """`ainvoke` and `async with` work as they do in production."""

    async def play() -> Any:
        async with record() as call:
            await greeter().ainvoke({"messages": [("user", "Hello")]}, {"callbacks": [call]})
        return call

    call = asyncio.run(play())

    assert call.finalized
    assert call.timeline.said_by_agent == ["Good evening!"]


def test_a_call_in_which_nothing_happened() -> None:
    """It is finalised without a document, its receipt says so, and its timeline is empty."""
    call = record()

    assert call.finalize().state == "empty"
    assert call.body is None
    assert len(call.timeline) == 0


def test_capture_and_facts_are_those_of_the_real_handler() -> None:
    """A capture hides what it hides in production; a wrong fact is an error at its line."""
    call = record(capture=Capture(words=False))
    greeter().invoke({"messages": [("user", "my secret")]}, {"callbacks": [call]})
    call.finalize()

    assert b"my secret" not in (call.body or b"")
    with pytest.raises(CallFactError, match="call_type"):
        record(call_type="")


def test_a_manual_clock_moves_when_told() -> None:
    """Times in the document are those of the clock."""
    clock = ManualClock()
    call = record(clock=clock)
    graph: Any = StateGraph(MessagesState)
    graph.add_node("slow", lambda state: clock.tick(250))
    graph.add_edge(START, "slow")

    clock.tick(1000)
    graph.compile().invoke({"messages": [("user", "Hello")]}, {"callbacks": [call]})

    assert (call.timeline.nodes[0].start_ms, call.timeline.nodes[0].duration_ms) == (1000, 250)
    assert clock.now_ms == 1250


def test_a_stepping_clock_gives_each_event_its_own_moment() -> None:
    """Two runs have the same times, to the millisecond."""
    calls = [record(clock=ManualClock(step_ms=1)) for _ in range(2)]
    for call in calls:
        greeter().invoke({"messages": [("user", "Hello")]}, {"callbacks": [call]})
    spans = [[(row["start_ms"], row["end_ms"]) for row in call.timeline] for call in calls]

    assert spans[0] == spans[1]
    assert len({start for start, _ in spans[0]}) > 1


def test_a_clock_never_goes_back() -> None:
    """A negative tick is refused where it is given."""
    with pytest.raises(ValueError, match="never goes back"):
        ManualClock().tick(-1)
