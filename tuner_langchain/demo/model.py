"""A chat model that plays from a script, with the delays of a real one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForLLMRun

Line = Callable[[Sequence[BaseMessage]], AIMessage]


class ScriptedModel(BaseChatModel):
    """Answers each call with the next line of its script; a line sees the messages, as a model would.

    `first_token_s` and `token_s` are seconds: how long it thinks, and how long a token takes when it streams.
    """

    lines: list[Line]
    first_token_s: float = 0.25
    token_s: float = 0.012
    model_name: str = "scripted-1"
    _spoken: int = PrivateAttr(default=0)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop, **kwargs), "ls_model_name": self.model_name}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Take the tools as any model does; the script already knows them."""
        return self

    def _next(self, messages: Sequence[BaseMessage]) -> AIMessage:
        line = self.lines[self._spoken]
        self._spoken += 1
        answer = line(messages)
        given = sum(len(str(message.content)) for message in messages) // 4
        made = len(str(answer.content)) // 4 + 12 * len(answer.tool_calls)
        answer.usage_metadata = UsageMetadata(
            input_tokens=given, output_tokens=made, total_tokens=given + made
        )
        answer.response_metadata = {"model_name": self.model_name}
        return answer

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        time.sleep(self.first_token_s)
        return ChatResult(generations=[ChatGeneration(message=self._next(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._next(messages)
        time.sleep(self.first_token_s)
        for chunk in _chunks(answer):
            if run_manager is not None:
                run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
            yield chunk
            time.sleep(self.token_s)


def _chunks(answer: AIMessage) -> Iterator[ChatGenerationChunk]:
    words = str(answer.content).split(" ") if answer.content else []
    for index, word in enumerate(words):
        yield ChatGenerationChunk(message=AIMessageChunk(content=word if index == 0 else " " + word))
    calls = [
        tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
        for index, call in enumerate(answer.tool_calls)
    ]
    yield ChatGenerationChunk(
        message=AIMessageChunk(
            content="",
            tool_call_chunks=calls,
            usage_metadata=answer.usage_metadata,
            response_metadata=answer.response_metadata,
            chunk_position="last",
        )
    )
