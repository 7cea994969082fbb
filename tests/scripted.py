"""A chat model that answers from a script: the only stand-in in the tests of graphs and conversations.

It is a real `BaseChatModel`: LangChain makes its runs, callbacks and message ids. Each call takes the next
answer of the script; the script starts again when it is used up, so one model serves every way of driving a graph.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

Answer = str | AIMessage | BaseException | Callable[[list[BaseMessage]], "str | AIMessage"]

USAGE = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


def call(name: str, /, call_id: str = "", **args: Any) -> AIMessage:
    """Return an answer that calls one tool; its id is `call_` and the tool's name where none is given."""
    return calls({"name": name, "args": args, "id": call_id or f"call_{name}"})


def calls(*tool_calls: dict[str, Any], text: str = "") -> AIMessage:
    """Return an answer that calls several tools at once, each `{"name", "args", "id"}`."""
    return AIMessage(text, tool_calls=[{"type": "tool_call", **tool_call} for tool_call in tool_calls])


class ScriptedModel(BaseChatModel):
    """Answers from `script`: an exception is raised, a function gets the messages and returns the answer.

    Usage is reported as `usage` (None: the model reports nothing), the model's name as `model`. Under streaming
    the text comes word by word, tool calls in the last chunk.
    """

    script: tuple[Any, ...]
    model: str = "scripted-1"
    usage: dict[str, Any] | None = USAGE
    _next: Any = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, *script: Answer, **fields: Any) -> None:
        super().__init__(**{"script": script, **fields})
        self._next = itertools.cycle(self.script)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {"ls_provider": "scripted", "ls_model_type": "chat", "ls_model_name": self.model}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Take note of the tools; the script decides what is called."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        with self._lock:
            answer = next(self._next)
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer = answer(messages)
        said = AIMessage(answer) if isinstance(answer, str) else answer.model_copy(deep=True)
        said.usage_metadata = said.usage_metadata or self.usage
        said.response_metadata = {"model_name": self.model, **said.response_metadata}
        return said

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop)

    def _chunks(self, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        said = self._answer(messages)
        if isinstance(said.content, str):
            for word in said.content.replace(" ", "\x00 ").split("\x00"):
                if word:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        else:
            yield ChatGenerationChunk(message=AIMessageChunk(content=said.content))
        last = AIMessageChunk(
            content="",
            tool_calls=said.tool_calls,
            usage_metadata=said.usage_metadata,
            response_metadata=said.response_metadata,
        )
        yield ChatGenerationChunk(message=last)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def rewound(self) -> Self:
        """Start the script from its beginning, and return the model."""
        self._next = itertools.cycle(self.script)
        return self
