"""The rows of long calls are made ready between the turns, and are the rows that one reading at the end makes."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import uuid
import weakref
from typing import Any

import orjson
import pytest
from conversation.driving import handler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.graph import START, MessagesState, StateGraph

from tuner_langchain.ahead import ENOUGH_RUNS
from tuner_langchain.capture import Capture

ROWS = "transcript_with_tool_calls"
NODES = 30
TURNS = ENOUGH_RUNS // NODES + 1


def long_graph() -> Any:
    """Return a graph of many nodes, the last of which answers."""
    graph = StateGraph(MessagesState)
    graph.add_sequence([(f"step_{number}", lambda _: {}) for number in range(NODES)])
    graph.add_node(
        "answer", lambda state: {"messages": [AIMessage(f"You said {state['messages'][-1].content}.")]}
    )
    graph.add_edge(START, "step_0")
    graph.add_edge(f"step_{NODES - 1}", "answer")
    return graph.compile()


def long_call(call: Any, turns: int = TURNS) -> Any:
    """Run so many turns that the call's rows are worth making ready."""
    for number in range(turns):
        long_graph().invoke({"messages": [("user", f"number {number}")]}, {"callbacks": [call]})
    return call


def wait_until_ready(call: Any) -> int:
    """Wait for the background thread, and return how many of the call's runs are in rows that are ready."""
    deadline = time.monotonic() + 20
    while not call._ahead.runs_ready and time.monotonic() < deadline:
        time.sleep(0.01)
    return int(call._ahead.runs_ready)


def sent(call: Any) -> dict[str, Any]:
    """Finalise the call and return its document."""
    call.finalize()
    document: dict[str, Any] = orjson.loads(call.body)
    return document


def test_a_long_call_is_made_ready_while_it_goes_on() -> None:
    """A moment after a turn its rows are ready, and the document is the one that the timeline showed."""
    call = long_call(handler())

    assert wait_until_ready(call) == len(call._record.runs)

    long_call(call, 1)
    shown = call.timeline.document
    document = sent(call)
    assert document[ROWS] == shown[ROWS]
    assert document["metadata"] == shown["metadata"]
    assert len(document[ROWS]) == (TURNS + 1) * (NODES + 3)


def test_a_short_call_starts_no_thread() -> None:
    """What is quickly done at the end is done at the end."""
    before = set(threading.enumerate())
    call = long_call(handler(), 1)

    assert not call._ahead._asked
    assert set(threading.enumerate()) == before


def test_a_turn_that_goes_on_is_left_alone() -> None:
    """While a run is open nothing is made ready, since its turn's rows may still change."""
    call, root = long_call(handler()), uuid.uuid4()
    call.on_chain_start(None, {}, run_id=root, name="graph")

    call._ahead.work()
    assert call._ahead.runs_ready == 0

    call.on_chain_end({}, run_id=root)
    call._ahead.work()
    assert call._ahead.runs_ready == len(call._record.runs)


def test_a_turn_that_is_taken_back_later() -> None:
    """Rows that were ready are marked when the next turn shows that they answered a provisional transcript."""
    call = handler()
    start = [SystemMessage("Be kind."), HumanMessage("Hello", id="u0"), AIMessage("Yes?", id="a0")]
    for number, words in enumerate(("A table for", "A table for two"), 1):
        root, node = uuid.uuid4(), uuid.uuid4()
        marks = {
            "langgraph_node": "talk",
            "langgraph_step": 1,
            "langgraph_path": ("__pregel_pull", "talk"),
            "langgraph_checkpoint_ns": f"talk:{number}",
        }
        said = {"messages": [*start, HumanMessage(words, id=f"u{number}")]}
        call.on_chain_start(None, said, run_id=root, name="graph")
        call.on_chain_start(
            None, said, run_id=node, parent_run_id=root, name="talk", tags=["graph:step:1"], metadata=marks
        )
        for run_id in (node, root):
            call.on_chain_error(asyncio.CancelledError(), run_id=run_id)
        call._ahead.work()
    assert call._ahead.runs_ready == len(call._record.runs)
    shown = call.timeline.document

    document = sent(call)

    assert document[ROWS] == shown[ROWS]
    nodes = [row for row in document[ROWS] if row["role"] == "node_transition"]
    assert [row["metadata"].get("superseded") for row in nodes] == [True, None]


@pytest.mark.parametrize(
    "capture", [Capture(redact=lambda segment: segment), Capture(words=False)], ids=["redact", "words"]
)
def test_what_looks_at_the_whole_call_waits_for_its_end(capture: Capture) -> None:
    """The `redact` hook sees each segment last; where words are withheld, the names of all nodes are needed."""
    call = long_call(handler(capture=capture))

    assert not call._ahead._asked
    call._ahead.work()
    assert call._ahead.runs_ready == 0


def test_secrets_in_rows_that_are_ready_are_masked() -> None:
    """Rows made ready went through the same gate."""
    call = handler()
    run_id = uuid.uuid4()
    call.on_tool_start({"name": "pay"}, "", run_id=run_id, inputs={"password": "hunter2"}, tool_call_id="c1")
    call.on_tool_end("done", run_id=run_id)
    call._ahead.work()

    assert call._ahead.runs_ready == 1
    assert b"hunter2" not in call._ahead._rows.rows[0]
    assert sent(call)[ROWS][0]["tool"]["params"] == {"password": "[masked]"}


def test_a_fault_on_the_way_costs_nothing_but_time() -> None:
    """When rows cannot be made ready, they are made at the call's end, all of them."""

    class ReadOnce(str):
        """A name that cannot be read the first time."""

        __slots__ = ()
        times = 0

        def __str__(self) -> str:
            type(self).times += 1
            if self.times == 1:
                raise ValueError("not now")
            return str.__str__(self)

    call = long_call(handler(), 1)
    node = call._record.runs[NODES]
    node.name = ReadOnce(node.name)

    call._ahead.work()
    assert ReadOnce.times == 1
    assert call._ahead.runs_ready == 0

    assert len(sent(call)[ROWS]) == NODES + 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_ends_the_call_by_itself() -> None:
    """A child has no thread that would let go of the lock, nor rows that could be half made."""
    call = long_call(handler())
    call._ahead.work()
    with call._ahead._lock:
        pid = os.fork()
        if pid == 0:
            try:
                rows = len(sent(long_call(call, 1))[ROWS])
                os._exit(0 if rows == (TURNS + 1) * (NODES + 3) else 1)
            finally:
                os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    assert len(sent(call)[ROWS]) == TURNS * (NODES + 3)


def test_a_call_that_is_dropped_is_not_kept_alive() -> None:
    """A handler that nobody finalises goes away, though its rows had been asked for."""
    call = long_call(handler())
    wait_until_ready(call)
    gone = weakref.ref(call)

    del call
    gc.collect()

    assert gone() is None


def test_calls_that_end_while_rows_are_made_ready() -> None:
    """Whoever comes first, the thread or the end of the call, the document is whole."""
    for pause_ms in (0, 250, 251, 252, 253, 255, 260):
        call = long_call(handler())
        time.sleep(pause_ms / 1000)
        assert len(sent(call)[ROWS]) == TURNS * (NODES + 3)
