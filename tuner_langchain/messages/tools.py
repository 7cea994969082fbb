"""What models ask of tools and what tools answer, read from LangChain's messages and values. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

import orjson
from langchain_core.messages import ToolMessage

from tuner_langchain.messages.forms import FORMS

# A handoff may put its answer behind a whole history; it stands at the end.
_LAST_MESSAGES: Final = 8
_MAX_ANSWERS: Final = 256
_STACK_DEPTH: Final = 8


class ToolAnswer(NamedTuple):
    """What a tool call was answered with: `content` as JSON data that is always an object."""

    content: dict[str, Any]
    call_id: str | None
    name: str | None
    failed: bool


class StartedTool(NamedTuple):
    """A tool call on the stack: what LangChain before 1.1.3 does not tell its callbacks."""

    call_id: str | None
    arguments: frozenset[str]


def asked(response: Any) -> list[tuple[str, Any]]:
    """Return the id and the arguments of each tool call in a model's result."""
    try:
        return [
            (call["id"], call.get("args"))
            for generations in response.generations
            for generation in generations
            for call in getattr(getattr(generation, "message", None), "tool_calls", None) or ()
            if call.get("id")
        ]
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return []


def tool_answer(output: Any) -> ToolAnswer:
    """Return what a tool answered, as the model was told it; a bare value stands for itself."""
    try:
        told = output if FORMS[type(output)] == "tool_message" else _told(output)
        if told is not None:
            return ToolAnswer(_content(told.content), told.tool_call_id, told.name, told.status == "error")
    except Exception:  # noqa: BLE001, S110 - a program's own classes may raise anything when they are read
        pass
    return ToolAnswer(output if isinstance(output, dict) else {"value": output}, None, None, failed=False)


def found_documents(documents: Any) -> dict[str, Any]:
    """Return what a retriever found: how many documents, and where they are from as far as they say."""
    try:
        found = [_source(document) for document in documents]
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return {}
    return {"count": len(found), "sources": [source for source in found if source is not None]}


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


def _arguments(tool: Any) -> Iterable[str]:
    """Return the names of the arguments that a model gives to a tool, without what the program injects."""
    try:
        schema = tool.tool_call_schema
        return tuple(schema["properties"] if isinstance(schema, Mapping) else schema.model_fields)
    except Exception:  # noqa: BLE001 - the user's own schema; without its names no arguments are shown
        return ()


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


def _content(content: Any) -> dict[str, Any]:
    """Return a message's content as an object: JSON objects as such, plain text and blocks as `value`."""
    if isinstance(content, str) and content[:1] == "{":
        try:
            found = orjson.loads(content)
        except ValueError:
            return {"value": content}
        return found if isinstance(found, dict) else {"value": content}
    if isinstance(content, list):
        return {"value": [_block(block) for block in content]}
    return {"value": content}


def _block(block: Any) -> Any:
    """Return a content block; what is no text or data is named, not embedded."""
    if not isinstance(block, Mapping) or block.get("type") in ("text", "json", None):
        return block
    return {"type": block["type"]}
