"""Programs that wait for a human: interrupts and breakpoints everywhere, and how they go on."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool
from langgraph.graph import END, MessagesState, StateGraph
from langgraph.types import Command, Send, interrupt
from scripted import call

from graphs.play import EVERY, Play, State, case, remembered, sketch, step
from graphs.routing import route_to
from graphs.subgraphs import inner
from graphs.toolcalls import tools_graph

GO: Any = {"log": []}


def asking(name: str, question: str = "sure?") -> Any:
    """Return a node that asks a human."""

    def run(state: State) -> Any:
        return {"log": [f"{name} {interrupt(question)}"]}

    run.__name__ = name
    return run


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = interrupted "sure?"
    turn 2
    b <- __resume__ [resume]
    c <- b [edge]
""",
    modes=EVERY,
)
def interrupt_in_a_node() -> Any:
    return remembered(sketch("^ > a > b > c > $", nodes={"b": asking("b")}), GO, Command(resume="yes"))


@case(
    """
    a <- __start__ [entry] = interrupted "sure?"
    turn 2
    a <- __resume__ [resume]
    b <- a [router] route: b
""",
    modes=EVERY,
)
def interrupt_at_the_entry() -> Any:
    graph = sketch("^ > a", "b > $", nodes={"a": asking("a")})
    graph.add_conditional_edges("a", route_to("b"), ["b", END])
    return remembered(graph, GO, Command(resume="yes"))


@case(
    """
    a <- __start__ [entry] = interrupted "first?"
    turn 2
    a <- __resume__ [resume] = interrupted "second?"
    turn 3
    a <- __resume__ [resume]
    b <- a [edge]
""",
    modes=EVERY,
)
def two_interrupts_in_a_node() -> Any:
    def a(state: State) -> Any:
        return {"log": [interrupt("first?"), interrupt("second?")]}

    return remembered(sketch("^ > a > b > $", nodes={"a": a}), GO, Command(resume="1"), Command(resume="2"))


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = interrupted "sure?"
    c <- a [edge]
    turn 2
    b <- __resume__ [resume]
    d <- b+c [edge]
""",
    modes=EVERY,
    unordered=True,
)
def interrupt_beside_a_node_that_finished() -> Any:
    return remembered(
        sketch("^ > a > b > d > $", "a > c > d", nodes={"b": asking("b")}), GO, Command(resume="yes")
    )


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = interrupted "sure?"
    c <- a [edge]
    turn 2
    b <- __resume__ [resume]
    d <- b+c [join]
""",
    modes=EVERY,
    unordered=True,
)
def interrupt_before_a_join() -> Any:
    graph = sketch("^ > a > b", "a > c", "d > $", nodes={"b": asking("b")})
    graph.add_edge(["b", "c"], "d")
    return remembered(graph, GO, Command(resume="yes"))


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = interrupted "b?"
    c <- a [edge] = interrupted "c?"
    turn 2
    b <- __resume__ [resume]
    c <- __resume__ [resume]
    d <- b+c [edge]
""",
    modes=EVERY,
    unordered=True,
)
def interrupts_in_parallel() -> Any:
    graph = sketch("^ > a > b > d > $", "a > c > d", nodes={"b": asking("b", "b?"), "c": asking("c", "c?")})

    def answers(play: Play) -> Any:
        asked = play.program.get_state(play.config).tasks
        return Command(resume={task.interrupts[0].id: "yes" for task in asked})

    return remembered(graph, GO, answers)


@case(
    """
    sub <- __start__ [entry] = interrupted
    sub:x <- __start__ [entry]
    sub:y <- sub:x [edge] = interrupted "sure?"
    turn 2
    sub <- __resume__ [resume]
    sub:y <- __resume__ [resume]
    sub:z <- sub:y [edge]
    b <- sub [edge]
""",
    modes=EVERY,
)
def interrupt_in_a_subgraph() -> Any:
    sub = inner("^ > x > y > z > $", nodes={"y": asking("y")})
    return remembered(sketch("^ > sub > b > $", nodes={"sub": sub}), GO, Command(resume="yes"))


@case(
    """
    call <- __start__ [entry] = interrupted
    call:x <- __start__ [entry] = interrupted "sure?"
    turn 2
    call <- __resume__ [resume]
    call:x <- __resume__ [resume]
    call:y <- call:x [edge]
    b <- call [edge]
""",
    modes=EVERY,
)
def interrupt_in_a_subgraph_in_a_function() -> Any:
    sub = inner("^ > x > y > $", nodes={"x": asking("x")})

    def run(state: State) -> Any:
        return {"log": sub.invoke({"log": []})["log"]}

    return remembered(sketch("^ > call > b > $", nodes={"call": run}), GO, Command(resume="yes"))


@case(
    """
    one <- __start__ [entry] = interrupted
    one:two <- __start__ [entry] = interrupted
    one:two:x <- __start__ [entry] = interrupted "sure?"
    turn 2
    one <- __resume__ [resume]
    one:two <- __resume__ [resume]
    one:two:x <- __resume__ [resume]
    one:two:y <- one:two:x [edge]
""",
    modes=EVERY,
)
def interrupt_three_deep() -> Any:
    two = inner("^ > x > y > $", nodes={"x": asking("x")})
    one = inner("^ > two > $", nodes={"two": two})
    return remembered(sketch("^ > one > $", nodes={"one": one}), GO, Command(resume="yes"))


@tool
def book(people: int) -> str:
    """Book a table when a human agrees."""
    return f"booked: {interrupt('sure?')}"


@case(
    """
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools = interrupted "sure?"
    call book {"people":2} @tools = interrupted
    turn 2
    tools <- __resume__ [resume]
    call book {"people":2} @tools
    answer book {"value":"booked: yes"}
    after <- tools [edge]
""",
    modes=EVERY,
)
def interrupt_in_a_tool() -> Any:
    said = {"messages": [("user", "Hello")]}
    return remembered(tools_graph(call("book", people=2), book), said, Command(resume="yes"))


@case(
    """
    fan <- __start__ [entry]
    ask <- fan [send] = interrupted "sure?"
    ask <- fan [send] = interrupted "sure?"
    turn 2
    ask <- __resume__ [resume]
    ask <- __resume__ [resume]
    b <- ask [edge]
""",
    modes=EVERY,
    unordered=True,
)
def interrupts_in_sends() -> Any:
    graph = sketch("^ > fan", "ask > b > $", nodes={"ask": asking("ask")})
    graph.add_conditional_edges(
        "fan", route_to([Send("ask", {"log": ["1"]}), Send("ask", {"log": ["2"]})]), ["ask"]
    )

    def answers(play: Play) -> Any:
        asked = play.program.get_state(play.config).tasks
        return Command(resume={task.interrupts[0].id: "yes" for task in asked})

    return remembered(graph, GO, answers)


# ------------------------------------------------------------------ breakpoints


@case(
    """
    a <- __start__ [entry]
    turn 2
    b <- __resume__ [resume]
    c <- b [edge]
""",
    modes=EVERY,
)
def breakpoint_before() -> Any:
    return remembered(sketch("^ > a > b > c > $"), GO, None, interrupt_before=["b"])


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    turn 2
    c <- __resume__ [resume]
""",
    modes=EVERY,
)
def breakpoint_after() -> Any:
    return remembered(sketch("^ > a > b > c > $"), GO, None, interrupt_after=["b"])


@case(
    """
    sub <- __start__ [entry] = interrupted
    sub:x <- __start__ [entry]
    turn 2
    sub <- __resume__ [resume]
    sub:y <- __resume__ [resume]
    b <- sub [edge]
""",
    modes=EVERY,
)
def breakpoint_in_a_subgraph() -> Any:
    sub = inner("^ > x > y > $", interrupt_before=["y"])
    return remembered(sketch("^ > sub > b > $", nodes={"sub": sub}), GO, None)


@case(
    """
    a <- __start__ [entry]
    b <- a [edge]
    c <- a [edge]
    turn 2
    d <- __resume__ [resume]
    e <- d [edge]
""",
    modes=EVERY,
    unordered=True,
)
def breakpoint_before_a_join() -> Any:
    graph = sketch("^ > a > b", "a > c", "d > e > $")
    graph.add_edge(["b", "c"], "d")
    return remembered(graph, GO, None, interrupt_before=["d"])


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = interrupted "sure?"
    turn 2
    b <- __resume__ [resume]
    c <- b [command]
""",
    modes=EVERY,
)
def resume_into_a_command() -> Any:
    def b(state: State) -> Any:
        return Command(goto=interrupt("sure?"))

    return remembered(sketch("^ > a > b", "c > $", nodes={"b": b}), GO, Command(resume="c"))


@case(
    """
    a <- __start__ [entry]
    turn 2
    b <- __resume__ [resume]
    c <- __start__ [command]
""",
    modes=EVERY,
    unordered=True,
)
def command_as_input() -> Any:
    return remembered(sketch("^ > a > b > $", "c > $"), GO, Command(goto="c"), interrupt_before=["b"])


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = interrupted "sure?"
    turn 2
    a <- __start__ [entry]
    b <- a [edge] = interrupted "sure?"
""",
    modes=EVERY,
)
def new_input_instead_of_a_resume() -> Any:
    return remembered(sketch("^ > a > b > c > $", nodes={"b": asking("b")}), GO, GO)


@case(
    """
    a <- __start__ [entry]
    turn 2
    c <- __resume__ [resume]
""",
    modes=EVERY,
)
def state_updated_by_hand() -> Any:
    def updated(play: Play) -> Any:
        play.program.update_state(play.config, {"log": ["b"]}, as_node="b")

    return remembered(sketch("^ > a > b > c > $"), GO, updated, interrupt_before=["b"])


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = error ValueError: once
    turn 2
    b <- __resume__ [resume]
    c <- b [edge]
""",
    modes=EVERY,
)
def failed_node_run_again() -> Any:
    failed: list[int] = []

    def b(state: State) -> Any:
        if not failed:
            failed.append(1)
            raise ValueError("once")
        return {"log": ["b"]}

    return remembered(sketch("^ > a > b > c > $", nodes={"b": b}), GO, None)


@case(
    """
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools = interrupted "sure?"
    call book {"people":2} @tools = interrupted
""",
    modes=EVERY,
)
def paused_and_never_resumed() -> Any:
    return remembered(tools_graph(call("book", people=2), book), {"messages": [("user", "Hello")]})


@case(
    """
    a <- __start__ [entry]
    b <- a [edge] = interrupted {"question":"which?","options":[1,2]}
""",
    modes=EVERY,
)
def interrupt_with_a_value() -> Any:
    def b(state: State) -> Any:
        return {"log": [interrupt({"question": "which?", "options": [1, 2]})]}

    return remembered(sketch("^ > a > b > $", nodes={"b": b}), GO)


class Ticket(MessagesState, total=False):
    """A conversation with something beside it."""

    ticket: str


@case(
    """
    desk <- __start__ [entry] = interrupted
    desk:ask <- __start__ [entry]
    desk:tools <- desk:ask [router] tools_condition: tools = interrupted "sure?"
    call book {"people":2} @desk:tools = interrupted
    turn 2
    desk <- __resume__ [resume]
    desk:tools <- __resume__ [resume]
    call book {"people":2} @desk:tools
    answer book {"value":"booked: yes"}
    desk:after <- desk:tools [edge]
    b <- desk [edge]
""",
    modes=EVERY,
)
def interrupt_in_a_tool_in_a_subgraph() -> Any:
    desk = tools_graph(call("book", people=2), book).compile()
    graph: StateGraph[Any] = sketch(
        "^ > desk > b > $", state=Ticket, nodes={"desk": desk, "b": step("b", {"ticket": "1"})}
    )
    return remembered(graph, {"messages": [("user", "Hello")]}, Command(resume="yes"))


def answers_by_id(play: Play) -> Any:
    """Answer every question that is open, also those of subgraphs."""
    asked = play.program.get_state(play.config).interrupts
    return Command(resume={question.id: "yes" for question in asked})


@case(
    """
    sub <- __start__ [entry] = interrupted
    sub:x <- __start__ [entry] = interrupted "x?"
    sub:y <- __start__ [entry] = interrupted "y?"
    turn 2
    sub <- __resume__ [resume]
    sub:x <- __resume__ [resume]
    sub:y <- __resume__ [resume]
    b <- sub [edge]
""",
    modes=EVERY,
    unordered=True,
    same=False,  # which question comes first is chance
)
def interrupts_in_parallel_in_a_subgraph() -> Any:
    sub = inner("^ > x > $", "^ > y > $", nodes={"x": asking("x", "x?"), "y": asking("y", "y?")})
    return remembered(sketch("^ > sub > b > $", nodes={"sub": sub}), GO, answers_by_id)


@case(
    """
    call <- __start__ [entry] = interrupted
    call:x <- __start__ [entry] = interrupted "x?"
    call:y <- __start__ [entry] = interrupted "y?"
""",
    modes=EVERY,
    unordered=True,
    same=False,  # which question comes first is chance
)
def interrupts_in_parallel_in_a_function() -> Any:
    sub = inner("^ > x > $", "^ > y > $", nodes={"x": asking("x", "x?"), "y": asking("y", "y?")})

    def run(state: State) -> Any:
        return {"log": sub.invoke({"log": []})["log"]}

    return remembered(sketch("^ > call > b > $", nodes={"call": run}), GO)
