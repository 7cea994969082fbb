"""What only newer LangGraphs have: error handlers, time limits of nodes, shutdown, v3 streams."""

from __future__ import annotations

import asyncio
from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.types import Command

from graphs.play import ASYNC, EVERY, State, case, failing, sketch, step

NEWER = "langgraph>=1.2"


def handled(handler: Any, node: Any = None, **policies: Any) -> StateGraph[Any]:
    """Return a graph whose node b fails and has an error handler."""
    graph = sketch("^ > a", "c > $", nodes={"c": step("c")})
    graph.add_node("b", node or failing(ValueError("no")), error_handler=handler, **policies)
    graph.add_edge("a", "b")
    graph.add_edge("b", "d")
    graph.add_node("d", step("d"))
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = error ValueError: no
    __error_handler__b <- b [error_handler]
    c <- __error_handler__b [command]
""",
    modes=EVERY,
    needs=NEWER,
)
def error_handler_that_goes_on_elsewhere() -> Any:
    return handled(lambda state: Command(goto="c", update={"log": ["handled"]}))


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = error ValueError: no
    __error_handler__b <- b [error_handler]
""",
    modes=EVERY,
    needs=NEWER,
)
def error_handler_that_ends() -> Any:
    return handled(lambda state: {"log": ["handled"]})


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = error ValueError: no
    __error_handler__b <- b [error_handler] = error RuntimeError: worse
""",
    modes=EVERY,
    needs=NEWER,
    fails="RuntimeError",
)
def error_handler_that_raises() -> Any:
    def handler(state: State) -> Any:
        raise RuntimeError("worse")

    return handled(handler)


@case(
    """
    sub <- __start__ [entry]
    sub:x <- __start__ [entry] = error ValueError: no
    sub:__error_handler__x <- sub:x [error_handler]
    sub:y <- sub:__error_handler__x [command]
    b <- sub [edge]
""",
    modes=EVERY,
    needs=NEWER,
)
def error_handler_in_a_subgraph() -> Any:
    graph: StateGraph[Any] = StateGraph(State)
    graph.add_node("x", failing(ValueError("no")), error_handler=lambda state: Command(goto="y"))
    graph.add_node("y", step("y"))
    graph.add_edge(START, "x")
    return sketch("^ > sub > b > $", nodes={"sub": graph.compile()})


@case(
    """
    a <- __start__ [entry] = cancelled
""",
    modes=ASYNC,
    needs=NEWER,
    fails="NodeTimeoutError",
    errors="turn 1: NodeTimeoutError: …",
)
def node_that_takes_too_long() -> Any:
    async def a(state: State) -> Any:
        await asyncio.Event().wait()

    graph: StateGraph[Any] = StateGraph(State)
    graph.add_node("a", a, timeout=0.02)
    graph.add_edge(START, "a")
    return graph
