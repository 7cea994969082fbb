"""What a turn brought: the caller's words in a program's input, read. Pure.

The reading starts at the end of a history and stops at the caller's message before the agent's last answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tuner_langchain.messages.content import content_text
from tuner_langchain.messages.forms import FORMS
from tuner_langchain.messages.said import (
    HUMAN,
    Said,
    backwards,
    is_message,
    messages_of,
    parts,
    written_by_library,
)
from tuner_langchain.values import tolerant


class Incoming(NamedTuple):
    """The caller's messages at the end of a turn's input, those after the agent's last answer.

    `before_id` is the id of the caller's message before that answer. `whole` says that the input reached back
    behind this turn, so that what is missing in it was taken out of the conversation. `guessed` marks the one
    string of an input without messages, which only a chain reads as what the caller said. `awaited` marks a
    chain that is fed as a stream: its words come later. `resumed` is text that a paused graph went on with,
    which the caller said if a node takes it into the conversation.
    """

    said: tuple[Said, ...] = ()
    before_id: str | None = None
    whole: bool = False
    guessed: bool = False
    awaited: bool = False
    resumed: tuple[str, ...] = ()


NOTHING: Final = Incoming()


@tolerant(NOTHING)
def incoming(inputs: Any, key: str) -> Incoming:
    """Return what the caller brought with a turn's input."""
    value = _conversation(inputs, key)
    if value is None:
        return (
            Incoming(resumed=_resumed_with(inputs))
            if FORMS[type(inputs)] == "command"
            else _plain_words(inputs)
        )
    found: list[Said] = []
    beyond = False
    for message in backwards(value):
        kind, content, message_id = parts(message)
        if kind in HUMAN:
            if beyond:
                return Incoming(tuple(reversed(found)), message_id, whole=True)
            text = content_text(content)
            if text and not written_by_library(message):
                found.append(Said(text, message_id, id(message)))
        else:
            beyond = True
    return Incoming(tuple(reversed(found)), None, whole=beyond)


def _resumed_with(command: Any) -> tuple[str, ...]:
    resume = getattr(command, "resume", None)
    values = resume.values() if isinstance(resume, Mapping) else (resume,)
    return tuple(value for value in values if isinstance(value, str))


def _plain_words(inputs: Any) -> Incoming:
    """Return the words of a chain's own input: a string, `{"input": ...}`, or the one string of a mapping."""
    if isinstance(inputs, str):
        return Incoming((Said(inputs, None, 0),)) if inputs else Incoming(awaited=True)
    if FORMS[type(inputs)] != "mapping":
        return NOTHING
    given = inputs.get("input")
    if isinstance(given, str):
        return Incoming((Said(given, None, 0),)) if given else Incoming(awaited=True)
    strings = [value for value in inputs.values() if isinstance(value, str)]
    return Incoming((Said(strings[0], None, 0),), guessed=True) if len(strings) == 1 else NOTHING


def _conversation(inputs: Any, key: str) -> Any:
    """Return the messages in a turn's input, None where it holds none."""
    form = FORMS[type(inputs)]
    if form == "mapping":
        if is_message(inputs):
            return inputs
        value = inputs.get(key)
        if value is None:
            given = inputs.get("input")
            value = given if isinstance(given, list) else None
        return value
    if form == "text" or inputs is None:
        return None
    if form == "list" or is_message(inputs):
        return inputs
    if form == "command":
        return messages_of(inputs.update, key)
    # A prompt's value knows its messages; a state of the program's own has them under the key.
    return getattr(inputs, key, None)
