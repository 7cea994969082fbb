"""On an event loop that forbids blocking calls, as `langgraph dev` runs one: a call's whole life."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from delivery.conftest import KEY
from delivery.server import ScriptedServer, serve

from lifecycle.calls import graph
from tuner_langchain import Delivery, TunerCallbackHandler, TunerConfig
from tuner_langchain.ahead import ENOUGH_RUNS

Settings = dict[str, Any]


@pytest.fixture(name="server")
def _server() -> Iterator[ScriptedServer]:
    owner = ScriptedServer()
    running = serve(owner)
    yield owner
    running.shutdown()
    running.server_close()


async def _turn(handler: TunerCallbackHandler) -> None:
    await graph().ainvoke({"messages": [("user", "Hello?")]}, {"callbacks": [handler]})


async def _finalize(settings: Settings) -> None:
    handler = TunerCallbackHandler(config=TunerConfig(**settings), call_id="strict-1")
    await _turn(handler)
    handler.update(user_sentiment="positive")
    handler.add_agent_turn("Good evening.")
    assert handler.finalize().durable


async def _afinalize(settings: Settings) -> None:
    handler = TunerCallbackHandler(config=TunerConfig(**settings), call_id="strict-1")
    await _turn(handler)
    assert (await handler.afinalize()).durable


async def _with(settings: Settings) -> None:
    with TunerCallbackHandler(config=TunerConfig(**settings), call_id="strict-1") as handler:
        await _turn(handler)


async def _async_with(settings: Settings) -> None:
    async with TunerCallbackHandler(config=TunerConfig(**settings), call_id="strict-1") as handler:
        await _turn(handler)


async def _dropped(settings: Settings) -> None:
    await _turn(TunerCallbackHandler(config=TunerConfig(**settings), call_id="strict-1"))
    gc.collect()


async def _long(settings: Settings) -> None:
    async with TunerCallbackHandler(config=TunerConfig(**settings), call_id="strict-1") as handler:
        for _ in range(ENOUGH_RUNS):
            await _turn(handler)


async def _waits(settings: Settings) -> None:
    handler = TunerCallbackHandler(config=TunerConfig(**settings), call_id="strict-1")
    await _turn(handler)
    assert (await handler.finalize().settled(20)).state == "delivered"


WAYS = [_finalize, _afinalize, _with, _async_with, _dropped, _long, _waits]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_a_call_lives_and_ends_on_a_strict_loop(
    way: Callable[[Settings], Awaitable[None]],
    server: ScriptedServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing raises, LangChain logs no fault of a callback, and the call is delivered."""
    settings: Settings = {
        "api_key": KEY, "workspace_id": 42, "agent_id": "desk", "base_url": server.url, "environ": {},
        "outbox_dir": tmp_path / "outbox",
    }  # fmt: skip

    async def main() -> None:
        with blockbuster_ctx():
            await way(settings)

    asyncio.run(main())
    end_s = time.monotonic() + 20
    while "strict-1" not in server.stored and time.monotonic() < end_s:
        time.sleep(0.02)
    Delivery.shared(TunerConfig(**settings)).close(5)

    assert list(server.stored) == ["strict-1"]
    assert not [line for line in caplog.records if "Error in" in line.getMessage()]
    assert not [line for line in caplog.records if line.levelno >= logging.ERROR]
