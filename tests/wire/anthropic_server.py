"""Anthropic's messages, as `ChatAnthropic` speaks them: blocks of text, thought and tool use, and their events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from langchain_anthropic import ChatAnthropic
from pydantic import SecretStr

from wire.replies import Reply, Tokens, pieces, words
from wire.serving import Format, ModelServer, event, serving

SIGNATURE = "c2lnbmVk"

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class Messages(Format):
    """The format: `message` objects, or events from `message_start` to `message_stop`."""

    path = "/v1/messages"

    def whole(self, reply: Reply, request: dict[str, Any]) -> dict[str, Any]:
        """Return one `message`."""
        usage = _usage(reply.tokens, reply.tokens.answer)
        return {
            **_message(reply),
            "content": list(_blocks(reply)),
            "stop_reason": _stop(reply),
            "usage": usage,
        }

    def stream(self, reply: Reply, request: dict[str, Any]) -> Iterator[str]:
        """Yield the events of each block between those of the message."""
        usage = _usage(reply.tokens, 1)
        yield _event("message_start", message={**_message(reply), "content": [], "usage": usage})
        yield _event("ping")
        for index, block in enumerate(_blocks(reply)):
            yield _event("content_block_start", index=index, content_block=_empty(block))
            for delta in _deltas(block):
                yield _event("content_block_delta", index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        end = {"stop_reason": _stop(reply), "stop_sequence": None}
        yield _event("message_delta", delta=end, usage=_usage(reply.tokens, reply.tokens.answer))
        yield _event("message_stop")

    def error(self, reply: Reply) -> dict[str, Any]:
        """Return an error body."""
        kind = ERRORS.get(reply.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": reply.error}, "request_id": "req_1"}


def anthropic_server(*replies: Reply) -> AbstractContextManager[ModelServer]:
    """Run a server of messages with these replies."""
    return serving(Messages(), replies)


def chat_anthropic(server: ModelServer, **settings: Any) -> ChatAnthropic:
    """Return a real `ChatAnthropic` that talks to the server, without retries."""
    defaults: dict[str, Any] = {"model_name": "claude-scripted", "max_retries": 0, "max_tokens": 1000}
    return ChatAnthropic(base_url=server.base_url, api_key=SecretStr("sk-ant-none"), **(defaults | settings))


def _event(kind: str, **fields: Any) -> str:
    return event({"type": kind, **fields}, name=kind)


def _message(reply: Reply) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _stop(reply: Reply) -> str:
    return "tool_use" if reply.tools else "end_turn"


def _usage(tokens: Tokens, output_tokens: int) -> dict[str, Any]:
    """Here the parts that were cached or written to the cache are not in `input_tokens`; the end's are cumulative."""
    return {
        "input_tokens": tokens.prompt - tokens.cached - tokens.cache_written,
        "cache_creation_input_tokens": tokens.cache_written,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": output_tokens,
    }


def _blocks(reply: Reply) -> Iterator[dict[str, Any]]:
    if reply.thinking:
        yield {"type": "thinking", "thinking": reply.thinking, "signature": SIGNATURE}
    if reply.text:
        yield {"type": "text", "text": reply.text}
    for tool in reply.tools:
        yield {"type": "tool_use", "id": tool.id, "name": tool.name, "input": tool.arguments}


def _empty(block: dict[str, Any]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"thinking": "", "signature": "", "text": "", "input": {}}
    return block | {name: nothing[name] for name in block if name in nothing}


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": word} for word in words(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "text":
        yield from ({"type": "text_delta", "text": word} for word in words(block["text"]))
    else:
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(block["input"]))
