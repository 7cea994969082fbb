"""What is said in the demonstration call: the caller's words, and the lines of the scripted model."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from tuner_langchain.demo.model import Line, ScriptedModel

CALLER = (
    "Hello, are you open on Sunday evening?",
    "Good. A table for four around seven, please.",
    "The later one, then. My name is Okafor.",
    "No, that is all. Goodbye!",
)


def classifier() -> ScriptedModel:
    """Return the model that names what the caller wants, in one word."""
    words = ("hours", "booking", "booking", "goodbye")
    return ScriptedModel(lines=[_say(word) for word in words], first_token_s=0.12, model_name="scripted-mini")


def booking_model() -> ScriptedModel:
    """Return the model that takes the booking; it reads what its tools really answered."""
    return ScriptedModel(
        lines=[
            _call("find_table", "call_find_1", people=4, around="19:00"),
            lambda messages: AIMessage(
                f"Seven is taken, I am afraid. I have {' or '.join(_answer(messages)['free'])}. Which one suits you?"
            ),
            lambda messages: _book(messages, "call_book_1"),
            lambda messages: _book(messages, "call_book_2"),
            lambda messages: AIMessage(
                "Done: a table for {people} at {at}, {name}. Your reference is {reference}. "
                "Anything else?".format(**_answer(messages))
            ),
        ]
    )


def _say(words: str) -> Line:
    return lambda _: AIMessage(words)


def _call(tool: str, call_id: str, **args: Any) -> Line:
    return lambda _: AIMessage(
        "", tool_calls=[{"name": tool, "args": args, "id": call_id, "type": "tool_call"}]
    )


def _book(messages: Sequence[BaseMessage], call_id: str) -> AIMessage:
    times = next(_read(m)["free"] for m in messages if isinstance(m, ToolMessage) and m.name == "find_table")
    return _call("book_table", call_id, people=4, at=times[-1], name="Okafor")(messages)


def _answer(messages: Sequence[BaseMessage]) -> dict[str, Any]:
    return _read(next(m for m in reversed(messages) if isinstance(m, ToolMessage)))


def _read(message: ToolMessage) -> dict[str, Any]:
    try:
        found = json.loads(str(message.content))
    except ValueError:
        found = ast.literal_eval(str(message.content))
    return dict(found)
