"""Rules of the timeline that only an unusual call shows."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest
from langchain_core.outputs import GenerationChunk
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from tuner_langchain.langgraph import PUSH, Goto
from tuner_langchain.runs import ChainRun
from tuner_langchain.shrinking import LEAST_ROW_BYTES, shrink
from tuner_langchain.testing import record
from tuner_langchain.timeline.arrivals import Arrivals, Source


@pytest.mark.parametrize(("began_ms", "waited_ms"), [(2_000, 0), (2_300, 300), (1_900, None)])
def test_nobody_waited_for_an_answer_that_began_before_the_end(began_ms: int, waited_ms: int | None) -> None:
    """An agent that speaks into the caller's last words has no latency, never a negative one."""
    call = record()
    call.add_user_turn("A table, please.", start_ms=1_000, end_ms=2_000)
    call.add_agent_turn("Of course.", start_ms=began_ms, end_ms=3_000)

    assert call.timeline[-1]["metadata"].get("e2e_latency") == waited_ms


@pytest.mark.parametrize(("later_ms", "lines"), [(59_000, 1), (62_000, 2)])
def test_nearly_the_same_words_are_one_line_when_they_are_near(later_ms: int, lines: int) -> None:
    """What was spoken a little differently is the graph's line within a minute of it, else another line."""
    call, run_id = record(), uuid.uuid4()
    call.on_chain_start(None, {"messages": [("user", "Hi")]}, run_id=run_id, name="turn")
    call.on_chain_end({"messages": [("ai", "We have a table at half past seven")]}, run_id=run_id)
    call.add_agent_turn("We have a table at half past eight", start_ms=later_ms, end_ms=later_ms + 100)

    assert len(call.timeline.said_by_agent) == lines


def test_a_join_that_is_completed_in_a_later_turn() -> None:
    """With a checkpointer a join waits over turns: both of its nodes lead to what it opens."""

    def node(name: str) -> Any:
        def work(state: MessagesState) -> Any:
            return {"messages": [("ai", name)]}

        return work

    builder = StateGraph(MessagesState)
    for name in ("a", "b", "x", "joined"):
        builder.add_node(name, node(name))
    builder.add_conditional_edges(START, lambda state: state["messages"][-1].content, ["a", "b", "x"])
    builder.add_edge(["a", "b"], "joined")
    builder.add_edge("x", "joined")  # another way there, so that the edges alone cannot tell
    graph: Any = builder.compile(checkpointer=InMemorySaver())
    call = record()
    config = {"callbacks": [call], "configurable": {"thread_id": "t"}}
    graph.invoke({"messages": [("user", "a")]}, config)
    graph.invoke({"messages": [("user", "b")]}, config)

    (joined,) = (row for row in call.timeline if row.get("node", {}).get("to") == "joined")
    assert joined["node"] == {"from": "a+b", "to": "joined", "reason": "join"}
    assert joined["metadata"]["turn"] == 2


@pytest.mark.parametrize(("streamed", "unknown"), [(True, 1), (False, 0)])
def test_a_model_that_failed_after_its_first_words_used_tokens(*, streamed: bool, unknown: int) -> None:
    """Nobody reported what it used, so it is unknown; a call that failed before it gave a word used none."""
    call, run_id = record(), uuid.uuid4()
    call.on_llm_start({"name": "m"}, ["Hello"], run_id=run_id)
    if streamed:
        call.on_llm_new_token("We", chunk=GenerationChunk(text="We"), run_id=run_id)
    call.on_llm_error(ValueError("gone"), run_id=run_id)

    (figures,) = call.document["metadata"]["llm_usage"].values()
    assert (figures["errors"], figures["unknown_usage_calls"]) == (1, unknown)


def test_small_rows_are_not_shortened() -> None:
    """Where a document is too large by its many rows alone, no row is cut for the little that it would give."""
    row = orjson.dumps({"role": "user", "text": "x" * 400, "metadata": {}})
    assert len(row) < LEAST_ROW_BYTES

    assert shrink([row] * 100, 10_000) == ([row] * 100, 0)


def test_sends_of_one_object_are_told_apart_in_their_order() -> None:
    """Two nodes that send the same object to one node each lead to one of its executions."""
    arrivals = Arrivals(None)
    for path in ("p", "q"):
        arrivals.go((Goto("worker", 5),), Source(path, "router"))
    sources = []
    for _ in range(2):
        task = ChainRun(None, "worker", 0)
        task.path, task.input_id = (PUSH,), 5
        sources += [source.came_from for source in arrivals.sent(task)]

    assert sources == ["p", "q"]
