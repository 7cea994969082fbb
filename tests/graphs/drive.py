"""Every way LangChain has to run a program, as functions from a play to what the program gave."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.messages import BaseMessage
from langgraph.pregel import Pregel

from graphs.play import Play

Given = list[Any]


@dataclasses.dataclass
class Outcome:
    """What a program gave, turn by turn, and the exception that ended it."""

    given: Given
    error: BaseException | None = None


def drive(mode: str, play: Play, callbacks: list[Any]) -> Outcome:
    """Run every turn of a play in one mode."""
    if mode in _SYNC:
        return _drive_sync(_SYNC[mode], play, callbacks)
    return asyncio.run(_drive_async(_ASYNC[mode], play, callbacks))


def _inputs(play: Play) -> list[Any]:
    return list(play.turns)


def _input(turn: Any, play: Play) -> Any:
    return turn(play) if callable(turn) else turn


def _drive_sync(run: Callable[..., Any], play: Play, callbacks: list[Any]) -> Outcome:
    outcome = Outcome([])
    for turn in _inputs(play):
        outcome.error = None
        try:
            run(play.program, _input(turn, play), {**play.config, "callbacks": callbacks}, outcome.given)
        except Exception as error:  # noqa: BLE001 - what programs raise is compared
            outcome.error = error
    return outcome


async def _drive_async(run: Callable[..., Awaitable[Any]], play: Play, callbacks: list[Any]) -> Outcome:
    outcome = Outcome([])
    for turn in _inputs(play):
        outcome.error = None
        try:
            await run(
                play.program, _input(turn, play), {**play.config, "callbacks": callbacks}, outcome.given
            )
        except Exception as error:  # noqa: BLE001 - what programs raise is compared
            outcome.error = error
    return outcome


def _invoke(program: Any, value: Any, config: Any, given: Given) -> None:
    given.append(program.invoke(value, config))


def _stream(program: Any, value: Any, config: Any, given: Given) -> None:
    for chunk in program.stream(value, config):
        given.append(chunk)


def _stream_messages(program: Any, value: Any, config: Any, given: Given) -> None:
    for chunk in program.stream(value, config, **_messages(program)):
        given.append(chunk)


def _batch(program: Any, value: Any, config: Any, given: Given) -> None:
    given.append(program.batch([value, value], config))


async def _ainvoke(program: Any, value: Any, config: Any, given: Given) -> None:
    given.append(await program.ainvoke(value, config))


async def _astream(program: Any, value: Any, config: Any, given: Given) -> None:
    async for chunk in program.astream(value, config):
        given.append(chunk)


async def _astream_messages(program: Any, value: Any, config: Any, given: Given) -> None:
    async for chunk in program.astream(value, config, **_messages(program)):
        given.append(chunk)


async def _astream_events(program: Any, value: Any, config: Any, given: Given) -> None:
    async for event in program.astream_events(value, config, version="v2"):
        given.append((event["event"], event["name"], event["data"]))


async def _abatch(program: Any, value: Any, config: Any, given: Given) -> None:
    given.append(await program.abatch([value, value], config))


def _messages(program: Any) -> dict[str, Any]:
    return {"stream_mode": ["messages", "updates"], "subgraphs": True} if isinstance(program, Pregel) else {}


_SYNC = {"invoke": _invoke, "stream": _stream, "stream_messages": _stream_messages, "batch": _batch}
_ASYNC = {
    "ainvoke": _ainvoke,
    "astream": _astream,
    "astream_messages": _astream_messages,
    "astream_events": _astream_events,
    "abatch": _abatch,
}


def comparable(value: Any) -> Any:
    """Return what a program gave in a form that two runs share: without ids and times."""
    if isinstance(value, BaseMessage):
        calls = [(call["name"], comparable(call["args"])) for call in getattr(value, "tool_calls", ())]
        return (value.type, comparable(value.content), calls)
    if isinstance(value, dict):
        # Threads race for the order of keys too, where branches of a program add them.
        items = sorted(value.items(), key=lambda item: str(item[0]))
        return {_key(key): comparable(item) for key, item in items if key not in _OWN}
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (
            type(value).__name__,
            comparable({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}),
        )
    if isinstance(value, str | int | float | bool | None):
        return value if not isinstance(value, str) or ":" not in value else value.partition(":")[0]
    return type(value).__name__


def _key(key: Any) -> str:
    text = str(key)
    return "an id" if len(text) == 32 and text.isalnum() else text


# What differs from run to run: ids, and metadata that LangGraph makes from them.
_OWN = frozenset(
    {
        "id",
        "run_id",
        "checkpoint_ns",
        "langgraph_checkpoint_ns",
        "langgraph_path",
        "interrupt_id",
        "metadata",
        "config",
    }
)
