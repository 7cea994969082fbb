"""What models ask of tools and what tools answer, read from LangChain's messages and values. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

import orjson
from langchain_core.messages import ToolMessage

from tuner_langchain.messages.forms import FORMS
from tuner_langchain.messages.said import id_of
from tuner_langchain.values import name_text, tolerant

# A handoff may put its answer behind a whole history; it stands at the end.
_LAST_MESSAGES: Final = 8
_MAX_ANSWERS: Final = 256
_STACK_DEPTH: Final = 8
# Text that is JSON is read as such up to so many times what may be kept of it.
_READ_AHEAD: Final = 8
_LEAST_ITEM_CHARS: Final = 2


class ToolAnswer(NamedTuple):
    """What a tool call was answered with: `content` as JSON data that is always an object."""

    content: dict[str, Any]
    call_id: str | None
    name: str | None
    failed: bool
    leads: bool = True  # it may hold a command: what is a message for the model leads nowhere


class StartedTool(NamedTuple):
    """A tool call on the stack: what LangChain before 1.1.3 does not tell its callbacks."""

    call_id: str | None
    arguments: frozenset[str]


@tolerant(())
def asked(response: Any) -> Iterable[tuple[str, Any]]:
    """Return the id and the arguments of each tool call in a model's result."""
    return [
        (call["id"], call.get("args"))
        for generations in response.generations
        for generation in generations
        for call in getattr(getattr(generation, "message", None), "tool_calls", None) or ()
        if id_of(call.get("id"))
    ]


def tool_answer(output: Any, max_chars: int) -> ToolAnswer:
    """Return what a tool answered, as the model was told it; a bare value stands for itself.

    No more is read of a long answer than `max_chars` characters can show.
    """
    told: ToolAnswer | None = _message_answer(output, max_chars)
    if told is not None:
        return told
    return ToolAnswer(
        output if issubclass(type(output), dict) else {"value": output}, None, None, failed=False
    )


def failed_answer(message: ToolMessage) -> ToolAnswer:
    """Return the failure that a message answers a tool call with."""
    content = message.content
    return ToolAnswer({"value": content}, id_of(message.tool_call_id), name_text(message.name), failed=True)


@tolerant(None)
def _message_answer(output: Any, max_chars: int) -> ToolAnswer | None:
    told = output if FORMS[type(output)] == "tool_message" else _told(output)
    if told is None:
        return None
    content = _content(told.content, max_chars)
    failed, leads = told.status == "error", told is not output
    return ToolAnswer(content, id_of(told.tool_call_id), name_text(told.name), failed, leads)


@tolerant({})
def found_documents(documents: Any, max_chars: int) -> dict[str, Any]:
    """Return what a retriever found: how many documents, and where they are from as far as they say."""
    found = [_source(document) for document in documents[: max_chars // _LEAST_ITEM_CHARS + 1]]
    return {"count": len(documents), "sources": [source for source in found if source is not None]}


def started_tool() -> StartedTool | None:
    """Return the tool call whose start is just being told on this stack, None when there is none to see.

    To be called by the callback itself: the frames are counted from there.
    """
    frame = sys._getframe(1)
    for _ in range(_STACK_DEPTH):
        if frame.f_back is None:
            return None
        frame = frame.f_back
        if frame.f_code.co_name in ("run", "arun") and "tool_input" in frame.f_locals:
            tool = frame.f_locals.get("self")
            return StartedTool(frame.f_locals.get("tool_call_id"), frozenset(_arguments(tool)))
    return None


def _source(document: Any) -> Any:
    metadata = getattr(document, "metadata", None) or {}
    return metadata.get("source") or metadata.get("title") or getattr(document, "id", None)


@tolerant(())
def _arguments(tool: Any) -> Iterable[str]:
    """Return the names of the arguments that a model gives to a tool, without what the program injects."""
    schema = tool.tool_call_schema
    return tuple(schema["properties"] if isinstance(schema, Mapping) else schema.model_fields)


def _told(output: Any) -> ToolMessage | None:
    """Return the message for the model in what a tool returned: inside a command, or in a list."""
    items = output if isinstance(output, list) else [output]
    for item in items[:_MAX_ANSWERS]:
        form = FORMS[type(item)]
        if form == "tool_message":
            return cast("ToolMessage", item)
        update = item.update if form == "command" else None
        if isinstance(update, Mapping):
            for value in update.values():
                if isinstance(value, list):
                    for message in value[: -_LAST_MESSAGES - 1 : -1]:
                        if isinstance(message, ToolMessage):
                            return message
    return None


def _content(content: Any, max_chars: int) -> dict[str, Any]:
    """Return a message's content as an object: JSON objects as such, plain text and blocks as `value`."""
    if isinstance(content, str) and content[:1] == "{" and len(content) <= max_chars * _READ_AHEAD:
        try:
            found = orjson.loads(content)
        except ValueError:
            return {"value": content}
        return found if isinstance(found, dict) else {"value": content}
    if isinstance(content, list):
        most = max_chars // _LEAST_ITEM_CHARS + 1
        blocks = [_block(block) for block in content[:most]]
        missing = (
            [f"[cut: {len(content) - most:,} of {len(content):,} items left out]"]
            if len(content) > most
            else []
        )
        return {"value": blocks + missing}
    return {"value": content}


def _block(block: Any) -> Any:
    """Return a content block; what is no text or data is named, not embedded."""
    if not isinstance(block, Mapping) or block.get("type") in ("text", "json", None):
        return block
    return {"type": block["type"]}
