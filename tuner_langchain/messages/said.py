"""The conversation in a program's values, read: what a turn brought and what a node added. Pure.

Nothing here goes through a message history: each reading starts at the end and stops at the first message
that was there before. What is kept of a message is its text and its ids, never the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tuner_langchain.messages.content import content_text
from tuner_langchain.messages.forms import form_of
from tuner_langchain.messages.tools import ToolAnswer, tool_answer

HUMAN: Final = frozenset({"human", "user", "HumanMessageChunk"})
AI: Final = frozenset({"ai", "assistant", "AIMessageChunk"})
TOOL: Final = frozenset({"tool", "function", "ToolMessageChunk"})
REMOVE: Final = "remove"

_MAX_FAILED: Final = 256
_MESSAGE: Final = ("message", "tool_message")


# A message without its text: the identity of the object, and LangChain's id where it has one.
Ids = tuple[int, str | None]
NO_IDS: Final[Ids] = (0, None)


class Said(NamedTuple):
    """One message of the conversation.

    `message_id` is LangChain's id, None where the message had none yet; `object_id` is the identity of the
    message object, only to tell two messages without ids apart while both are alive.
    """

    text: str
    message_id: str | None
    object_id: int


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


NOTHING: Final = Incoming()


def incoming(inputs: Any, key: str) -> Incoming:
    """Return what the caller brought with a turn's input."""
    try:
        return _incoming(inputs, key)
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return NOTHING


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
    if form_of(type(outputs)) == "mapping" and key not in outputs and not _is_message(outputs):
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


def _incoming(inputs: Any, key: str) -> Incoming:
    value = _conversation(inputs, key)
    if value is None:
        return Incoming(resumed=_resumed_with(inputs)) if _is_command(inputs) else _plain_words(inputs)
    found: list[Said] = []
    beyond = False
    for message in _backwards(value):
        kind, content, message_id = _parts(message)
        if kind in HUMAN:
            if beyond:
                return Incoming(tuple(reversed(found)), message_id, whole=True)
            text = content_text(content)
            if text and not _written_by_library(message):
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
    if form_of(type(inputs)) != "mapping":
        return NOTHING
    given = inputs.get("input")
    if isinstance(given, str):
        return Incoming((Said(given, None, 0),)) if given else Incoming(awaited=True)
    strings = [value for value in inputs.values() if isinstance(value, str)]
    return Incoming((Said(strings[0], None, 0),), guessed=True) if len(strings) == 1 else NOTHING


def _added(outputs: Any, key: str, last_input: Ids) -> Added | None:
    found: list[Said] = []
    removed: list[str] = []
    heard: list[Said] = []
    failed: list[ToolAnswer] = []
    after = None
    at_end = True
    for message in _new_messages(outputs, key, last_input):
        form = form_of(type(message))
        if form == "tool_message":
            if at_end and message.status == "error" and len(failed) < _MAX_FAILED:
                failed.append(tool_answer(message))
            continue
        at_end = False
        plain = form == "message"  # LangChain's own; _parts knows the other forms
        kind, content, message_id = (message.type, message.content, message.id) if plain else _parts(message)
        if kind in AI:
            text = content_text(content)
            if text and not text.isspace() and not _written_by_library(message):
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
        for message in _backwards(_messages_of(update, key)):
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
    form = form_of(type(outputs))
    if form == "command":
        return [outputs.update]
    if form == "list" and not _is_pair(outputs) and any(map(_is_update, outputs)):
        return [update for item in outputs for update in _updates(item)]
    return [outputs]


def _is_update(value: Any) -> bool:
    form = form_of(type(value))
    return form == "command" or (form == "mapping" and "content" not in value)


def _is_command(value: Any) -> bool:
    return form_of(type(value)) == "command"


def _messages_of(update: Any, key: str) -> Any:
    form = form_of(type(update))
    if form == "mapping":
        return update if _is_message(update) else update.get(key)
    if form == "list":
        pairs = [item for item in update if _is_pair(item) and item[0] == key]
        return pairs[-1][1] if pairs else update
    return update if _is_message(update) else getattr(update, key, None)


def _conversation(inputs: Any, key: str) -> Any:
    """Return the messages in a turn's input, None where it holds none."""
    form = form_of(type(inputs))
    if form == "mapping":
        if _is_message(inputs):
            return inputs
        value = inputs.get(key)
        if value is None:
            given = inputs.get("input")
            value = given if isinstance(given, list) else None
        return value
    if form == "text" or inputs is None:
        return None
    if form == "list" or _is_message(inputs):
        return inputs
    if form == "command":
        return _messages_of(inputs.update, key)
    # A prompt's value knows its messages; a state of the program's own has them under the key.
    return getattr(inputs, key, None)


def _backwards(value: Any) -> Iterable[Any]:
    if isinstance(value, list | tuple) and not _is_pair(value):
        return reversed(value)
    if isinstance(value, Sequence) and not isinstance(value, str | tuple):
        return list(value)[::-1]
    if type(value).__name__ == "Overwrite":  # LangGraph's way round a reducer: the whole new value
        return _backwards(value.value)
    return [] if value is None else [value]


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def _is_message(value: Any) -> bool:
    form = form_of(type(value))
    if form == "mapping":
        return "content" in value and ("role" in value or "type" in value)
    return form in _MESSAGE or (form == "other" and hasattr(value, "content") and hasattr(value, "type"))


def _written_by_library(message: Any) -> bool:
    """Return whether a library wrote a message for its own ends: a middleware's summary, a supervisor's note."""
    extra = getattr(message, "additional_kwargs", None)
    noted = getattr(message, "response_metadata", None)
    return (isinstance(extra, dict) and "lc_source" in extra) or (
        isinstance(noted, dict) and "__is_handoff_back" in noted
    )


def _parts(message: Any) -> tuple[str, Any, str | None]:
    """Return a message's kind, content and id, in whichever of LangChain's forms it came."""
    form = form_of(type(message))
    if form in _MESSAGE:
        return message.type, message.content, message.id
    if form == "text":
        return "human", message, None
    if _is_pair(message):
        return message[0], message[1], None
    if form == "mapping":
        return (
            str(message.get("role") or message.get("type") or ""),
            message.get("content"),
            message.get("id"),
        )
    return getattr(message, "type", ""), getattr(message, "content", None), getattr(message, "id", None)
