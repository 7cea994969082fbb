"""What the handler costs grows with what happens, never with what was said before: counted, not timed."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from benchmarks import agents
from benchmarks.cases.conversation import messages_in, runs_in
from benchmarks.events import Event, fresh, play, record
from benchmarks.handlers import Discard, ours
from benchmarks.reach import reach


def calls_during(work: Callable[[], object]) -> int:
    """Return how many functions, Python's and C's, were called while `work` ran."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def peak_bytes_during(work: Callable[[], object]) -> int:
    """Return how much memory was allocated at most at one moment while `work` ran."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def turn_after(history: int) -> list[Event]:
    """Return the events of one turn of a conversation in which so many messages were said before."""
    graph = agents.conversation()
    thread = {"configurable": {"thread_id": "one"}}
    said = [
        kind(content=f"message {number}")
        for number in range(history // 2)
        for kind in (HumanMessage, AIMessage)
    ]
    graph.update_state(thread, {"messages": said})
    return record(lambda config: graph.invoke(agents.ONE_TURN, config={**config, **thread}))


@pytest.fixture(scope="module")
def early_turn() -> list[Event]:
    """A turn near the beginning of a conversation."""
    return turn_after(10)


@pytest.fixture(scope="module")
def late_turn() -> list[Event]:
    """The same turn, whose events carry a history of 4,000 messages."""
    return turn_after(4_000)


@pytest.fixture(scope="module")
def agent_turn() -> list[Event]:
    """The 86 events of one turn of an agent that calls ten tools."""
    graph = agents.agent_loop()
    return record(lambda config: graph.invoke(agents.ONE_TURN, config=config))


def played_ten_times(turn: list[Event]) -> Any:
    """Return a handler that has seen the turn ten times, as ten turns."""
    handler: Any = ours()
    for _ in range(10):
        play(fresh(turn), handler)
    return handler


def called(handler: Any, turns: int, turn: list[Event]) -> int:
    """Return how many functions `finalize` calls after so many turns."""
    for _ in range(turns):
        play(fresh(turn), handler)
    return calls_during(handler.finalize)


def test_a_late_turn_calls_no_more_functions_than_an_early_one(
    early_turn: list[Event], late_turn: list[Event]
) -> None:
    """Callbacks do not walk the history: a turn takes the same work after ten messages and after thousands."""
    handler = played_ten_times(early_turn)
    early, late = fresh(early_turn), fresh(late_turn)

    assert calls_during(lambda: play(late, handler)) == calls_during(lambda: play(early, handler))


def test_a_late_turn_allocates_no_more_than_an_early_one(
    early_turn: list[Event], late_turn: list[Event]
) -> None:
    """Callbacks do not copy the history either, not even for a moment."""
    handler = played_ten_times(early_turn)
    early, late = fresh(early_turn), fresh(late_turn)

    # A list or a dictionary that takes more room may fall into either turn; a copied history is 32 KB.
    peak = peak_bytes_during(lambda: play(early, handler))
    assert peak_bytes_during(lambda: play(late, handler)) <= peak + 8_192


def test_memory_of_a_call_grows_by_the_turn_not_by_the_history(
    early_turn: list[Event], late_turn: list[Event]
) -> None:
    """Late turns take as much memory as early ones, and no message of LangChain's is held."""
    early, late = reach(played_ten_times(early_turn)), reach(played_ten_times(late_turn))

    assert late.size_bytes <= early.size_bytes * 1.05
    assert messages_in(late) == 0


def test_finalising_is_linear_in_the_rows(agent_turn: list[Event]) -> None:
    """Four times the turns make four times the work, give or take what a call costs in any case."""
    few, many = (called(ours(), turns, agent_turn) for turns in (10, 40))

    assert many <= few * 4.2


def test_nothing_of_a_finalised_call_is_kept(agent_turn: list[Event]) -> None:
    """A finalised handler holds its receipt, and no run, no message and no document."""
    outlet = Discard()
    handler: Any = ours(outlet)
    for _ in range(20):
        play(fresh(agent_turn), handler)
    handler.finalize()
    outlet.last = b""

    kept = reach(handler)
    assert runs_in(kept) == 0
    assert messages_in(kept) == 0
    assert kept.size_bytes < 16_384


def test_calls_in_a_row_leave_no_blocks_behind(agent_turn: list[Event]) -> None:
    """A hundred more calls leave as many live blocks of memory as there were before them."""

    def blocks_after(calls: int) -> int:
        for _ in range(calls):
            handler = ours()
            play(fresh(agent_turn), handler)
            handler.finalize()
        del handler
        gc.collect()
        return sys.getallocatedblocks()

    before = blocks_after(20)

    assert blocks_after(100) <= before + 50


def test_a_token_costs_one_reference(agent_turn: list[Event]) -> None:
    """A streamed token after the first calls nothing but what notes it."""
    graph = agents.streaming(200)

    def streamed(config: dict[str, Any]) -> None:
        for _ in graph.stream({"messages": [("user", "More.")]}, config=config, stream_mode="messages"):
            pass

    events = record(streamed)
    tokens = [event.method for event in events].index("on_llm_new_token")
    handler: Any = ours()
    played = fresh(events)
    play(played[: tokens + 1], handler)
    hundred = played[tokens + 1 : tokens + 101]

    empty = calls_during(lambda: play([], handler))
    # getattr, the callback, finding its run (a UUID's hash is three calls), the append.
    assert (calls_during(lambda: play(hundred, handler)) - empty) / 100 <= 9
