"""Programs with graphs inside graphs: as nodes, in functions, threads and tools, with commands to the parent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy, Send

from graphs.play import ASYNC, EVERY, Play, State, case, failing, remembered, sketch, step
from graphs.routing import route_to


def inner(*paths: str, nodes: Mapping[str, Any] | None = None, **compiled: Any) -> Any:
    """Return a compiled subgraph; x, then y, where no paths are given."""
    return sketch(*(paths or ("^ > x > y > $",)), nodes=nodes).compile(**compiled)


@case("""
    a <- __start__ [entry]
    sub <- a [edge]
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge]
    b <- sub [edge]
""")
def subgraph_as_node() -> Any:
    return sketch("^ > a > sub > b > $", nodes={"sub": inner()})


@case("""
    sub <- __start__ [entry]
    sub:sub <- __start__ [entry]
    sub:sub2 <- sub:sub [edge]
    b <- sub [edge]
""")
def subgraph_named_like_its_node() -> Any:
    return sketch("^ > sub > b > $", nodes={"sub": inner("^ > sub > sub2 > $", name="sub")})


@case("""
    a <- __start__ [entry]
    sub <- a [router] route: sub
    sub:x <- __start__ [entry]
    sub:z <- sub:x [router] inside: far
    b <- sub [router] after: b
""")
def subgraph_with_routers_in_and_out() -> Any:
    graph = sketch("^ > x", "y > $", "z > $")
    graph.add_conditional_edges("x", route_to("far", "inside"), {"far": "z", "near": "y"})
    outer = sketch("^ > a", "b > $", nodes={"sub": graph.compile()})
    outer.add_conditional_edges("a", route_to("sub"), ["sub", END])
    outer.add_conditional_edges("sub", route_to("b", "after"), ["b", END])
    return outer


@case("""
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    b <- call [edge]
""")
def subgraph_in_a_function() -> Any:
    sub = inner()

    def call(state: State) -> Any:
        return {"log": sub.invoke({"log": []})["log"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case("""
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    b <- call [edge]
""")
def subgraph_twice_in_a_function() -> Any:
    sub = inner()

    def call(state: State) -> Any:
        sub.invoke({"log": []})
        return {"log": sub.invoke({"log": []})["log"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case(
    """
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    b <- call [edge]
""",
    modes=(*ASYNC, "abatch"),
    unordered=True,
)
def subgraphs_gathered_in_a_function() -> Any:
    sub = inner()

    async def call(state: State) -> Any:
        await asyncio.gather(sub.ainvoke({"log": []}), sub.ainvoke({"log": []}))
        return {"log": ["call"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case("""
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    b <- call [edge]
""")
def subgraph_in_a_thread() -> Any:
    sub = inner()

    def call(state: State, config: RunnableConfig) -> Any:
        thread = threading.Thread(target=sub.invoke, args=({"log": []}, config))
        thread.start()
        thread.join()
        return {"log": ["call"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case("""
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    b <- call [edge]
""")
def subgraph_called_with_the_callback_manager() -> Any:
    sub = inner()

    def call(state: State, config: RunnableConfig) -> Any:
        sub.invoke({"log": []}, {"callbacks": config["callbacks"]})
        return {"log": ["call"]}

    return sketch("^ > call > b > $", nodes={"call": call})


@case("""
    use <- __start__ [entry]
    call research {"question":"why"} @use
    use:x <- __start__ [entry]
    use:y <- use:x [edge]
    answer research {"value":"because"}
    b <- use [edge]
""")
def subgraph_in_a_tool() -> Any:
    sub = inner()

    @tool
    def research(question: str) -> str:
        """Find out."""
        sub.invoke({"log": []})
        return "because"

    def use(state: State) -> Any:
        return {"log": [research.invoke({"question": "why"})]}

    return sketch("^ > use > b > $", nodes={"use": use})


@case("""
    one <- __start__ [entry]
    one:two <- __start__ [entry]
    one:two:three <- __start__ [entry]
    one:two:three:x <- __start__ [entry]
    one:two:three:y <- one:two:three:x [edge]
    one:two:after <- one:two:three [edge]
    b <- one [edge]
""")
def subgraphs_three_deep() -> Any:
    two = inner("^ > three > after > $", nodes={"three": inner()})
    return sketch("^ > one > b > $", nodes={"one": inner("^ > two > $", nodes={"two": two})})


@case("""
    chain <- __start__ [entry]
    chain:x <- __start__ [entry]
    chain:y <- chain:x [edge]
    b <- chain [router] route: b
""")
def subgraph_as_step_of_a_chain() -> Any:
    chain = (
        RunnableLambda(lambda state: {"log": []}) | inner() | RunnableLambda(lambda state: {"log": ["chain"]})
    )
    graph = sketch("^ > chain", "b > $", nodes={"chain": chain})
    graph.add_conditional_edges("chain", route_to("b"), ["b", END])
    return graph


@case(
    """
    sub <- __start__ [entry]
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge]
    turn 2
    sub <- __start__ [entry]
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge]
""",
    modes=EVERY,
)
def subgraph_with_its_own_memory() -> Any:
    return remembered(
        sketch("^ > sub > $", nodes={"sub": inner(checkpointer=True)}), {"log": []}, {"log": []}
    )


@case(
    """
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    turn 2
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
""",
    modes=EVERY,
)
def subgraph_with_a_thread_of_its_own() -> Any:
    sub = inner(checkpointer=InMemorySaver())

    def call(state: State) -> Any:
        sub.invoke({"log": []}, {"configurable": {"thread_id": "inner"}})
        return {"log": ["call"]}

    return remembered(sketch("^ > call > $", nodes={"call": call}), {"log": []}, {"log": []})


@case(
    """
    left <- __start__ [entry]
    right <- __start__ [entry]
    left:x <- __start__ [entry]
    left:y <- left:x [edge]
    right:x <- __start__ [entry]
    right:y <- right:x [edge]
    b <- left+right [edge]
""",
    unordered=True,
)
def subgraphs_in_parallel() -> Any:
    return sketch("^ > left > b > $", "^ > right > b", nodes={"left": inner(), "right": inner()})


@case(
    """
    fan <- __start__ [entry]
    sub <- fan [send]
    sub <- fan [send]
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge]
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge]
""",
    unordered=True,
)
def sends_to_a_subgraph() -> Any:
    graph = sketch("^ > fan", "sub > $", nodes={"sub": inner()})
    graph.add_conditional_edges(
        "fan", route_to([Send("sub", {"log": ["1"]}), Send("sub", {"log": ["2"]})]), ["sub"]
    )
    return graph


# ------------------------------------------------------------------ commands to the parent


def leave(goto: Any, **fields: Any) -> Command[Any]:
    return Command(graph=Command.PARENT, goto=goto, **fields)


@case("""
    sub <- __start__ [entry] = handed_over
    sub:x <- __start__ [entry] = handed_over
    b <- sub [parent_command] command
""")
def command_to_the_parent() -> Any:
    sub = inner("^ > x > y > $", nodes={"x": step("x", leave("b"))})
    return sketch("^ > sub", "b > $", nodes={"sub": sub})


@case(
    """
    sub <- __start__ [entry] = handed_over
    sub:x <- __start__ [entry] = handed_over
    b <- sub [parent_command] command
    c <- sub [router] route: far
    d <- sub [edge]
""",
    unordered=True,
)
def command_to_the_parent_beside_an_edge_and_a_router() -> Any:
    sub = inner("^ > x > y > $", nodes={"x": step("x", leave("b"))})
    graph = sketch("^ > sub > d > $", "b > $", "c > $", nodes={"sub": sub})
    graph.add_conditional_edges("sub", route_to("far"), {"far": "c", "near": "b"})
    return graph


@case(
    """
    sub <- __start__ [entry] = handed_over
    sub:x <- __start__ [entry] = handed_over
    b <- sub [send]
    b <- sub [send]
""",
    unordered=True,
)
def sends_to_the_parent() -> Any:
    sub = inner(
        "^ > x > y > $", nodes={"x": step("x", leave([Send("b", {"log": ["1"]}), Send("b", {"log": ["2"]})]))}
    )
    return sketch("^ > sub", "b > $", nodes={"sub": sub})


@case("""
    one <- __start__ [entry]
    one:two <- __start__ [entry] = handed_over
    one:two:x <- __start__ [entry] = handed_over
    one:after <- one:two [parent_command] command
    b <- one [edge]
""")
def command_to_the_parent_in_the_middle() -> Any:
    two = inner("^ > x > y > $", nodes={"x": step("x", leave("after"))})
    return sketch("^ > one > b > $", nodes={"one": inner("^ > two", "after > $", nodes={"two": two})})


@case("""
    call <- __start__ [entry] = handed_over
    call:x <- __start__ [entry] = handed_over
    b <- call [parent_command] command
""")
def command_to_the_parent_through_a_function() -> Any:
    sub = inner("^ > x > y > $", nodes={"x": step("x", leave("b"))})

    def call(state: State) -> Any:
        return {"log": sub.invoke({"log": []})["log"]}

    return sketch("^ > call", "b > $", nodes={"call": call})


@case(
    """
    sub <- __start__ [entry]
    sub:x <- __start__ [entry]
    sub:x <- sub:x [router] again: x
    sub:y <- sub:x [router] again: y
    sub <- sub [router] more: sub
    sub:x <- __start__ [entry]
    sub:x <- sub:x [router] again: x
    sub:y <- sub:x [router] again: y
""",
    modes=EVERY,
)
def subgraph_in_a_loop() -> Any:
    runs: list[int] = []
    graph: StateGraph[Any] = StateGraph(State)
    graph.add_node("x", step("x"))
    graph.add_node("y", step("y"))
    graph.add_edge(START, "x")
    graph.add_edge("y", END)

    def again(state: State) -> str:
        runs.append(1)
        return "x" if len(runs) % 2 else "y"

    graph.add_conditional_edges("x", again, ["x", "y"])

    def more(state: State) -> str:
        return "sub" if len(runs) < 4 else END

    outer = sketch("^ > sub", nodes={"sub": graph.compile()})
    outer.add_conditional_edges("sub", more, ["sub", END])
    return outer


def flaky_twice() -> Any:
    """Return a subgraph whose second node fails once."""
    return inner("^ > x > y > z > $", nodes={"y": failing(ConnectionError("once"), times=1, name="y")})


def retried(sub: Any) -> StateGraph[Any]:
    graph = sketch(nodes={"b": step("b")})
    graph.add_node("sub", sub, retry_policy=RetryPolicy(initial_interval=0.001, jitter=False))
    graph.add_edge(START, "sub")
    graph.add_edge("sub", "b")
    return graph


@case(
    """
    sub <- __start__ [entry] = error
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge] = error ConnectionError: once
    sub <- sub [retry] #2
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge]
    sub:z <- sub:y [edge]
    b <- sub [edge]
""",
    modes=EVERY,
)
def subgraph_that_is_retried() -> Any:
    return Play(retried(flaky_twice()).compile(), config={"configurable": {"thread_id": "t1"}})


@case(
    """
    sub <- __start__ [entry] = error
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge] = error ConnectionError: once
    sub <- sub [retry] #2
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge]
    sub:z <- sub:y [edge]
    b <- sub [edge]
""",
    modes=EVERY,
)
def subgraph_with_memory_that_is_retried() -> Any:
    return remembered(retried(flaky_twice()), {"log": []})


@case(
    """
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    turn 2
    call <- __start__ [entry]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
    call:x <- __start__ [entry]
    call:y <- call:x [edge]
""",
    modes=EVERY,
)
def subgraph_twice_in_a_function_with_memory() -> Any:
    sub = inner()

    def call(state: State) -> Any:
        sub.invoke({"log": []})
        return {"log": sub.invoke({"log": []})["log"]}

    return remembered(sketch("^ > call > $", nodes={"call": call}), {"log": []}, {"log": []})


@case(
    """
    __start__:x <- __start__ [entry]
    __start__:y <- __start__:x [edge]
    b <- __start__ [router] gate: b
""",
    modes=EVERY,
)
def subgraph_in_the_router_of_the_entry() -> Any:
    sub = inner()

    def gate(state: State) -> str:
        sub.invoke({"log": []})
        return "b"

    graph = sketch("a > $", "b > $")
    graph.add_conditional_edges(START, gate, ["a", "b"])
    return graph


@case(
    """
    a <- __start__ [entry]
    a:x <- __start__ [entry]
    a:y <- a:x [edge]
    b <- a [router] gate: b
""",
    modes=EVERY,
)
def subgraph_in_a_router() -> Any:
    sub = inner()

    def gate(state: State) -> str:
        sub.invoke({"log": []})
        return "b"

    graph = sketch("^ > a", "b > $")
    graph.add_conditional_edges("a", gate, ["b", END])
    return graph


@case(
    """
    sub <- __start__ [entry]
    sub:__start__:x <- __start__ [entry]
    sub:__start__:y <- sub:__start__:x [edge]
    sub:b <- __start__ [router] gate: b
""",
    modes=EVERY,
)
def subgraph_in_the_router_of_a_subgraphs_entry() -> Any:
    return sketch("^ > sub > $", nodes={"sub": subgraph_in_the_router_of_the_entry().compile()})
