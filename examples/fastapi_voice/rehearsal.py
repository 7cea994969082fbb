"""A model for rehearsals: it looks for a table, then says what it found, word by word. No account is needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForLLMRun

WORD_S = 0.1


class RehearsalModel(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "rehearsal"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        whole: ChatGenerationChunk | None = None
        for chunk in self._stream(messages):
            whole = chunk if whole is None else whole + chunk
        assert whole is not None
        message = AIMessage(whole.text, tool_calls=getattr(whole.message, "tool_calls", []))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        last = messages[-1]
        if not isinstance(last, ToolMessage):
            look = tool_call_chunk(name="find_table", args='{"people": 2}', id="call_1", index=0)
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[look]))
            return
        for word in f"I have a table for you at these times: {last.text}. Which one would you like?".split():
            time.sleep(WORD_S)
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk
