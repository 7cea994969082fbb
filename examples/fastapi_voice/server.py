"""A voice agent behind a websocket: the skeleton between a voice stack and a LangGraph agent.

The voice stack sends what it heard, and is sent the words to speak as they come:

    {"heard": "A table for two?", "started": 1767225600.8, "ended": 1767225602.1, "confidence": 0.97}
                        a turn of the caller, in Unix time; one that comes while the agent speaks cuts it off
    {"speak": "I "}     a piece of the answer
    {"done": true}      the answer is complete

Without an account, a Tuner on this machine takes the calls:

    tuner-langchain serve --once-ready python examples/fastapi_voice/server.py

With one, set TUNER_API_KEY, TUNER_WORKSPACE_ID and TUNER_AGENT_ID, and AGENT_MODEL (openai:gpt-4o-mini, say) for
a real model. Talk to it with `python examples/fastapi_voice/caller.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, WebSocket
from langchain_core.messages import AIMessage
from phone_agent import build_agent
from rehearsal import RehearsalModel

from tuner_langchain import Delivery, TunerCallbackHandler, TunerConfig

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    config = TunerConfig()  # a wrong or missing setting is found here, not with the first caller
    app.state.agent = build_agent(choose_model())
    yield
    await Delivery.shared(config).aflush(timeout=5)  # what is not sent by then is sent by the next process


app = FastAPI(lifespan=lifespan)


def choose_model() -> BaseChatModel:
    if name := os.environ.get("AGENT_MODEL"):
        from langchain.chat_models import init_chat_model  # noqa: PLC0415 - a rehearsal needs no vendor

        return init_chat_model(name)
    return RehearsalModel()


@app.websocket("/calls/{call_id}")
async def take_call(socket: WebSocket, call_id: str) -> None:
    """One socket is one call: the handler is made when it opens, and the call is finalised when it closes."""
    await socket.accept()
    async with TunerCallbackHandler(call_id=call_id, call_type="web_call") as handler:
        conversation = Conversation(socket, app.state.agent, handler)
        try:
            async for message in socket.iter_json():
                await conversation.hear(message)
        finally:
            await conversation.stop_speaking()
        handler.update(disconnection_reason="agent_hangup" if conversation.ended else "user_hangup")


class Conversation:
    """The turns of one call; a caller who speaks while the agent does is listened to."""

    def __init__(self, socket: WebSocket, agent: Any, handler: TunerCallbackHandler) -> None:
        self.ended = False
        self._socket = socket
        self._agent = agent
        self._handler = handler
        self._config: Any = {"callbacks": [handler], "configurable": {"thread_id": handler.call_id}}
        self._speaking: asyncio.Task[None] | None = None

    async def hear(self, turn: dict[str, Any]) -> None:
        await self.stop_speaking()
        # When the caller spoke only the voice stack knows; the wait for an answer is counted from there.
        self._handler.add_user_turn(
            turn["heard"],
            start_ms=turn["started"],
            end_ms=turn["ended"],
            confidence=turn.get("confidence"),
        )
        self._speaking = asyncio.create_task(self._answer(turn["heard"]))

    async def stop_speaking(self) -> None:
        """Cut the answer off, if one is being spoken. The handler marks it as interrupted."""
        if self._speaking is not None:
            self._speaking.cancel()
            with suppress(asyncio.CancelledError):
                await self._speaking

    async def _answer(self, words: str) -> None:
        turn = {"messages": [("user", words)]}
        # Without `subgraphs` the words of an agent inside a node come all at once, when it has ended.
        async for graph, mode, item in self._agent.astream(
            turn, self._config, stream_mode=["messages", "values"], subgraphs=True
        ):
            if mode == "values":
                self.ended = self.ended or (not graph and item.get("ended", False))
            elif isinstance(item[0], AIMessage) and item[0].text:
                await self._socket.send_json({"speak": item[0].text})
        await self._socket.send_json({"done": True})
        if self.ended:
            await self._socket.close()


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
