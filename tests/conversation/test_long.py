"""A conversation of 200 turns, with new messages only and with the whole history every time."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from scripted import ScriptedModel, calls

from conversation.driving import handler, said

TURNS = 200


@tool
def look_up(what: str) -> str:
    """Look something up."""
    return "found"


def agent(memory: bool) -> Any:
    """An agent that says a word before each look-up, and the same words in every turn."""
    asking = calls({"name": "look_up", "args": {"what": "x"}, "id": "c1"}, text="One moment.")
    return create_agent(
        ScriptedModel(asking, "Here you are."), [look_up], checkpointer=InMemorySaver() if memory else None
    )


def rows(number: int) -> list[str]:
    """What each turn must add: every third question is the same as the one before it."""
    return [
        f"{number} user: {question(number)}",
        f"{number} agent: One moment.",
        f"{number} agent: Here you are.",
    ]


def question(number: int) -> str:
    """What the caller says in a turn."""
    return f"Question {number - (number % 3 == 0)}"


@pytest.mark.parametrize("memory", [True, False], ids=["checkpointer", "whole history"])
def test_two_hundred_turns(memory: bool) -> None:
    """Each turn adds its own rows and no other's, however long the history has grown."""
    program, call = agent(memory), handler()
    config: Any = {"callbacks": [call], "configurable": {"thread_id": "t"}}
    history: list[Any] = []
    for number in range(1, TURNS + 1):
        if memory:
            program.invoke({"messages": [("user", question(number))]}, config)
        else:
            # As programs that keep the conversation themselves do: new objects every time, without ids.
            history.append(HumanMessage(question(number)))
            copies = [
                type(message)(message.content)
                for message in history
                if isinstance(message, HumanMessage | AIMessage)
            ]
            program.invoke({"messages": copies}, config)
            history += [AIMessage("One moment."), AIMessage("Here you are.")]

    assert said(call) == [row for number in range(1, TURNS + 1) for row in rows(number)]
    assert [row["metadata"]["turn"] for row in call.timeline] == sorted(
        row["metadata"]["turn"] for row in call.timeline
    )
