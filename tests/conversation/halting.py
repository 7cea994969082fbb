"""A model that stops in the middle of its answer, so that a test can cut it there without waiting for a clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr
from scripted import Answer, ScriptedModel

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.messages import BaseMessage


class HaltingModel(ScriptedModel):
    """Streams the first `words` words of each answer, then waits to be cut; `halted` is set when it waits."""

    words: int = 2

    def __init__(self, *script: Answer, **fields: Any) -> None:
        super().__init__(*script, **fields)

    _halted: Any = PrivateAttr(default_factory=threading.Event)
    _resume: Any = PrivateAttr(default_factory=threading.Event)

    @property
    def halted(self) -> threading.Event:
        """Set as soon as the model waits."""
        event: threading.Event = self._halted
        return event

    def resume(self) -> None:
        """Let a model that waits in a thread go on."""
        self._resume.set()

    async def until_halted(self) -> None:
        """Wait until the model waits."""
        while not self._halted.is_set():
            await asyncio.sleep(0)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Any:
        self._halted.set()
        await asyncio.Event().wait()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for count, chunk in enumerate(self._chunks(messages)):
            if count == self.words:
                self._halted.set()
                self._resume.wait(30)
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
        for count, chunk in enumerate(self._chunks(messages)):
            if count == self.words:
                self._halted.set()
                await asyncio.Event().wait()
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk
        yield ChatGenerationChunk(message=AIMessageChunk(content=""))
