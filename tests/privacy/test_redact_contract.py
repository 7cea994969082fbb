"""A `redact` hook may do anything: what it leaves is a document that the API takes, and says what is missing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from docs.pages import ROOT, read
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from search.hooks import HOOKS, Hook

from tuner_langchain import Capture
from tuner_langchain.testing import record, validate


@tool
def find_table(people: int) -> dict[str, Any]:
    """Find a table."""
    return {"at": "19:30", "people": people}


@tool
def broken(people: int) -> str:
    """Fail."""
    raise ValueError("no table")


def whole_call(redact: Hook | None) -> Any:
    """Return a finalised call with words, nodes, tools that answer and fail, errors, an interrupt and facts."""

    def ask(state: MessagesState) -> Any:
        find_table.invoke({"people": 2})
        with pytest.raises(ValueError, match="no table"):
            broken.invoke({"people": 3})
        return {"messages": [("ai", "For how many?")]}

    def confirm(state: MessagesState) -> Any:
        interrupt({"ask": "sure?"})
        return {}

    builder = StateGraph(MessagesState)
    builder.add_node(ask)
    builder.add_node(confirm)
    builder.add_edge(START, "ask")
    builder.add_conditional_edges("ask", lambda state: "confirm", ["confirm"])
    call = record(capture=Capture(redact=redact))
    config: Any = {"callbacks": [call], "configurable": {"thread_id": "t"}}
    graph: Any = builder.compile(checkpointer=InMemorySaver())
    graph.invoke({"messages": [("user", "A table, please.")]}, config)
    call.add_user_turn("It is 4111 1111 1111 1111.", words=[{"word": "It", "start_ms": 0, "end_ms": 90}])
    call.finalize(
        transcript="Ada: a table",
        caller_phone_number="+15550100",
        disconnection_reason="user_hangup",
        collected_dynamic_variables={"notes": ["card 4111111111111111"]},
        metadata={"crm": {"name": "Ada"}},
    )
    return call


def rows(call: Any, role: str) -> list[Any]:
    return [row for row in call.timeline if row["role"] == role]


def hooks_of_the_page() -> dict[str, Hook]:
    """Return what docs/privacy.md gives to `Capture(redact=...)`, as it is written there."""
    found: dict[str, Hook] = {}
    for block in read(ROOT / "docs" / "privacy.md").blocks:
        shown = re.findall(r"Capture\(redact=(.+)\)\)$", block.code, re.MULTILINE)
        if block.language == "python" and shown:
            names: dict[str, Any] = {"Capture": Capture, "record": record}
            exec(compile(block.code, "docs/privacy.md", "exec"), names)
            found |= {hook: eval(hook, names) for hook in shown}
    return found


PAGES_OWN = hooks_of_the_page()


def test_the_page_shows_hooks() -> None:
    """There are hooks on the page to be held to the contract."""
    assert {"redact", "broken"} < PAGES_OWN.keys()


@pytest.mark.parametrize("name", PAGES_OWN)
def test_the_hooks_of_the_page(name: str) -> None:
    """What the documentation shows makes a document that is accepted, for a call with everything in it."""
    call = whole_call(PAGES_OWN[name])

    assert validate(call.body) == []
    assert b"4111111111111111" not in call.body


@pytest.mark.parametrize("name", HOOKS)
def test_any_hook(name: str) -> None:
    """Whatever a hook returns or raises, `SystemExit` too, the call is finalised and its document is accepted."""
    call = whole_call(HOOKS[name])

    assert validate(call.body) == []
    assert call.receipt.state == "delivered"


def test_dropped_arguments_and_results_are_put_back_empty() -> None:
    """The API needs an object there; the row's metadata names what was dropped."""

    def redact(segment: Any) -> Any:
        segment.get("tool", {}).pop("params", None)
        segment.get("tool", {}).pop("result", None)
        return segment

    call = whole_call(redact)

    assert [row["tool"]["params"] for row in rows(call, "agent_function")] == [{}, {}]
    assert {row["metadata"]["withheld"] for row in rows(call, "agent_function")} == {"params"}
    answered, failed = rows(call, "agent_result")
    assert (answered["tool"]["result"], answered["metadata"]["withheld"]) == ({}, "result")
    assert failed["tool"]["error"] == "ValueError: no table"
    assert "withheld" not in failed["metadata"]


def test_a_hook_that_returns_the_text_alone() -> None:
    """The frame of a row is put back: who, when, which tool, which node; its reason and its values are not."""
    call = whole_call(lambda segment: {"text": segment["text"]})
    whole = whole_call(None)

    assert [row["role"] for row in call.timeline] == [row["role"] for row in whole.timeline]
    for row in rows(call, "node_transition"):
        assert row["node"]["to"] == row["text"]
        assert row["node"]["reason"] is None
    assert [row["tool"]["name"] for row in rows(call, "agent_function")] == ["find_table", "broken"]
    assert [row["tool"]["params"] for row in rows(call, "agent_function")] == [{}, {}]


def test_a_hook_that_empties_the_words_says_so() -> None:
    """A row of the conversation without words says that they were withheld."""
    call = whole_call(lambda segment: {**segment, "text": ""})

    assert {(row["text"], row["metadata"]["withheld"]) for row in rows(call, "user")} == {("", "text")}


def test_a_hook_that_leaves_no_row_leaves_the_call() -> None:
    """The API takes no call without a row: one row without content says that all were withheld."""
    call = whole_call(lambda segment: None)

    (row,) = call.timeline
    assert row["metadata"] == {"withheld": "all rows"}
    assert (row["start_ms"], row["end_ms"]) == (0, call.document["duration_ms"])
    assert b"table" not in call.body


def test_a_fact_that_became_too_long_is_left_out() -> None:
    """A hook that makes a phone number longer than the API takes costs the number, not the call."""
    call = whole_call(lambda segment: {**segment, "text": "x" * 101})

    assert "caller_phone_number" not in call.document
    assert "disconnection_reason" not in call.document
    assert call.document["transcript"] == "x" * 101


def test_what_the_hook_got_before_is_not_this_row() -> None:
    """A hook that returns another row's dictionary changes no row's role, time or tool call."""
    call, whole = whole_call(HOOKS["before"]), whole_call(None)

    def frames(made: Any) -> list[Any]:
        return [(row["role"], row.get("tool", {}).get("name")) for row in made.timeline]

    assert frames(call) == frames(whole)


def test_ctrl_c_in_a_hook_is_not_swallowed() -> None:
    """`KeyboardInterrupt` is the user's own; everything else that a hook raises costs its text."""
    with pytest.raises(KeyboardInterrupt):
        whole_call(_interrupted)


def _interrupted(segment: Any) -> Any:
    raise KeyboardInterrupt
