"""What a node or a chain added to the conversation, read from what it returned. Pure.

Nothing here goes through a message history: each reading starts at the end and stops at the first message
that was there before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tuner_langchain.messages.content import content_text
from tuner_langchain.messages.forms import FORMS
from tuner_langchain.messages.said import (
    AI,
    HUMAN,
    REMOVE,
    Said,
    backwards,
    is_message,
    is_pair,
    messages_of,
    parts,
    written_by_library,
)
from tuner_langchain.messages.tools import ToolAnswer, tool_answer

_MAX_FAILED: Final = 256

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


def added(outputs: Any, key: str, last_input: Ids = NO_IDS) -> Added | None:
    """Return what a node's output added to the conversation after `last_input`, the last message it got."""
    try:
        return _added(outputs, key, last_input)
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return None


def answers(outputs: Any, key: str) -> Added | None:
    """Return what a plain chain answered: a string, a message, messages, or one of these as its output."""
    if isinstance(outputs, str):
        return Added((Said(outputs, None, 0),), plain=True) if outputs else None
    try:
        return _answers(outputs, key)
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return None


def _answers(outputs: Any, key: str) -> Added | None:
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
    try:
        value = state.get(key) if isinstance(state, dict) else getattr(state, key, None)
        if not isinstance(value, list) or not value:
            return NO_IDS
        last = value[-1]
        return id(last), getattr(last, "id", None)
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return NO_IDS


def _added(outputs: Any, key: str, last_input: Ids) -> Added | None:
    found: list[Said] = []
    removed: list[str] = []
    heard: list[Said] = []
    failed: list[ToolAnswer] = []
    after = None
    at_end = True
    for message in _new_messages(outputs, key, last_input):
        form = FORMS[type(message)]
        if form == "tool_message":
            if at_end and message.status == "error" and len(failed) < _MAX_FAILED:
                failed.append(tool_answer(message))
            continue
        at_end = False
        plain = form == "message"  # LangChain's own; parts knows the other forms
        kind, content, message_id = (message.type, message.content, message.id) if plain else parts(message)
        if kind in AI:
            text = content_text(content)
            if text and not text.isspace() and not written_by_library(message):
                found.append(Said(text, message_id, id(message)))
        elif kind == REMOVE and message_id is not None:
            removed.append(message_id)
        elif kind in HUMAN:
            human = Said(content_text(content), message_id, id(message))
            if found:
                after = human
                break
            heard.append(human)
    if not (found or removed or heard or failed):
        return None
    return Added(tuple(found[::-1]), tuple(removed), after, tuple(heard[::-1]), failed=tuple(failed[::-1]))


def _new_messages(outputs: Any, key: str, last_input: Ids) -> Iterator[Any]:
    """Yield what an output holds beyond the last message of the input, the latest first."""
    last_object, last_id = last_input
    for update in reversed(_updates(outputs)):
        for message in backwards(messages_of(update, key)):
            if id(message) == last_object:
                return
            # A removal has the id of what it removes.
            if (
                last_id is not None
                and getattr(message, "id", None) == last_id
                and getattr(message, "type", None) != REMOVE
            ):
                return
            yield message


def _updates(outputs: Any) -> list[Any]:
    """Return the state updates in a node's output: the output itself, or those of its commands."""
    form = FORMS[type(outputs)]
    if form == "command":
        return [outputs.update]
    if form == "list" and not is_pair(outputs) and any(map(_is_update, outputs)):
        return [update for item in outputs for update in _updates(item)]
    return [outputs]


def _is_update(value: Any) -> bool:
    form = FORMS[type(value)]
    return form == "command" or (form == "mapping" and "content" not in value)
