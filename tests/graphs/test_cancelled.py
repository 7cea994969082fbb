"""Runs that are cut off: cancelled at any await, abandoned by their reader, stopped from the keyboard."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import langgraph.errors
import pytest
from langchain_core.tools import tool
from langgraph.graph import MessagesState
from scripted import ScriptedModel, call

from graphs.invariants import check
from graphs.notation import written
from graphs.play import sketch
from graphs.subgraphs import inner
from graphs.test_table import handler
from graphs.toolcalls import tools_graph


class Gate:
    """Something to wait for that never comes; says when somebody waits."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def wait(self, *_: Any) -> Any:
        self.reached.set()
        await asyncio.Event().wait()


async def cut(program: Any, value: Any, gate: Gate, made: Any) -> None:
    """Run a program until somebody waits at the gate, and cancel it."""
    running = asyncio.create_task(program.ainvoke(value, {"callbacks": [made]}))
    await gate.reached.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def rows(made: Any) -> list[str]:
    timeline = made.timeline
    check(timeline.document)
    return [line for lines in written(timeline.segments).values() for line in lines]


def test_cancelled_in_a_node() -> None:
    """The node that was running is cancelled, those before it are not."""
    made = handler()

    async def main() -> None:
        gate = Gate()
        await cut(sketch("^ > a > b > c > $", nodes={"b": gate.wait}).compile(), {"log": []}, gate, made)

    asyncio.run(main())
    assert rows(made) == ["a <- __start__ [entry]", "b <- a [edge] = cancelled"]


def test_cancelled_in_a_subgraph() -> None:
    """Every node around the cancelled one is cancelled."""
    made = handler()

    async def main() -> None:
        gate = Gate()
        sub = inner("^ > x > y > $", nodes={"y": gate.wait})
        await cut(sketch("^ > sub > $", nodes={"sub": sub}).compile(), {"log": []}, gate, made)

    asyncio.run(main())
    assert rows(made) == [
        "sub <- __start__ [entry] = cancelled",
        "sub:x <- __start__ [entry]",
        "sub:y <- sub:x [edge] = cancelled",
    ]


def test_cancelled_in_a_tool() -> None:
    """A tool that LangChain leaves open is cancelled with what is around it, and has its result row."""
    made = handler()

    async def main() -> None:
        gate = Gate()

        @tool
        async def wait(people: int) -> str:
            """Wait."""
            return str(await gate.wait())

        program = tools_graph(call("wait", people=2), wait).compile()
        await cut(program, {"messages": [("user", "Hello")]}, gate, made)

    asyncio.run(main())
    assert rows(made) == [
        "ask <- __start__ [entry]",
        "tools <- ask [router] tools_condition: tools = cancelled",
        'call wait {"people":2} @tools = cancelled',
        "answer wait ! cancelled",
    ]


def test_cancelled_in_a_model_call() -> None:
    """A model call that LangChain never closes does not keep its node open."""
    made = handler()

    class Waiting(ScriptedModel):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            await gate.wait()

    gate = Gate()

    async def ask(state: Any) -> Any:
        return {"messages": [await Waiting(script=("never",)).ainvoke("Hello")]}

    async def main() -> None:
        await cut(
            sketch("^ > ask > $", state=MessagesState, nodes={"ask": ask}).compile(),
            {"messages": []},
            gate,
            made,
        )

    asyncio.run(main())
    assert rows(made) == ["ask <- __start__ [entry] = cancelled"]


def test_cancelled_beside_others() -> None:
    """Parallel nodes that were cancelled are marked, one that had finished is not."""
    made = handler()

    async def main() -> None:
        gate = Gate()
        done = asyncio.Event()

        async def quick(state: Any) -> Any:
            done.set()
            return {"log": ["quick"]}

        async def slow(state: Any) -> Any:
            await done.wait()
            await asyncio.sleep(0.01)
            await gate.wait()

        program = sketch("^ > quick > $", "^ > slow > $", nodes={"quick": quick, "slow": slow}).compile()
        await cut(program, {"log": []}, gate, made)

    asyncio.run(main())
    assert sorted(rows(made)) == ["quick <- __start__ [entry]", "slow <- __start__ [entry] = cancelled"]


@pytest.mark.parametrize("steps", range(1, 40, 3))
def test_cancelled_at_any_await(steps: int) -> None:
    """Wherever a run is cut off, the rows are whole: cancelled or ok, never an error, nothing open."""
    made = handler()

    async def pause(state: Any) -> Any:
        for _ in range(3):
            await asyncio.sleep(0)
        return {"log": ["x"]}

    sub = inner("^ > x > y > $", nodes={"x": pause, "y": pause})
    program = sketch("^ > a > sub > b > $", "a > c > b", nodes={"a": pause, "sub": sub, "c": pause}).compile()

    async def main() -> None:
        running = asyncio.create_task(program.ainvoke({"log": []}, {"callbacks": [made]}))
        for _ in range(steps * 4):
            await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(main())
    document = made.timeline.document
    check(document)
    statuses = {row["metadata"]["status"] for row in document["transcript_with_tool_calls"]}
    assert statuses <= {"ok", "cancelled"}
    assert "errors" not in document["metadata"]


def test_a_stream_that_is_left() -> None:
    """What ran before the reader went away is there; the turn is no error."""
    made = handler()
    program = sketch("^ > a > b > c > $").compile()
    for _ in program.stream({"log": []}, {"callbacks": [made]}):
        break
    assert rows(made)[0] == "a <- __start__ [entry]"
    assert "errors" not in made.timeline.document["metadata"]


def test_an_async_stream_that_is_closed() -> None:
    """A node that was running when the stream was closed is cancelled."""
    made = handler()

    async def main() -> None:
        gate = Gate()
        program = sketch("^ > a > b > $", nodes={"b": gate.wait}).compile()
        stream: Any = program.astream({"log": []}, {"callbacks": [made]})
        await anext(stream)
        waiting: Any = asyncio.ensure_future(anext(stream))
        await gate.reached.wait()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await waiting
        await stream.aclose()

    asyncio.run(main())
    assert rows(made) == ["a <- __start__ [entry]", "b <- a [edge] = cancelled"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_stopped_from_outside(error: type[BaseException]) -> None:
    """An exception that is no Exception ends its node; a tool that LangChain leaves open is not dropped."""
    made = handler()

    @tool
    def stop(people: int) -> str:
        """Stop the program."""
        raise error

    program = tools_graph(call("stop", people=2), stop).compile()
    with pytest.raises(error):
        program.invoke({"messages": [("user", "Hello")]}, {"callbacks": [made]})
    found = rows(made)
    assert found[:2] == [
        "ask <- __start__ [entry]",
        f"tools <- ask [router] tools_condition: tools = error {error.__name__}",
    ]
    assert found[2].startswith('call stop {"people":2} @tools = ')
    assert len(found) == 4


def test_still_running_when_the_call_is_looked_at() -> None:
    """Runs that are open, with nothing around them closed, are unfinished."""
    made = handler()
    seen: list[str] = []

    def look(state: Any) -> Any:
        seen.extend(rows(made))
        return {"log": []}

    sketch("^ > a > look > $", nodes={"look": look}).compile().invoke({"log": []}, {"callbacks": [made]})
    assert seen == ["a <- __start__ [entry]", "look <- a [edge] = unfinished"]
    assert rows(made) == ["a <- __start__ [entry]", "look <- a [edge]"]


def test_a_node_that_raises_cancelled_itself() -> None:
    """The node is cancelled, and what LangGraph makes of it is among the call's errors."""
    made = handler()

    async def give_up(state: Any) -> Any:
        raise asyncio.CancelledError

    program = sketch("^ > a > give_up > $", nodes={"give_up": give_up}).compile()

    async def main() -> None:
        with contextlib.suppress(BaseException):
            await program.ainvoke({"log": []}, {"callbacks": [made]})

    asyncio.run(main())
    assert rows(made) == ["a <- __start__ [entry]", "give_up <- a [edge] = cancelled"]
    told = [error["type"] for error in made.timeline.document["metadata"].get("errors", ())]
    assert told == (["NodeCancelledError"] if hasattr(langgraph.errors, "NodeCancelledError") else [])
