"""Every way in which a program can run one turn, and the words of a call in a form that is easy to compare."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tuner_langchain.testing import record

GRAPH_MODES = ("invoke", "ainvoke", "stream", "astream", "stream words", "astream words", "astream_events")
SYNC_MODES = ("invoke", "stream", "stream words")
CHAIN_MODES = ("invoke", "ainvoke", "stream", "astream", "astream_events")


def run(program: Any, mode: str, inputs: Any, config: dict[str, Any]) -> Any:
    """Run one turn to its end in one mode, and return the outcome where the mode gives one."""
    words = {"stream_mode": "messages"} if mode.endswith(" words") else {}
    match mode.removesuffix(" words"):
        case "invoke":
            return program.invoke(inputs, config)
        case "stream":
            return list(program.stream(inputs, config, **words))
        case "ainvoke":
            return asyncio.run(program.ainvoke(inputs, config))
        case "astream":
            return asyncio.run(_collect(program.astream(inputs, config, **words)))
    return asyncio.run(_collect(program.astream_events(inputs, config, version="v2")))


async def _collect(stream: Any) -> list[Any]:
    return [item async for item in stream]


def handler(**options: Any) -> Any:
    """Return a recording handler whose own faults are raised, not logged."""
    made = record(**options)
    made.raise_error = True
    return made


def talk(
    program: Any, mode: str, turns: list[Any], *, thread: str | None = "t", note: Callable[[Any], None] | None = None,
    **options: Any,
) -> Any:  # fmt: skip
    """Run the turns of a conversation with one handler and return the handler.

    A turn that is a function is called with the outcomes so far and returns the turn's input.
    """
    made = handler(**options)
    config: dict[str, Any] = {"callbacks": [made]}
    if thread is not None:
        config["configurable"] = {"thread_id": thread}
    outcomes: list[Any] = []
    for turn in turns:
        outcome = run(program, mode, turn(outcomes) if callable(turn) else turn, config)
        outcomes.append(outcome)
        if note is not None:
            note(outcome)
    return made


def said(call: Any) -> list[str]:
    """Return the words of a call, `1 user: Hello` for each row, in the order of the document."""
    return [
        f"{row['metadata']['turn']} {row['role']}: {row['text']}"
        + " [cut]" * bool(row["metadata"].get("interrupted"))
        for row in call.timeline
        if row["role"] in ("user", "agent")
    ]


def spoken(call: Any, role: str = "agent") -> list[dict[str, Any]]:
    """Return the rows of one role."""
    return [row for row in call.timeline if row["role"] == role]
