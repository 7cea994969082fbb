"""OpenAI's chat completions, as `ChatOpenAI` speaks them: answers, tool calls, usage, chunks and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from wire.replies import Reply, Tokens, ToolUse, pieces, words
from wire.serving import Format, ModelServer, event, serving

CREATED = 1767225600


class ChatCompletions(Format):
    """The format: `chat.completion` objects, or `chat.completion.chunk` events that end in `[DONE]`."""

    path = "/v1/chat/completions"

    def whole(self, reply: Reply, request: dict[str, Any]) -> dict[str, Any]:
        """Return one `chat.completion`."""
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
        if reply.tools:
            message["tool_calls"] = [_tool_call(tool, json.dumps(tool.arguments)) for tool in reply.tools]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
        return {**_frame(reply, "chat.completion"), "choices": [choice], "usage": _usage(reply.tokens)}

    def stream(self, reply: Reply, request: dict[str, Any]) -> Iterator[str]:
        """Yield chunks: the role, the text, the tool calls in pieces, the end, and the usage if it was asked for."""
        frame = _frame(reply, "chat.completion.chunk")
        asked_for_usage = (request.get("stream_options") or {}).get("include_usage")
        if asked_for_usage:
            frame["usage"] = None
        for delta in _deltas(reply):
            yield event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        yield event({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}]})
        if asked_for_usage:
            yield event({**frame, "choices": [], "usage": _usage(reply.tokens)})
        yield event("[DONE]")

    def error(self, reply: Reply) -> dict[str, Any]:
        """Return an error body."""
        kind = "server_error" if reply.status >= 500 else "invalid_request_error"
        return {"error": {"message": reply.error, "type": kind, "param": None, "code": None}}


def openai_server(*replies: Reply) -> AbstractContextManager[ModelServer]:
    """Run a server of chat completions with these replies."""
    return serving(ChatCompletions(), replies)


def chat_openai(server: ModelServer, **settings: Any) -> ChatOpenAI:
    """Return a real `ChatOpenAI` that talks to the server, with usage in streams and without retries."""
    defaults: dict[str, Any] = {"model": "gpt-4o-mini", "max_retries": 0, "stream_usage": True}
    return ChatOpenAI(base_url=f"{server.base_url}/v1", api_key=SecretStr("sk-none"), **(defaults | settings))


def _frame(reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": CREATED,
        "model": reply.model,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tools else "stop"


def _tool_call(tool: ToolUse, arguments: str) -> dict[str, Any]:
    return {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": arguments}}


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": None if reply.tools and not reply.text else "", "refusal": None}
    for word in words(reply.text):
        yield {"content": word}
    for index, tool in enumerate(reply.tools):
        yield {"tool_calls": [{"index": index, **_tool_call(tool, "")}]}
        for piece in pieces(tool.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.answer,
        "total_tokens": tokens.prompt + tokens.answer,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    }
