"""The life of a call: from the handler's making to its receipt."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
import uuid
import weakref
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.graph import END, START, MessagesState, StateGraph

from tuner_langchain import CallFactError, Receipt, TunerCallbackHandler
from tuner_langchain.errors import FinalizedError


class Shelf:
    """Keeps each document it is handed; what tests put in the place of delivery."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.threads: list[str] = []

    def submit(self, call_id: str, body: bytes, *, recording: Any = None) -> Receipt:
        self.bodies.append(body)
        self.threads.append(threading.current_thread().name)
        return Receipt.empty(call_id, "kept on a shelf")

    @property
    def document(self) -> dict[str, Any]:
        (body,) = self.bodies
        document: dict[str, Any] = json.loads(body)
        return document


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    return Shelf()


def new_handler(shelf: Shelf, **kwargs: Any) -> TunerCallbackHandler:
    handler = TunerCallbackHandler(delivery=shelf, **kwargs)
    handler.raise_error = True
    return handler


def graph() -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("greet", lambda state: {"messages": [("ai", "Good evening.")]})
    builder.add_edge(START, "greet")
    builder.add_edge("greet", END)
    return builder.compile()


def take_turn(handler: TunerCallbackHandler) -> None:
    graph().invoke({"messages": [("user", "Hello?")]}, {"callbacks": [handler]})


def test_call_id_defaults_to_a_new_uuid(shelf: Shelf) -> None:
    """Each call without an id gets one of its own."""
    first, second = new_handler(shelf), new_handler(shelf)

    assert uuid.UUID(first.call_id) != uuid.UUID(second.call_id)


def test_facts_come_from_constructor_update_and_finalize(shelf: Shelf) -> None:
    """The latest value of a fact wins, objects are merged key by key."""
    handler = new_handler(shelf, call_id="c-1", call_type="phone_call", user_sentiment="neutral")
    take_turn(handler)
    handler.update(collected_dynamic_variables={"name": "Ada", "party": 2}, sip_call_id="abc@host")
    handler.finalize(collected_dynamic_variables={"party": 4}, user_sentiment="positive")

    document = shelf.document
    assert document["call_id"] == "c-1"
    assert document["call_type"] == "phone_call"
    assert document["user_sentiment"] == "positive"
    assert document["collected_dynamic_variables"] == {"name": "Ada", "party": 4}
    assert document["sip_call_id"] == "abc@host"
    assert document["recording_url"] == "pending"


def test_second_finalize_returns_the_first_receipt(shelf: Shelf) -> None:
    """A call is handed over once, however often it is finalised."""
    handler = new_handler(shelf)
    take_turn(handler)

    assert handler.finalize() is handler.finalize()
    assert len(shelf.bodies) == 1


def test_finalize_from_many_threads_hands_over_once(shelf: Shelf) -> None:
    """Threads that finalise at the same moment all get the one receipt."""
    handler = new_handler(shelf)
    take_turn(handler)
    receipts: list[Receipt] = []
    start = threading.Barrier(8)

    def finalize() -> None:
        start.wait()
        receipts.append(handler.finalize())

    threads = [threading.Thread(target=finalize) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(shelf.bodies) == 1
    assert len(set(map(id, receipts))) == 1
    assert len(receipts) == 8


def test_late_callbacks_are_ignored_and_counted(shelf: Shelf) -> None:
    """A turn that runs after the end of the call changes nothing and is counted."""
    handler = new_handler(shelf)
    take_turn(handler)
    handler.finalize()
    take_turn(handler)

    assert len(shelf.bodies) == 1
    assert handler.late_callbacks > 0


def test_call_in_which_nothing_happened_is_not_posted(shelf: Shelf) -> None:
    """The API refuses a call without rows, so the receipt says there was none instead."""
    receipt = new_handler(shelf).finalize()

    assert receipt.state == "empty"
    assert "Nothing happened" in str(receipt.message)
    assert shelf.bodies == []


def test_run_still_open_at_the_end_is_kept_and_marked(shelf: Shelf) -> None:
    """A node that still runs when the call is finalised has its row, marked unfinished."""
    inside, leave = threading.Event(), threading.Event()

    def slow(state: MessagesState) -> dict[str, Any]:
        inside.set()
        leave.wait(10)
        return {}

    builder = StateGraph(MessagesState)
    builder.add_node("slow", slow)
    builder.add_edge(START, "slow")
    handler = new_handler(shelf)
    turn = threading.Thread(
        target=lambda: builder.compile().invoke({"messages": []}, {"callbacks": [handler]})
    )
    turn.start()
    inside.wait(10)
    handler.finalize()
    leave.set()
    turn.join()

    (row,) = [row for row in shelf.document["transcript_with_tool_calls"] if row["role"] == "node_transition"]
    assert (row["text"], row["metadata"]["status"]) == ("slow", "unfinished")


def test_with_block_finalises(shelf: Shelf) -> None:
    """Leaving the block ends the call."""
    with new_handler(shelf) as handler:
        take_turn(handler)

    assert "call_successful" not in shelf.document
    assert handler.receipt is not None


def test_with_block_that_raises_marks_the_call_as_failed(shelf: Shelf) -> None:
    """The call is sent, marked as failed, and the exception goes on."""
    with pytest.raises(ZeroDivisionError), new_handler(shelf) as handler:
        take_turn(handler)
        _ = 1 / 0

    assert shelf.document["call_successful"] is False
    assert shelf.document["disconnection_reason"] == "error"


def test_what_the_user_said_of_the_ending_wins_over_the_exception(shelf: Shelf) -> None:
    """A reason that was given stays when the block raises."""
    with pytest.raises(ZeroDivisionError), new_handler(shelf) as handler:
        take_turn(handler)
        handler.update(disconnection_reason="user_hangup")
        _ = 1 / 0

    assert shelf.document["disconnection_reason"] == "user_hangup"


def test_async_with_block_finalises_off_the_loop(shelf: Shelf) -> None:
    """The document is made and written on a thread that is not the event loop's."""

    async def call() -> None:
        async with new_handler(shelf) as handler:
            await graph().ainvoke({"messages": [("user", "Hello?")]}, {"callbacks": [handler]})

    asyncio.run(call())

    assert shelf.threads == ["tuner-finalize"]


def test_cancelled_afinalize_still_hands_the_call_over(shelf: Shelf) -> None:
    """A voice stack that cancels the session while it ends loses nothing."""

    async def call() -> None:
        handler = new_handler(shelf)
        await graph().ainvoke({"messages": [("user", "Hello?")]}, {"callbacks": [handler]})
        ending = asyncio.create_task(handler.afinalize())
        await asyncio.sleep(0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        await handler.afinalize()

    asyncio.run(call())

    assert len(shelf.bodies) == 1


def test_wrong_fact_at_the_end_costs_the_fact_not_the_call(shelf: Shelf) -> None:
    """The error names the field and says what became of the call, which was handed over."""
    handler = new_handler(shelf, call_id="c-9")
    take_turn(handler)
    with pytest.raises(CallFactError, match=r"user_sentiment: is 'angry'.*c-9 was finalised without"):
        handler.finalize(user_sentiment="angry")  # type: ignore[arg-type]

    assert "user_sentiment" not in shelf.document


def test_facts_after_the_end_are_logged(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    """A fact that comes too late breaks nothing and does not vanish silently."""
    handler = new_handler(shelf, call_id="c-7")
    take_turn(handler)
    handler.finalize()
    with caplog.at_level(logging.WARNING):
        handler.update(user_sentiment="positive")

    assert "c-7 is finalised already; too late for user_sentiment" in caplog.text


def test_nothing_of_the_call_is_kept_but_its_receipt(shelf: Shelf) -> None:
    """After the end no message of the call is alive, and the handler says where the timeline can be seen."""
    handler = new_handler(shelf)
    message = HumanMessage("Hello?")
    graph().invoke({"messages": [message]}, {"callbacks": [handler]})
    handler.finalize()
    alive = weakref.ref(message)
    del message
    gc.collect()

    assert alive() is None
    with pytest.raises(FinalizedError, match="tuner-langchain show"):
        _ = handler.timeline


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(shelf: Shelf, enabled: bool) -> None:
    """Finalising lets the collector rest, and only a program that had it on has it on again."""
    handler = new_handler(shelf)
    take_turn(handler)
    try:
        if not enabled:
            gc.disable()
        handler.finalize()

        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_offsets_are_measured_from_the_given_start(shelf: Shelf) -> None:
    """A call that began before its handler was made has its rows at their real distance."""
    handler = new_handler(shelf, start_timestamp=int(time.time()) - 60)
    take_turn(handler)
    handler.finalize()

    document = shelf.document
    assert all(60_000 <= row["start_ms"] < 120_000 for row in document["transcript_with_tool_calls"])
    assert document["end_timestamp"] - document["start_timestamp"] == document["duration_ms"] >= 60_000
