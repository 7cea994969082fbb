"""LangChain's messages and results, read: text, tool calls, usage, model names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Usage(NamedTuple):
    """Tokens of one model call as the model reported them; None where it reported nothing."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class Reply(NamedTuple):
    """What a model call ended with."""

    text: str
    message_id: str | None
    model: str | None
    usage: Usage | None


class Said(NamedTuple):
    """One message of the conversation: who said what, and LangChain's id for it where it has one."""

    role: str  # "user" or "agent"
    text: str
    message_id: str | None


_HUMAN = frozenset({"human", "user"})
_AI = frozenset({"ai", "assistant", "AIMessageChunk"})


def incoming(inputs: Any, key: str) -> list[Said]:
    """Return the caller's messages at the end of a turn's input: those after the last answer of the agent."""
    found: list[Said] = []
    for message in reversed(_messages(inputs, key)):
        kind, content, message_id = _parts(message)
        if kind in _HUMAN:
            found.append(Said("user", content_text(content), message_id))
        elif kind in _AI or kind == "tool":
            break
    return found[::-1]


def answers(outputs: Any, key: str) -> list[Said]:
    """Return the agent's messages with text at the end of a turn's output: those after the caller's last one."""
    if isinstance(outputs, str):
        return [Said("agent", outputs, None)]
    found: list[Said] = []
    for message in reversed(_messages(outputs, key)):
        kind, content, message_id = _parts(message)
        if kind in _HUMAN:
            break
        said = content_text(content)
        if kind in _AI and said:
            found.append(Said("agent", said, message_id))
    return found[::-1]


def content_text(content: Any) -> str:
    """Return the spoken text of a message's content: its text blocks, joined."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(
        block if isinstance(block, str) else str(block.get("text", ""))
        for block in content
        if isinstance(block, str) or (isinstance(block, Mapping) and block.get("type") == "text")
    )


def reply(response: Any) -> Reply:
    """Return what an LLMResult says: text, the message's id, the model as the provider reported it, and usage."""
    generation = response.generations[0][0]
    message = getattr(generation, "message", None)
    if message is None:
        return Reply(generation.text, None, _llm_output(response).get("model_name"), _usage(_llm_output(response).get("token_usage")))
    metadata = message.response_metadata or {}
    usage = _usage(message.usage_metadata) or _usage(_llm_output(response).get("token_usage"))
    return Reply(content_text(message.content), message.id, metadata.get("model_name") or metadata.get("model"), usage)


def _llm_output(response: Any) -> Mapping[str, Any]:
    return response.llm_output or {}


def _usage(found: Any) -> Usage | None:
    if not isinstance(found, Mapping):
        return None
    given = found.get("input_tokens", found.get("prompt_tokens"))
    made = found.get("output_tokens", found.get("completion_tokens"))
    if given is None and made is None:
        return None
    given, made = given or 0, made or 0
    return Usage(given, made, found.get("total_tokens") or given + made)


def _messages(state: Any, key: str) -> list[Any]:
    if isinstance(state, Mapping):
        state = state.get(key, state.get("input", state.get("output")))
    if state is None:
        return []
    return list(state) if isinstance(state, list | tuple) and not _is_pair(state) else [state]


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def _parts(message: Any) -> tuple[str, Any, str | None]:
    """Return a message's kind, content and id, in whichever of LangChain's forms it came."""
    if isinstance(message, str):
        return "human", message, None
    if _is_pair(message):
        return message[0], message[1], None
    if isinstance(message, Mapping):
        kind = message.get("role") or message.get("type") or ""
        return str(kind), message.get("content"), message.get("id")
    return getattr(message, "type", ""), getattr(message, "content", None), getattr(message, "id", None)
