"""Programs that route: edges, routers, commands, joins, Sends, loops, odd names, every kind of node."""

from __future__ import annotations

import enum
import operator
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal, TypedDict

from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langgraph.cache.memory import InMemoryCache
from langgraph.graph import END, START, StateGraph
from langgraph.types import CachePolicy, Command, Send
from pydantic import BaseModel
from scripted import ScriptedModel

from graphs.play import ASYNC, BATCH, EVERY, SYNC, Play, State, case, remembered, sketch, step


def route_to(where: Any, name: str = "route") -> Any:
    """Return a router of that name that always answers the same."""

    def route(state: Any) -> Any:
        return where

    route.__name__ = name
    return route


@case("""
    a <- __start__ [entry]
    b <- a [edge]
    c <- b [edge]
""")
def linear() -> Any:
    return sketch("^ > a > b > c > $")


@case("""
    a <- __start__ [entry]
    b <- a [router] route: b
""")
def router_function() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to("b"), ["b", "c"])
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [router] route: b
""")
def router_without_destinations() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to("b"))
    return graph


@case("""
    a <- __start__ [entry]
    c <- a [router] route: yes
""")
def router_with_path_map() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to("yes"), {"yes": "c", "no": "b"})
    return graph


@case("""
    a <- __start__ [entry]
    c <- a [router] route: b
""")
def router_whose_labels_are_names_of_other_nodes() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to("b"), {"b": "c", "c": "b"})
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [router] route: True
""")
def router_with_bool_labels() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to(True), {True: "b", False: "c"})
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [router] route
""")
def router_that_returns_none() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to(None), {None: "b", "other": "c"})
    return graph


class Where(enum.Enum):
    LEFT = "left"
    RIGHT = "right"


@case("""
    a <- __start__ [entry]
    b <- a [router] route: left
""")
def router_with_enum_labels() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to(Where.LEFT), {Where.LEFT: "b", Where.RIGHT: "c"})
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [router] condition: b
""")
def router_lambda() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", lambda state: "b", ["b", "c"])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [router] pick: b
    c <- a [router] pick: c
""",
    unordered=True,
)
def router_to_several() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to(["b", "c"], "pick"), ["b", "c"])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [router] first: yes
    c <- a [router] second: yes
""",
    unordered=True,
)
def two_routers_on_a_node() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route_to("yes", "first"), {"yes": "b", "no": "c"})
    graph.add_conditional_edges("a", route_to("yes", "second"), {"yes": "c", "no": "b"})
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [router] first: b; second: b
""")
def two_routers_to_one_node() -> Any:
    graph = sketch("^ > a", "b > $")
    graph.add_conditional_edges("a", route_to("b", "first"), ["b"])
    graph.add_conditional_edges("a", route_to("b", "second"), ["b"])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [router] first: yes
    d <- a [router] second: yes
""",
    unordered=True,
)
def two_routers_and_an_edge() -> Any:
    graph = sketch("^ > a > b > $", "c > $", "d > $")
    graph.add_conditional_edges("a", route_to("yes", "first"), {"yes": "c", "no": "b"})
    graph.add_conditional_edges("a", route_to("yes", "second"), {"yes": "d", "no": "b"})
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [edge+router] route: b
""")
def edge_and_router_to_one_node() -> Any:
    graph = sketch("^ > a > b > $")
    graph.add_conditional_edges("a", route_to("b"), ["b", END])
    return graph


@case("""
    b <- __start__ [router] gate: b
""")
def router_at_the_entry() -> Any:
    graph = sketch("a > $", "b > $")
    graph.add_conditional_edges(START, route_to("b", "gate"), ["a", "b"])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- __start__ [router] gate: yes
""",
    unordered=True,
)
def router_and_edge_at_the_entry() -> Any:
    graph = sketch("^ > a > $", "b > $")
    graph.add_conditional_edges(START, route_to("yes", "gate"), {"yes": "b", "no": "a"})
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [router] condition: b
""")
def router_lcel_sequence() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", RunnableLambda(step("x", "B")) | RunnableLambda(str.lower), ["b", "c"])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [router] classify: b
""",
    modes=EVERY,
)
def router_that_calls_a_model() -> Any:
    model = ScriptedModel("b")

    def classify(state: State) -> str:
        return str(model.invoke("where to?").content)

    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", classify, ["b", "c"])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [router] route: b
""",
    modes=(*ASYNC, "abatch"),
)
def router_async() -> Any:
    async def route(state: State) -> str:
        return "b"

    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", route, ["b", "c"])
    return graph


class Router:
    """A router that is an object."""

    def __call__(self, state: State) -> Literal["b", "c"]:
        return "b"


@case("""
    a <- __start__ [entry]
    b <- a [router] condition: b
""")
def router_object() -> Any:
    graph = sketch("^ > a", "b > $", "c > $")
    graph.add_conditional_edges("a", Router(), ["b", "c"])
    return graph


@case("""
    a <- __start__ [entry]
""")
def router_to_the_end() -> Any:
    graph = sketch("^ > a", "b > $")
    graph.add_conditional_edges("a", route_to("done"), {"done": END, "more": "b"})
    return graph


@case("""
    a <- __start__ [entry]
    a <- a [router] again: more
    a <- a [router] again: more
    b <- a [router] again: done
""")
def loop_with_router() -> Any:
    def again(state: State) -> str:
        return "more" if len(state["log"]) < 3 else "done"

    graph = sketch("^ > a", "b > $")
    graph.add_conditional_edges("a", again, {"more": "a", "done": "b"})
    return graph


@case("""
    a <- __start__ [entry]
    b <- a [edge]
    a <- b [router] again: a
    b <- a [edge]
""")
def loop_of_two() -> Any:
    def again(state: State) -> str:
        return "a" if len(state["log"]) < 4 else END

    graph = sketch("^ > a > b")
    graph.add_conditional_edges("b", again, ["a", END])
    return graph


# ------------------------------------------------------------------ commands


@case("""
    a <- __start__ [entry]
    c <- a [command]
""")
def command_goto() -> Any:
    return sketch("^ > a", "b > $", "c > $", nodes={"a": step("a", Command(goto="c", update={"log": ["a"]}))})


@case(
    """
    a <- __start__ [entry]
    b <- a [command]
    c <- a [command]
""",
    unordered=True,
)
def command_goto_several() -> Any:
    return sketch("^ > a", "b > $", "c > $", nodes={"a": step("a", Command(goto=["b", "c"]))})


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [command]
""",
    unordered=True,
)
def command_beside_an_edge() -> Any:
    return sketch("^ > a > b > $", "c > $", nodes={"a": step("a", Command(goto="c"))})


@case(
    """
    a <- __start__ [entry]
    b <- a [command]
    c <- a [command]
""",
    unordered=True,
)
def list_of_commands() -> Any:
    update = [Command(goto="b"), {"log": ["a"]}, Command(goto="c")]
    return sketch("^ > a", "b > $", "c > $", nodes={"a": step("a", update)})


@case("""
    a <- __start__ [entry]
    b <- a [edge]
""")
def command_without_goto() -> Any:
    return sketch("^ > a > b > $", nodes={"a": step("a", Command(update={"log": ["a"]}))})


@case("""
    a <- __start__ [entry]
""")
def command_to_the_end() -> Any:
    return sketch("^ > a", "b > $", nodes={"a": step("a", Command(goto=END))})


@case(
    """
    a <- __start__ [entry]
    b <- a [send]
    c <- a [command]
""",
    unordered=True,
)
def command_with_a_send() -> Any:
    update = Command(goto=["c", Send("b", {"log": ["x"]})])
    return sketch("^ > a", "b > $", "c > $", nodes={"a": step("a", update)})


# ------------------------------------------------------------------ fan-out, fan-in, joins, deferred


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    d <- b+c [edge]
""",
    unordered=True,
)
def fan_out_and_in() -> Any:
    return sketch("^ > a > b > d > $", "a > c > d")


@case(
    """
    a <- __start__ [entry]
    b <- __start__ [entry]
""",
    unordered=True,
)
def two_entries() -> Any:
    return sketch("^ > a > $", "^ > b > $")


@case(
    """
    a <- __start__ [entry]
    b <- __start__ [entry]
    c <- a [edge]
    d <- b [edge]
""",
    unordered=True,
)
def parallel_lanes() -> Any:
    return sketch("^ > a > c > $", "^ > b > d > $")


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    c2 <- c [edge]
    d <- b+c2 [join]
""",
    unordered=True,
)
def uneven_join() -> Any:
    graph = sketch("^ > a > b", "a > c > c2", "d > $")
    graph.add_edge(["b", "c2"], "d")
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    c2 <- c [edge]
    d <- b [edge]
    d <- c2 [edge]
""",
    unordered=True,
)
def uneven_edges_run_twice() -> Any:
    return sketch("^ > a > b > d > $", "a > c > c2 > d")


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    d <- b+c [join]
""",
    unordered=True,
)
def even_join() -> Any:
    graph = sketch("^ > a > b", "a > c", "d > $")
    graph.add_edge(["b", "c"], "d")
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    d <- a+b+c [edge+join] join
""",
    unordered=True,
)
def edge_and_join_into_one_node() -> Any:
    graph = sketch("^ > a > b > d > $", "a > c", "a > d2 > $")
    graph = sketch("^ > a > b", "a > c", "d > $")
    graph.add_edge(["a", "b"], "d")
    graph.add_edge("c", "d")
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    c2 <- c [edge]
    d <- b+c2 [edge]
""",
    unordered=True,
)
def deferred() -> Any:
    graph = sketch("^ > a > b > d", "a > c > c2 > d", nodes={"d": step("d")})
    late: StateGraph[Any] = StateGraph(State)
    for name in "abc":
        late.add_node(name, step(name))
    late.add_node("c2", step("c2"))
    late.add_node("d", step("d"), defer=True)
    for start, end in sorted(graph.edges):
        late.add_edge(start, end)
    return late


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    c2 <- c [edge]
    d <- b+c2 [join]
""",
    unordered=True,
)
def deferred_join() -> Any:
    late: StateGraph[Any] = StateGraph(State)
    for name in ("a", "b", "c", "c2"):
        late.add_node(name, step(name))
    late.add_node("d", step("d"), defer=True)
    late.add_edge(START, "a")
    late.add_edge("a", "b")
    late.add_edge("a", "c")
    late.add_edge("c", "c2")
    late.add_edge(["b", "c2"], "d")
    return late


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    d <- b+c [join]
    a <- d [router] again: a
    b <- a [edge]
    c <- a [edge]
    d <- b+c [join]
""",
    unordered=True,
)
def join_in_a_loop() -> Any:
    def again(state: State) -> str:
        return "a" if len(state["log"]) < 6 else END

    graph = sketch("^ > a > b", "a > c", nodes={"d": step("d")})
    graph.add_edge(["b", "c"], "d")
    graph.add_conditional_edges("d", again, ["a", END])
    return graph


# ------------------------------------------------------------------ Sends


class Items(TypedDict, total=False):
    items: list[int]
    done: Annotated[list[int], operator.add]


def work(arg: Any) -> Any:
    return {"done": [arg["n"]]}


@case(
    """
    fan <- __start__ [entry]
    work <- fan [send]
    work <- fan [send]
    work <- fan [send]
    sum <- work [edge]
""",
    unordered=True,
)
def send_map_reduce() -> Any:
    graph = sketch("^ > fan", "work > sum > $", state=Items, nodes={
        "fan": step("fan", {"items": [1, 2, 3]}), "work": work, "sum": step("sum", {"done": []}),
    })  # fmt: skip

    def each(state: Items) -> Any:
        return [Send("work", {"n": n}) for n in state["items"]]

    graph.add_conditional_edges("fan", each, ["work"])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- __start__ [entry]
    work <- a [send]
    work <- b [send]
    work <- b [send]
""",
    unordered=True,
)
def sends_from_two_nodes() -> Any:
    graph = sketch("^ > a", "^ > b", "work > $", state=Items, nodes={
        "a": step("a", {"done": []}), "b": step("b", {"done": []}), "work": work,
    })  # fmt: skip
    graph.add_conditional_edges("a", lambda state: [Send("work", {"n": 1})], ["work"])
    graph.add_conditional_edges("b", lambda state: [Send("work", {"n": 2}), Send("work", {"n": 3})], ["work"])
    return graph


@case(
    """
    fan <- __start__ [entry]
    other <- fan [router] mixed: other
    work <- fan [send]
""",
    unordered=True,
)
def sends_beside_names() -> Any:
    graph = sketch("^ > fan", "work > $", "other > $", state=Items, nodes={
        "fan": step("fan", {"done": []}), "work": work, "other": step("other", {"done": []}),
    })  # fmt: skip
    graph.add_conditional_edges(
        "fan", route_to([Send("work", {"n": 1}), "other"], "mixed"), ["work", "other"]
    )
    return graph


@case(
    """
    work <- __start__ [send]
    work <- __start__ [send]
""",
    unordered=True,
)
def sends_at_the_entry() -> Any:
    graph = sketch("work > $", state=Items, nodes={"work": work})
    graph.add_conditional_edges(START, lambda state: [Send("work", {"n": n}) for n in (1, 2)], ["work"])
    return graph


class Task(BaseModel):
    n: int = 0


@case(
    """
    fan <- __start__ [entry]
    work <- fan [send]
    work <- fan [send]
""",
    unordered=True,
)
def sends_with_models() -> Any:
    graph = sketch("^ > fan", "work > $", state=Items, nodes={
        "fan": step("fan", {"done": []}), "work": lambda arg: {"done": [arg.n]},
    })  # fmt: skip
    graph.add_conditional_edges("fan", lambda state: [Send("work", Task(n=n)) for n in (1, 2)], ["work"])
    return graph


# ------------------------------------------------------------------ names


@case(
    """
    __x <- __start__ [entry]
    LangGraph <- __x [edge]
    model <- LangGraph [edge]
    tools <- model [edge]
    RunnableSequence <- tools [edge]
    ChannelWrite<x> <- RunnableSequence [edge]
    route <- ChannelWrite<x> [edge]
    run <- route [router] route: run
    run <- run [router] run: run
""",
    modes=EVERY,
)
def odd_names() -> Any:
    def run(state: State) -> str:
        return "run" if len(state["log"]) < 9 else END

    graph = sketch(
        "^ > __x > LangGraph > model > tools > RunnableSequence > ChannelWrite<x> > route", "run2 > $"
    )
    graph = sketch(
        "^ > __x > LangGraph > model > tools > RunnableSequence > ChannelWrite<x> > route",
        nodes={"run": step("run")},
    )
    graph.add_conditional_edges("route", route_to("run", "route"), ["run"])
    graph.add_conditional_edges("run", run, ["run", END])
    return graph


@case("""
    inner <- __start__ [entry]
    b <- inner [edge]
""")
def node_named_like_its_inner_run() -> Any:
    def work(state: State) -> Any:
        RunnableLambda(step("inner")).with_config(run_name="inner").invoke(state)
        return {"log": ["inner"]}

    return sketch("^ > inner > b > $", nodes={"inner": work})


@case("""
    inner <- __start__ [entry]
    b <- inner [edge]
""")
def tag_that_looks_like_langgraphs() -> Any:
    def work(state: State) -> Any:
        RunnableLambda(step("inner")).with_config(run_name="inner", tags=["seq:step:x"]).invoke(state)
        return {"log": ["inner"]}

    graph = sketch("^ > inner > b > $", nodes={"inner": work}).compile()
    return graph.with_config(tags=["graph:step:1", "graph:step:2", "seq:step:9", "graph:step:--"])


@case("""
    a <- __start__ [entry]
    b <- a [edge]
""")
def named_run_and_graph() -> Any:
    return Play(sketch("^ > a > b > $").compile(name="a").with_config(run_name="b"))


# ------------------------------------------------------------------ kinds of nodes


class Answer(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    text: str


@case(
    """
    ask <- __start__ [entry]
    after <- ask [router] where: after
""",
    modes=EVERY,
)
def lcel_chain_as_node() -> Any:
    prompt = ChatPromptTemplate.from_messages([("human", "{question}")])
    chain: Any = (
        RunnableLambda(lambda state: {"question": "Where?"})
        | prompt
        | ScriptedModel("Here.")
        | StrOutputParser()
        | RunnableLambda(lambda text: {"text": text})
    )
    graph = sketch("^ > ask", "after > $", state=Answer, nodes={"ask": chain})
    graph.add_conditional_edges("ask", route_to("after", "where"), ["after", END])
    return graph


@case(
    """
    both <- __start__ [entry]
    b <- both [edge]
""",
    unordered=True,
)
def lcel_parallel_as_node() -> Any:
    both: Any = RunnableParallel(
        log=RunnableLambda(lambda state: ["both"]), go=RunnableLambda(lambda state: "x")
    )
    return sketch("^ > both > b > $", nodes={"both": both})


# LangChain itself refuses to stream from a generator in async code.
@case(
    """
    gen <- __start__ [entry]
    b <- gen [router] route: b
""",
    modes=(*SYNC, "ainvoke", "astream", "astream_messages", *BATCH),
)
def generator_node() -> Any:
    def gen(state: State) -> Iterator[Any]:
        yield {"log": ["gen"]}

    graph = sketch("^ > gen", "b > $", nodes={"gen": gen})
    graph.add_conditional_edges("gen", route_to("b"), ["b", END])
    return graph


@case(
    """
    gen <- __start__ [entry]
    b <- gen [edge]
""",
    modes=(*ASYNC, "abatch"),
)
def async_generator_node() -> Any:
    async def gen(state: State) -> AsyncIterator[Any]:
        yield {"log": ["gen"]}

    return sketch("^ > gen > b > $", nodes={"gen": gen})


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
""",
    modes=(*ASYNC, "abatch"),
)
def async_nodes() -> Any:
    async def a(state: State) -> Any:
        return {"log": ["a"]}

    return sketch("^ > a > b > $", nodes={"a": a})


@case("""
    a <- __start__ [entry]
    b <- a [router] condition: b
""")
def lambdas_everywhere() -> Any:
    graph = sketch(
        "^ > a", "b > $", nodes={"a": lambda state: {"log": ["a"]}, "b": lambda state: {"log": ["b"]}}
    )
    graph.add_conditional_edges("a", lambda state: "b", ["b"])
    return graph


class Model(BaseModel):
    log: Annotated[list[str], operator.add] = []


@case("""
    a <- __start__ [entry]
    b <- a [router] route: b
""")
def pydantic_state() -> Any:
    graph = sketch("^ > a", "b > $", state=Model)
    graph.add_conditional_edges("a", route_to("b"), ["b", END])
    return graph


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- b [edge]
    turn 2
    c <- b [edge]
""",
    modes=EVERY,
    same=False,
)
def cached_nodes() -> Any:
    graph: StateGraph[Any] = StateGraph(State)
    graph.add_node("a", step("a"), cache_policy=CachePolicy(key_func=lambda *_: b"a"))
    graph.add_node("b", step("b"), cache_policy=CachePolicy(key_func=lambda *_: b"b"))
    graph.add_node("c", step("c"))
    for start, end in ((START, "a"), ("a", "b"), ("b", "c"), ("c", END)):
        graph.add_edge(start, end)
    return Play(graph.compile(cache=InMemoryCache()), ({"log": []}, {"log": []}))


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    turn 2
    a <- __start__ [entry]
    b <- a [edge]
""",
    modes=EVERY,
)
def two_turns_with_memory() -> Any:
    return remembered(sketch("^ > a > b > $"), {"log": []}, {"log": []})


@case(
    """
    a <- __start__ [entry]
    turn 2
    a <- __start__ [entry]
    b <- a [router] route: b
""",
    modes=EVERY,
)
def two_turns_that_route_otherwise() -> Any:
    def route(state: State) -> str:
        return "b" if len(state["log"]) > 1 else END

    graph = sketch("^ > a", "b > $")
    graph.add_conditional_edges("a", route, ["b", END])
    return remembered(graph, {"log": []}, {"log": []})


@case(
    """
    say <- __start__ [entry]
    b <- say [edge]
""",
    modes=EVERY,
)
def state_is_text() -> Any:
    graph = sketch("^ > say > b > $", state=str, nodes={"say": lambda text: "b", "b": lambda text: "say"})
    return Play(graph.compile(), ("hello",))


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
""",
    modes=(*EVERY, *BATCH),
)
def node_that_returns_a_message() -> Any:
    class Said(TypedDict, total=False):
        said: Any

    return sketch("^ > a > b > $", state=Said, nodes={
        "a": lambda state: {"said": AIMessage("a")}, "b": lambda state: {"said": AIMessage("b")},
    })  # fmt: skip
