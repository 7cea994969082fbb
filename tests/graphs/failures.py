"""Programs in which something goes wrong: errors, retries, error handlers, limits, time-outs, cancelled nodes."""

from __future__ import annotations

import asyncio
import time
from typing import Any, TypedDict

from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy

from graphs.play import ASYNC, EVERY, SYNC, Play, State, case, failing, sketch, step
from graphs.routing import route_to
from graphs.subgraphs import inner


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = error ValueError: no
""",
    modes=EVERY,
    fails="ValueError",
)
def node_that_raises() -> Any:
    return sketch("^ > a > b > c > $", nodes={"b": failing(ValueError("no"))})


@case(
    """
    sub <- __start__ [entry] = error
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge] = error ValueError: no
""",
    modes=EVERY,
    fails="ValueError",
)
def node_of_a_subgraph_that_raises() -> Any:
    return sketch(
        "^ > sub > $", nodes={"sub": inner("^ > x > y > $", nodes={"y": failing(ValueError("no"))})}
    )


@case(
    """
    call <- __start__ [entry]
    call:x <- __start__ [entry] = error ValueError: no
    b <- call [edge]
""",
    modes=EVERY,
)
def error_of_a_subgraph_that_a_function_catches() -> Any:
    sub = inner("^ > x > y > $", nodes={"x": failing(ValueError("no"))})

    def call(state: State) -> Any:
        try:
            sub.invoke({"log": []})
        except ValueError:
            return {"log": ["caught"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case(
    """
    call <- __start__ [entry]
    b <- call [edge]
""",
    modes=EVERY,
    errors="turn 1: ValueError: no",
)
def error_of_a_chain_that_a_function_catches() -> Any:
    chain = RunnableLambda(failing(ValueError("no")))

    def call(state: State) -> Any:
        try:
            chain.invoke(state)
        except ValueError:
            return {"log": ["caught"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case(
    """
    sub <- __start__ [entry] = error RuntimeError: worse
    sub:x <- __start__ [entry] = error ValueError: no
""",
    modes=EVERY,
    fails="RuntimeError",
)
def error_that_becomes_another() -> Any:
    sub = inner("^ > x > y > $", nodes={"x": failing(ValueError("no"))})

    def call(state: State) -> Any:
        try:
            sub.invoke({"log": []})
        except ValueError as error:
            raise RuntimeError("worse") from error

    return sketch("^ > sub > $", nodes={"sub": call})


@case(
    """
    a <- __start__ [entry] = error KeyError: 'nowhere'
""",
    modes=EVERY,
    fails="KeyError",
)
def router_that_raises() -> Any:
    def route(state: State) -> str:
        raise KeyError("nowhere")

    graph = sketch("^ > a", "b > $")
    graph.add_conditional_edges("a", route, ["b", END])
    return graph


@case(
    """
    a <- __start__ [entry]
    flaky <- a [edge] = error ConnectionError: once
    flaky <- flaky [retry] #2 = error ConnectionError: once
    flaky <- flaky [retry] #3
    b <- flaky [edge]
""",
    modes=EVERY,
)
def retries() -> Any:
    graph = sketch("^ > a", nodes={"b": step("b")})
    policy = RetryPolicy(initial_interval=0.001, jitter=False, max_attempts=3)
    graph.add_node("flaky", failing(ConnectionError("once"), times=2, name="flaky"), retry_policy=policy)
    graph.add_edge("a", "flaky")
    graph.add_edge("flaky", "b")
    return graph


@case(
    """
    flaky <- __start__ [entry] = error ConnectionError: always
    flaky <- flaky [retry] #2 = error ConnectionError: always
""",
    modes=EVERY,
    fails="ConnectionError",
)
def retries_in_vain() -> Any:
    graph: StateGraph[Any] = StateGraph(State)
    policy = RetryPolicy(initial_interval=0.001, jitter=False, max_attempts=2)
    graph.add_node("flaky", failing(ConnectionError("always")), retry_policy=policy)
    graph.add_edge(START, "flaky")
    return graph


@case(
    """
    a <- __start__ [entry]
    a <- a [edge]
    a <- a [edge]
""",
    modes=EVERY,
    fails="GraphRecursionError",
    errors="""
    turn 1: GraphRecursionError: Recursion limit of 3 reached…
""",
)
def recursion_limit() -> Any:
    return Play(sketch("^ > a > a"), config={"recursion_limit": 3})


class One(TypedDict, total=False):
    value: str


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
""",
    modes=EVERY,
    unordered=True,
    fails="InvalidUpdateError",
    errors="""
    turn 1: InvalidUpdateError: At key 'value': Can receive only one value per step.…
""",
)
def invalid_update() -> Any:
    nodes = {name: step(name, {"value": name}) for name in "abc"}
    return sketch("^ > a > b > $", "a > c > $", state=One, nodes=nodes)


@case(
    """
    a <- __start__ [entry] = error InvalidUpdateError: Expected dict, got 7
""",
    modes=EVERY,
    fails="InvalidUpdateError",
)
def node_that_returns_no_update() -> Any:
    return sketch("^ > a > $", nodes={"a": step("a", 7)})


@case(
    """
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:x <- call:x [edge]
    b <- call [edge]
""",
    modes=EVERY,
    errors="""
    turn 1: GraphRecursionError: Recursion limit of 2 reached…
""",
)
def recursion_limit_of_a_subgraph_that_a_function_catches() -> Any:
    from langgraph.errors import GraphRecursionError

    sub = inner("^ > x > x")

    def call(state: State) -> Any:
        try:
            sub.invoke({"log": []}, {"recursion_limit": 2})
        except GraphRecursionError:
            return {"log": ["caught"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = cancelled
    c <- a [edge] = error ValueError: no
""",
    modes=ASYNC,
    unordered=True,
    fails="ValueError",
)
def sibling_of_a_node_that_raises() -> Any:
    waiting = asyncio.Event

    async def b(state: State) -> Any:
        await waiting().wait()

    async def c(state: State) -> Any:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    return sketch("^ > a > b > $", "a > c > $", nodes={"b": b, "c": c})


@case(
    """
    a <- __start__ [entry] = cancelled
""",
    modes=ASYNC,
    fails="TimeoutError",
    errors="turn 1: TimeoutError: ",
)
def step_that_takes_too_long() -> Any:
    async def a(state: State) -> Any:
        await asyncio.Event().wait()

    program = sketch("^ > a > $", nodes={"a": a}).compile()
    program.step_timeout = 0.02
    return Play(program)


@case(
    """
    a <- __start__ [entry]
    b <- a [router] route: b = error ZeroDivisionError: division by zero
""",
    modes=EVERY,
    fails="ZeroDivisionError",
)
def lcel_step_that_raises() -> Any:
    chain = RunnableLambda(step("x", {"log": []})) | RunnableLambda(lambda state: 1 / 0)
    graph = sketch("^ > a", "b > $", nodes={"b": chain})
    graph.add_conditional_edges("a", route_to("b"), ["b", END])
    return graph


@case(
    """
    a <- __start__ [entry]
""",
    modes=SYNC,
    fails="TimeoutError",
    errors="turn 1: TimeoutError…",
    same=False,
)
def step_that_takes_too_long_in_a_thread() -> Any:
    program = sketch("^ > a > $", nodes={"a": lambda state: time.sleep(0.1)}).compile()
    program.step_timeout = 0.02
    return Play(program)
