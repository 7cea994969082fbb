"""Rows stand in the order of the program, whichever millisecond the clock was in."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

from tuner_langchain.testing import record


def roles(offset_us: int) -> list[str]:
    """Return the rows of a greeting, a question and a look-up, with a clock that begins within a millisecond."""

    def greet(_: MessagesState) -> MessagesState:
        return {"messages": [AIMessage("Good evening.")]}

    def ask(_: MessagesState) -> MessagesState:
        return {"messages": [AIMessage("For how many?")]}

    def look_up(_: MessagesState) -> dict[str, Any]:
        return {}

    graph: Any = StateGraph(MessagesState)
    graph.add_sequence([greet, ask, look_up])
    graph.add_edge(START, "greet")
    ticks = count(offset_us * 1_000, 150_000)
    call = record(clock=lambda: next(ticks))
    program: Any = graph.compile()
    program.invoke({"messages": [("user", "Hello.")]}, {"callbacks": [call]})
    call.finalize()
    return [f"{row['role']}: {row['text']}" for row in call.timeline]


@pytest.mark.parametrize("offset_us", range(0, 1_000, 150))
def test_the_order_does_not_depend_on_the_clock(offset_us: int) -> None:
    """What was said stands behind the node that said it and before the next, in the same millisecond and in another."""
    assert roles(offset_us) == [
        "user: Hello.",
        "node_transition: greet",
        "agent: Good evening.",
        "node_transition: ask",
        "agent: For how many?",
        "node_transition: look_up",
    ]
