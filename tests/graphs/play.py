"""What a case of the table is: a program, the turns it is given, and the rows it must give.

A case is a function that builds the program anew, with its rows in the decorator:

    @case('''
        a <- __start__ [entry]
        b <- a [router] route: b
    ''')
    def a_router() -> StateGraph:
        graph = sketch("^ > a", "b > $")
        graph.add_conditional_edges("a", route, ["b"])
        return graph

Every case is driven in every mode; see `notation` for how rows are written.
"""

from __future__ import annotations

import operator
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

SYNC = ("invoke", "stream", "stream_messages")
ASYNC = ("ainvoke", "astream", "astream_messages", "astream_events")
BATCH = ("batch", "abatch")
EVERY = (*SYNC, *ASYNC)


class State(TypedDict, total=False):
    """The state of most cases: who ran."""

    log: Annotated[list[str], operator.add]
    go: str


@dataclass
class Play:
    """A program and the inputs of its turns; an input may be a function of the program, called before its turn."""

    program: Any
    turns: Iterable[Any] = ({"log": []},)
    config: Any = field(default_factory=dict)


@dataclass
class Case:
    """One row of the table."""

    name: str
    build: Callable[[], Any]
    rows: list[str]
    modes: tuple[str, ...]
    fails: str | None
    unordered: bool
    needs: str | None
    errors: list[str]
    same: bool


CASES: list[Case] = []


def case(
    rows: str,
    *,
    modes: tuple[str, ...] = (*EVERY, *BATCH),
    fails: str | None = None,
    unordered: bool = False,
    needs: str | None = None,
    errors: str = "",
    same: bool = True,
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Put a program into the table.

    Args:
        rows: The rows of nodes and tools, one a line; `turn 2` on a line of its own begins another turn.
        modes: The ways to drive it.
        fails: The class name of the exception that the last turn raises.
        unordered: Nodes run in parallel, so their rows may stand in any order.
        needs: A package without which the case does not exist, like `langchain>=1.1`.
        errors: The errors without a node that the call's metadata must tell.
        same: Whether what the program does can be compared with and without the handler.
    """

    def put(build: Callable[[], Any]) -> Callable[[], Any]:
        CASES.append(
            Case(build.__name__, build, lines(rows), modes, fails, unordered, needs, lines(errors), same)
        )
        return build

    return put


def lines(text: str) -> list[str]:
    """Return the lines of a text that say something."""
    return [line.rstrip() for line in textwrap.dedent(text).splitlines() if line.strip()]


def play_of(built: Any) -> Play:
    """Return a case's play, compiled."""
    play = built if isinstance(built, Play) else Play(built)
    if isinstance(play.program, StateGraph):
        play.program = play.program.compile()
    return play


def step(name: str, update: Any = None) -> Any:
    """Return a node that does nothing but say its name."""

    def run(state: State) -> Any:
        return {"log": [name]} if update is None else update

    run.__name__ = name
    return run


def failing(error: Any, times: int = 1000, name: str = "b") -> Any:
    """Return a node that raises so many times."""
    left = [times]

    def run(state: State) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return {"log": [name]}

    run.__name__ = name
    return run


def sketch(*paths: str, nodes: Mapping[str, Any] | None = None, state: Any = State) -> StateGraph[Any]:
    """Return a graph from paths like `^ > a > b > $`; `^` is START, `$` is END, nodes are made where not given."""
    graph: StateGraph[Any] = StateGraph(state)
    edges: list[tuple[str, str]] = []
    names: dict[str, None] = dict.fromkeys(nodes or ())
    for path in paths:
        stops = [{"^": START, "$": END}.get(stop, stop) for stop in path.split(" > ")]
        names |= dict.fromkeys(stop for stop in stops if stop not in (START, END))
        edges += pairwise(stops)
    for name in names:
        graph.add_node(name, (nodes or {}).get(name, step(name)))
    for start, end in dict.fromkeys(edges):
        graph.add_edge(start, end)
    return graph


def remembered(graph: StateGraph[Any], *turns: Any, thread: str = "t1", **compiled: Any) -> Play:
    """Return a play of a graph with a memory."""
    program = graph.compile(checkpointer=InMemorySaver(), **compiled)
    return Play(program, turns, {"configurable": {"thread_id": thread}})
