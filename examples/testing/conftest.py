"""The fixtures of the tests: a clock they hold, and one way to talk to the agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agent import build_agent
from doubles import FakeTables, ScriptedModel
from langchain_core.messages import AIMessage

from tuner_langchain.testing import ManualClock


@pytest.fixture
def tuner_clock() -> ManualClock:
    """The clock of `tuner_call`: here it moves only when the model and the booking system say so."""
    return ManualClock()


@pytest.fixture
def talk(tuner_clock: ManualClock) -> Callable[..., None]:
    """Say something to the agent: `talk(call, "Are you open?", script=[...])`, once for each turn."""
    model, tables = ScriptedModel(script=[], clock=tuner_clock), FakeTables(tuner_clock)
    agent = build_agent(model, tables)

    def say(call: Any, words: str, script: list[AIMessage | str] | None = None) -> None:
        model.script += [AIMessage(line) if isinstance(line, str) else line for line in script or []]
        config = {"callbacks": [call], "configurable": {"thread_id": "test"}}
        agent.invoke({"messages": [("user", words)]}, config)

    return say
