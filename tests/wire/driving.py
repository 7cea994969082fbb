"""The four ways to ask a LangChain model or graph: at once or streamed, sync or async."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio

WAYS = ("invoke", "stream", "ainvoke", "astream")


def ask(model: Any, prompt: Any, way: str) -> Any:
    """Ask a model and return its whole message."""
    if way == "invoke":
        return model.invoke(prompt)
    if way == "stream":
        return _sum(model.stream(prompt))
    return anyio.run(_aask, model, prompt, way)


async def _aask(model: Any, prompt: Any, way: str) -> Any:
    if way == "ainvoke":
        return await model.ainvoke(prompt)
    return await _asum(model.astream(prompt))


def _sum(chunks: Iterator[Any]) -> Any:
    whole = next(chunks)
    for chunk in chunks:
        whole += chunk
    return whole


async def _asum(chunks: AsyncIterator[Any]) -> Any:
    whole = await anext(chunks)
    async for chunk in chunks:
        whole += chunk
    return whole


def run_turn(graph: Any, state: Any, config: Any, way: str) -> None:
    """Drive one turn of a graph; when it is streamed, its model's words are streamed too."""
    if way == "invoke":
        graph.invoke(state, config)
    elif way == "stream":
        list(graph.stream(state, config, stream_mode="messages"))
    else:
        anyio.run(_arun_turn, graph, state, config, way)


async def _arun_turn(graph: Any, state: Any, config: Any, way: str) -> None:
    if way == "ainvoke":
        await graph.ainvoke(state, config)
    else:
        _ = [chunk async for chunk in graph.astream(state, config, stream_mode="messages")]
