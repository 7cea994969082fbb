"""A conversation's messages, read: who says what, in whichever of LangChain's forms it came. Pure.

What is kept of a message is its text and its ids, never the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from tuner_langchain.messages.forms import FORMS

HUMAN: Final = frozenset({"human", "user", "HumanMessageChunk"})
AI: Final = frozenset({"ai", "assistant", "AIMessageChunk"})
REMOVE: Final = "remove"

# A turn brings few messages; a list that is far longer is some other list, and is not gone through.
MOST_MESSAGES: Final = 1_024
LANGCHAINS_OWN: Final = ("message", "tool_message")


class Said(NamedTuple):
    """One message of the conversation.

    `message_id` is LangChain's id, None where the message had none yet; `object_id` is the identity of the
    message object, only to tell two messages without ids apart while both are alive.
    """

    text: str
    message_id: str | None
    object_id: int


def id_of(value: Any) -> str | None:
    """Return a message's id; what is no text identifies nothing."""
    return value if isinstance(value, str) else None


def messages_of(update: Any, key: str) -> Any:
    """Return what an update holds under the key of the conversation, or the update where it is messages itself."""
    form = FORMS[type(update)]
    if form == "mapping":
        return update if is_message(update) else update.get(key)
    if form == "list":
        pairs = [item for item in update[-MOST_MESSAGES:] if is_pair(item) and item[0] == key]
        return pairs[-1][1] if pairs else update
    return update if is_message(update) else getattr(update, key, None)


def backwards(value: Any) -> Iterable[Any]:
    """Return the messages of a conversation, the latest first; one message is a conversation too."""
    if isinstance(value, list | tuple) and not is_pair(value):
        return islice(reversed(value), MOST_MESSAGES)
    if isinstance(value, Sequence) and not isinstance(value, str | tuple):
        return list(value[-MOST_MESSAGES:])[::-1]
    if type(value).__name__ == "Overwrite":  # LangGraph's way round a reducer: the whole new value
        return backwards(value.value)
    return [] if value is None else [value]


def is_pair(value: Any) -> bool:
    """Return whether a value is a message (or an entry of a state) as a pair of its kind and content."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def is_message(value: Any) -> bool:
    """Return whether a value is one message, in a form that can tell: an object or a mapping."""
    form = FORMS[type(value)]
    if form == "mapping":
        return "content" in value and ("role" in value or "type" in value)
    return form in LANGCHAINS_OWN or (
        form == "other" and hasattr(value, "content") and hasattr(value, "type")
    )


def written_by_library(message: Any) -> bool:
    """Return whether a library wrote a message for its own ends: a middleware's summary, a supervisor's note."""
    extra = getattr(message, "additional_kwargs", None)
    noted = getattr(message, "response_metadata", None)
    return (isinstance(extra, dict) and "lc_source" in extra) or (
        isinstance(noted, dict) and "__is_handoff_back" in noted
    )


def parts(message: Any) -> tuple[str, Any, str | None]:
    """Return a message's kind, content and id, in whichever of LangChain's forms it came."""
    kind, content, message_id = _parts(message)
    return kind, content, message_id if isinstance(message_id, str) else None


def _parts(message: Any) -> tuple[str, Any, Any]:
    form = FORMS[type(message)]
    if form in LANGCHAINS_OWN:
        return message.type, message.content, id_of(message.id)
    if form == "text":
        return "human", message, None
    if is_pair(message):
        return message[0], message[1], None
    if form == "mapping":
        return (
            _kind(message.get("role") or message.get("type")),
            message.get("content"),
            id_of(message.get("id")),
        )
    return (
        _kind(getattr(message, "type", "")),
        getattr(message, "content", None),
        id_of(getattr(message, "id", None)),
    )


def _kind(value: Any) -> str:
    return value if isinstance(value, str) else ""
