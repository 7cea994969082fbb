"""What a node or a chain added to the conversation, read from what it returned. Pure.

Nothing here goes through a message history: each reading starts at the end and stops at the first message
that was there before.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

from tuner_langchain.messages.content import content_text
from tuner_langchain.messages.forms import FORMS
from tuner_langchain.messages.said import (
    AI,
    HUMAN,
    LANGCHAINS_OWN,
    MOST_MESSAGES,
    REMOVE,
    Said,
    backwards,
    id_of,
    is_message,
    is_pair,
    messages_of,
    parts,
    written_by_library,
)
from tuner_langchain.messages.tools import ToolAnswer, failed_answer
from tuner_langchain.values import passes_through, tolerant

_MAX_FAILED: Final = 256
_BLANK_CHARS: Final = 10_000  # what begins with so much white space says nothing

# A message without its text: the identity of the object, and LangChain's id where it has one.
Ids = tuple[int, str | None]
NO_IDS: Final[Ids] = (0, None)


class Added(NamedTuple):
    """What a node or a chain added to the conversation: the agent's messages with text, and ids it removed.

    `after` is the caller's message in front of them, where the output holds it, and `heard` what stands behind
    them in the caller's name. `plain` marks an answer that is no message of a conversation. `failed` are the
    failures that tool calls were answered with, where the output ends in them.
    """

    said: tuple[Said, ...]
    removed: tuple[str, ...] = ()
    after: Said | None = None
    heard: tuple[Said, ...] = ()
    plain: bool = False
    failed: tuple[ToolAnswer, ...] = ()


@tolerant(None)
def answers(outputs: Any, key: str) -> Added | None:
    """Return what a plain chain answered: a string, a message, messages, or one of these as its output."""
    if FORMS[type(outputs)] == "text":
        return Added((Said(outputs, None, 0),), plain=True) if outputs else None
    if FORMS[type(outputs)] == "mapping" and key not in outputs and not is_message(outputs):
        # The names that LangChain's own agents and retrieval chains answer under.
        answer = outputs.get("output", outputs.get("answer"))
        if isinstance(answer, str):
            return answers(answer, key)
        found = added(answer, key)
        return found._replace(plain=True) if found is not None else None
    return added(outputs, key)


def last_message(state: Any, key: str) -> Ids:
    """Return the ids of the last message of a node's input."""
    try:  # here rather than in a decorator: this is called for every node
        value = state.get(key) if isinstance(state, dict) else getattr(state, key, None)
        if not value or not isinstance(value, list):
            return NO_IDS
        last = value[-1]
        return id(last), id_of(getattr(last, "id", None))
    except BaseException as error:
        if passes_through(error):
            raise
        return NO_IDS


def added(outputs: Any, key: str, last_input: Ids = NO_IDS) -> Added | None:
    """Return what a node's output added to the conversation after `last_input`, the last message it got."""
    try:  # as above
        return _added(outputs, key, last_input)
    except BaseException as error:
        if passes_through(error):
            raise
        return None


def _added(outputs: Any, key: str, last_input: Ids) -> Added | None:
    last_object, last_id = last_input
    found: list[Said] = []
    removed: list[str] = []
    heard: list[Said] = []
    failed: list[ToolAnswer] = []
    after = None
    at_end = True
    for message in _latest_first(outputs, key):
        form = FORMS[type(message)]
        kind, content, message_id = (
            (message.type, message.content, id_of(message.id)) if form in LANGCHAINS_OWN else parts(message)
        )
        # A removal has the id of what it removes.
        if id(message) == last_object or (message_id == last_id and last_id is not None and kind != REMOVE):
            break
        if kind in AI:
            if content and (text := _spoken(message, content)):
                found.append(Said(text, message_id, id(message)))
        elif kind in HUMAN:
            human = Said(content_text(content), message_id, id(message))
            if found:
                after = human
                break
            heard.append(human)
        elif kind == REMOVE and message_id is not None:
            removed.append(message_id)
        elif at_end and form == "tool_message" and message.status == "error" and len(failed) < _MAX_FAILED:
            failed.append(failed_answer(message))
        at_end = at_end and form == "tool_message"
    if not (found or removed or heard or failed):
        return None
    return Added(tuple(found[::-1]), tuple(removed), after, tuple(heard[::-1]), failed=tuple(failed[::-1]))


def _spoken(message: Any, content: Any) -> str:
    """Return the words of a message of the agent's; nothing for a blank one or what a library wrote."""
    text = content_text(content)
    return "" if text[:_BLANK_CHARS].isspace() or written_by_library(message) else text


def _latest_first(outputs: Any, key: str) -> Iterable[Any]:
    """Return the messages that a node's output holds under the key of the conversation, the latest first."""
    update = outputs
    # Nearly all outputs are one update, with a list of messages in it: itself, or that of one command.
    if type(update) is not dict:
        if type(update) is list and len(update) == 1:
            update = update[0]
        if FORMS[type(update)] == "command":
            update = update.update
    if type(update) is dict and "content" not in update:
        messages = update.get(key)
        if type(messages) is list:
            return islice(reversed(messages), MOST_MESSAGES)
        if messages is None:
            return ()
    return (
        message for update in reversed(_updates(outputs)) for message in backwards(messages_of(update, key))
    )


def _updates(outputs: Any) -> list[Any]:
    """Return the state updates in a node's output: the output itself, or those of its commands."""
    form = FORMS[type(outputs)]
    if form == "command":
        return [outputs.update]
    if form == "list" and not is_pair(outputs) and any(map(_is_update, outputs[:MOST_MESSAGES])):
        return [update for item in outputs[:MOST_MESSAGES] for update in _updates(item)]
    return [outputs]


def _is_update(value: Any) -> bool:
    form = FORMS[type(value)]
    return form == "command" or (form == "mapping" and "content" not in value)
