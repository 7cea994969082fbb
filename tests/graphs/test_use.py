"""The ways a handler is handed to a program, and what it tells beside the rows of the table."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
import weakref
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import END, MessagesState
from langgraph.types import Command
from packaging.version import Version
from scripted import ScriptedModel, call

from graphs.invariants import check
from graphs.notation import written
from graphs.pauses import asking
from graphs.play import remembered, sketch, step
from graphs.routing import route_to
from graphs.subgraphs import inner
from graphs.test_table import handler
from graphs.toolcalls import broken, find_table, secretive, tools_graph
from tuner_langchain import Capture

GO: Any = {"log": []}


def rows(made: Any) -> dict[int, list[str]]:
    timeline = made.timeline
    check(timeline.document)
    return written(timeline.segments)


def node(made: Any, path: str) -> Any:
    """Return the first row of a node."""
    return next(row for row in made.timeline.segments if row.get("node", {}).get("to") == path)


def test_handler_passed_twice() -> None:
    """A handler that is passed twice tells everything once."""
    made = handler()
    sketch("^ > a > b > $").compile().invoke(GO, {"callbacks": [made, made]})
    assert rows(made) == {1: ["a <- __start__ [entry]", "b <- a [edge]"]}


def test_handler_in_with_config() -> None:
    """A handler that is bound to the graph, and passed again, tells everything once."""
    made = handler()
    program = sketch("^ > a > b > $").compile().with_config(callbacks=[made])
    program.invoke(GO)
    program.invoke(GO, {"callbacks": [made]})
    wanted = ["a <- __start__ [entry]", "b <- a [edge]"]
    assert rows(made) == {1: wanted, 2: wanted}


def test_handler_passed_to_a_nested_graph_again() -> None:
    """A graph that a node calls with the same handler stays inside that node."""
    made = handler()
    sub = inner()

    def call_it(state: Any) -> Any:
        sub.invoke(GO, {"callbacks": [made]})
        return {"log": []}

    sketch("^ > call > b > $", nodes={"call": call_it}).compile().invoke(GO, {"callbacks": [made]})
    assert rows(made) == {
        1: [
            "call <- __start__ [entry]",
            "call:x <- __start__ [entry]",
            "call:y <- call:x [edge]",
            "b <- call [edge]",
        ]
    }


def test_handler_of_a_subgraph_alone() -> None:
    """A handler that only the inner graph has sees that graph as its own turn."""
    made = handler()
    sub = inner().with_config(callbacks=[made])
    sketch("^ > sub > $", nodes={"sub": lambda state: sub.invoke(GO)}).compile().invoke(GO)
    assert rows(made) == {1: ["x <- __start__ [entry]", "y <- x [edge]"]}


def test_handler_of_a_model_alone() -> None:
    """A handler that only the model has makes no rows of nodes, and no fault."""
    made = handler()
    model = ScriptedModel("Hello.", callbacks=[made])
    sketch("^ > a > $", nodes={"a": lambda state: {"log": [model.invoke("Hi").text]}}).compile().invoke(GO)
    assert rows(made) == {}
    assert made.timeline.document["metadata"]["usage_token"]["llm_token"] == 10


def test_several_threads_on_one_handler() -> None:
    """Turns that run at the same time in several threads keep to themselves."""
    made = handler()
    program = sketch("^ > a > b > d > $", "a > c > d").compile()
    threads = [threading.Thread(target=program.invoke, args=(GO, {"callbacks": [made]})) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = ["a <- __start__ [entry]", "b <- a [edge]", "c <- a [edge]", "d <- b+c [edge]"]
    assert {turn: sorted(lines) for turn, lines in rows(made).items()} == dict.fromkeys(range(1, 9), wanted)


def test_many_tasks_on_one_handler() -> None:
    """Turns that run at the same time on one event loop keep to themselves."""
    made = handler()
    program = sketch("^ > a > sub > $", nodes={"sub": inner()}).compile()

    async def main() -> None:
        await asyncio.gather(*(program.ainvoke(GO, {"callbacks": [made]}) for _ in range(8)))

    asyncio.run(main())
    wanted = [
        "a <- __start__ [entry]",
        "sub <- a [edge]",
        "sub:x <- __start__ [entry]",
        "sub:y <- sub:x [edge]",
    ]
    assert {turn: sorted(lines) for turn, lines in rows(made).items()} == dict.fromkeys(range(1, 9), wanted)


def test_parallel_nodes_that_fail_in_several_threads() -> None:
    """No failure is lost when nodes of one step fail at the same time."""
    made = handler()
    together = threading.Barrier(4)

    def fail(name: str) -> Any:
        def run(state: Any) -> Any:
            together.wait(5)
            raise ValueError(name)

        return run

    names = ["a", "b", "c", "d"]
    program = sketch(
        *(f"^ > {name} > $" for name in names), nodes={name: fail(name) for name in names}
    ).compile()
    with pytest.raises(ValueError, match=r"[abcd]"):
        program.invoke(GO, {"callbacks": [made], "max_concurrency": 8})
    assert sorted(rows(made)[1]) == [
        f"{name} <- __start__ [entry] = error ValueError: {name}" for name in names
    ]


def test_a_stream_of_protocol_events() -> None:
    """Under the third version of the event stream the rows are what they always are."""
    if Version(version("langgraph")) < Version("1.2"):
        pytest.skip("this LangGraph has no third version")
    made = handler()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is experimental, and people use it
        for _ in routed().stream_events(GO, {"callbacks": [made]}, version="v3"):
            pass
    assert sorted(rows(made)[1]) == sorted(ROUTED)


# ------------------------------------------------------------------ edges: found, given, or not known


def routed() -> Any:
    graph = sketch("^ > a > b > d > $", "a > c > d", nodes={"sub": inner()})
    graph.add_conditional_edges("d", route_to("yes"), {"yes": "sub", "no": END})
    return graph.compile()


ROUTED = [
    "a <- __start__ [entry]", "b <- a [edge]", "c <- a [edge]", "d <- b+c [edge]", "sub <- d [router] route: yes",
    "sub:x <- __start__ [entry]", "sub:y <- sub:x [edge]",
]  # fmt: skip


def without_edges(made: Any) -> Any:
    """Forget the edges that were found on the stack, as if LangGraph's inside had changed."""
    for run in made._record.runs:
        if run.kind == "chain":
            run.edges = None
    return made


def test_edges_found_on_the_stack() -> None:
    """With nothing configured, every transition is known."""
    made = handler()
    routed().invoke(GO, {"callbacks": [made]})
    assert sorted(rows(made)[1]) == sorted(ROUTED)


def test_edges_from_the_graph_that_was_given() -> None:
    """Where the stack does not tell, the graph that the user gave does, with its subgraphs."""
    program = routed()
    made = handler(graph=program)
    program.invoke(GO, {"callbacks": [made]})
    assert sorted(rows(without_edges(made))[1]) == sorted(ROUTED)


def test_edges_not_known() -> None:
    """Where nothing tells the edges, what is not sure is called unknown, and what is sure is said."""
    made = handler()
    routed().invoke(GO, {"callbacks": [made]})
    assert sorted(rows(without_edges(made))[1]) == sorted([
        "a <- __start__ [entry]", "b <- a [unknown]", "c <- a [unknown]", "d <- b+c [unknown]", "sub <- d [unknown]",
        "sub:x <- __start__ [entry]", "sub:y <- sub:x [unknown]",
    ])  # fmt: skip


def test_what_callbacks_alone_tell() -> None:
    """Commands, Sends, handoffs and routers that return a node's name need no edges."""
    graph = sketch("^ > a", "b > $", "c > $", nodes={"b": step("b", Command(goto="c"))})
    graph.add_conditional_edges("a", route_to("b"), ["b", END])
    made = handler()
    graph.compile().invoke(GO, {"callbacks": [made]})
    assert rows(without_edges(made))[1] == [
        "a <- __start__ [entry]", "b <- a [router] route: b", "c <- b [command]",
    ]  # fmt: skip


def test_nothing_of_the_program_is_kept() -> None:
    """After a turn the handler holds neither the graph nor its state, messages or exceptions."""
    made = handler()

    class Big:
        """Something of the program."""

    class Oops(Exception):
        """An exception of the program; those that Python brings cannot be referenced weakly."""

    kept: list[weakref.ref[Any]] = []

    def work(state: Any) -> Any:
        thing = Big()
        kept.append(weakref.ref(thing))
        message = HumanMessage("x" * 10_000)
        kept.append(weakref.ref(message))
        return {"log": [thing, message]}

    def fail(state: Any) -> Any:
        error = Oops("no")
        kept.append(weakref.ref(error))
        raise error

    program = sketch("^ > work > fail > $", nodes={"work": work, "fail": fail}).compile()
    kept.append(weakref.ref(program))
    with pytest.raises(Oops, match="no"):
        program.invoke(GO, {"callbacks": [made]})
    del program, work, fail
    gc.collect()
    assert [ref() for ref in kept] == [None] * len(kept)


# ------------------------------------------------------------------ what rows tell beside the table


def test_metadata_of_a_node() -> None:
    """A node's row says its step, attempt, graph, turn and sources, and nothing it was not asked for."""
    made = handler()
    graph = sketch("^ > a", "b > $")
    graph.add_conditional_edges("a", route_to("yes"), {"yes": "b", "no": END})
    graph.compile().invoke(GO, {"callbacks": [made]})
    row = node(made, "b")
    assert row["node"] == {"from": "a", "to": "b", "reason": "route: yes"}
    assert row["metadata"] == {
        "status": "ok", "step": 2, "attempt": 1, "graph": "", "turn": 1,
        "sources": [{"from": "a", "kind": "router", "name": "route", "value": "yes"}],
    }  # fmt: skip


def test_metadata_of_a_tool() -> None:
    """Both rows of a tool call say where it was made, and share the model's id of the call."""
    made = handler()
    program = tools_graph(call("find_table", people=2), find_table).compile()
    program.invoke({"messages": [("user", "Hello")]}, {"callbacks": [made]})
    made_rows = [row for row in made.timeline.segments if "tool" in row]
    assert [row["tool"]["request_id"] for row in made_rows] == ["call_find_table"] * 2
    for row in made_rows:
        assert row["metadata"] == {"status": "ok", "node": "tools", "graph": "", "turn": 1}


def test_custom_events_are_on_the_row_of_their_node() -> None:
    """A custom event stands on the row of the node that sent it, also from within a chain or a subgraph."""
    made = handler()

    def tell(state: Any, config: RunnableConfig) -> Any:
        later: Any = RunnableLambda(lambda n: dispatch_custom_event("two", [n]))
        dispatch_custom_event("one", {"n": 1})
        later.invoke(2, config)
        return {"log": []}

    program = sketch("^ > a > sub > $", nodes={"a": tell, "sub": inner(nodes={"x": tell})}).compile()
    program.invoke(GO, {"callbacks": [made]})
    for path in ("a", "sub:x"):
        events = node(made, path)["metadata"]["events"]
        assert [(event["name"], event["data"]) for event in events] == [("one", {"n": 1}), ("two", [2])]
        assert all(isinstance(event["at_ms"], int) for event in events)
    assert "events" not in node(made, "sub")["metadata"]


def test_custom_events_in_async_code() -> None:
    """Custom events of async nodes are told the same way."""
    made = handler()

    async def tell(state: Any) -> Any:
        await adispatch_custom_event("one", {"n": 1})
        return {"log": []}

    asyncio.run(sketch("^ > a > $", nodes={"a": tell}).compile().ainvoke(GO, {"callbacks": [made]}))
    assert [event["name"] for event in node(made, "a")["metadata"]["events"]] == ["one"]


def test_a_pause_and_its_resume() -> None:
    """The call says where it waited, and in which turn it went on."""
    made = handler()
    play = remembered(sketch("^ > a > b > $", nodes={"b": asking("b")}))
    config = {**play.config, "callbacks": [made]}
    play.program.invoke(GO, config)
    waiting = made.timeline.document["metadata"].get("pauses", [])
    play.program.invoke(Command(resume="yes"), config)
    pauses = made.timeline.document["metadata"].get("pauses", [])
    if not hasattr(made, "on_interrupt") or not pauses:
        pytest.skip("this LangGraph does not tell its handlers of pauses")
    assert [(pause["turn"], pause["kind"], pause["resumed_in_turn"]) for pause in waiting] == [
        (1, "interrupt", None)
    ]
    assert [(pause["turn"], pause["kind"], pause["resumed_in_turn"]) for pause in pauses] == [
        (1, "interrupt", 2)
    ]


@pytest.mark.parametrize("kind", ["interrupt_before", "interrupt_after"])
def test_a_breakpoint(kind: str) -> None:
    """A breakpoint, which no other callback tells of, is among the call's pauses."""
    made = handler()
    where: Any = {kind: ["b"] if kind == "interrupt_before" else ["a"]}
    play = remembered(sketch("^ > a > b > $"), **where)
    play.program.invoke(GO, {**play.config, "callbacks": [made]})
    pauses = made.timeline.document["metadata"].get("pauses", [])
    if not pauses:
        pytest.importorskip("langgraph.callbacks")
    assert [(pause["turn"], pause["kind"], pause["resumed_in_turn"]) for pause in pauses] == [(1, kind, None)]


def test_a_run_that_is_drained() -> None:
    """A run that was asked to stop between two steps is no error, and goes on like any paused run."""
    if Version(version("langgraph")) < Version("1.2"):
        pytest.skip("this LangGraph cannot be drained")
    from langgraph.errors import GraphDrained
    from langgraph.runtime import RunControl

    made = handler()
    control = RunControl()

    def drain(state: Any) -> Any:
        control.request_drain()
        return {"log": []}

    play = remembered(sketch("^ > a > b > $", nodes={"a": drain}))
    config = {**play.config, "callbacks": [made]}
    with pytest.raises(GraphDrained):
        play.program.invoke(GO, config, control=control)
    play.program.invoke(None, config)
    assert rows(made) == {1: ["a <- __start__ [entry]"], 2: ["b <- __resume__ [resume]"]}
    assert "errors" not in made.timeline.document["metadata"]


def test_a_replay_from_an_old_checkpoint() -> None:
    """Going back to an earlier checkpoint runs nodes anew: the first is a resume, the others follow as ever."""
    made = handler()
    play = remembered(sketch("^ > a > b > c > $"))
    play.program.invoke(GO, {**play.config, "callbacks": [made]})
    history = list(play.program.get_state_history(play.config))
    before_b = next(state for state in history if state.next == ("b",))
    play.program.invoke(None, {**before_b.config, "callbacks": [made]})
    play.program.invoke(GO, {**play.config, "callbacks": [made]})
    entered = ["a <- __start__ [entry]", "b <- a [edge]", "c <- b [edge]"]
    assert rows(made) == {1: entered, 2: ["b <- __resume__ [resume]", "c <- b [edge]"], 3: entered}


def test_a_fork_of_an_old_checkpoint() -> None:
    """A checkpoint that was changed by hand goes on where the change says."""
    made = handler()
    graph = sketch("^ > a > b > c > $", "d > $")
    graph.add_conditional_edges("c", route_to("d"), ["d", END])
    play = remembered(graph)
    play.program.invoke(GO, {**play.config, "callbacks": [made]})
    before_b = next(state for state in play.program.get_state_history(play.config) if state.next == ("b",))
    forked = play.program.update_state(before_b.config, {"log": ["by hand"]}, as_node="b")
    play.program.invoke(None, {**forked, "callbacks": [made]})
    assert rows(made)[2] == ["c <- __resume__ [resume]", "d <- c [router] route: d"]


class Touched(list[Any]):
    """A list that counts how many of its items were looked at."""

    looks = 0

    def __iter__(self) -> Any:
        for item in super().__iter__():
            self.looks += 1
            yield item

    def __reversed__(self) -> Any:
        for item in super().__reversed__():
            self.looks += 1
            yield item

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.looks += len(found) if isinstance(key, slice) else 1
        return found


def looks_of_a_turn(messages: int) -> int:
    """Return how many messages the callbacks of one node and one model call looked at."""
    made = handler()
    said = [message for n in range(messages // 2) for message in (HumanMessage(f"q{n}"), AIMessage(f"a{n}"))]
    answer = AIMessage("x")
    history = Touched([*said, HumanMessage("now")])
    longer = Touched([*said, HumanMessage("now"), answer])
    state = {"messages": history}
    root, task, model = uuid4(), uuid4(), uuid4()
    metadata = {
        "langgraph_node": "a",
        "langgraph_step": 1,
        "langgraph_checkpoint_ns": "a:1",
        "langgraph_path": ("x", "a"),
    }
    made.on_chain_start(None, state, run_id=root, name="LangGraph", tags=[], metadata={"thread_id": "t"})
    within: Any = {"parent_run_id": root, "metadata": metadata}
    made.on_chain_start(None, state, run_id=task, name="a", tags=["graph:step:1"], **within)
    made.on_chat_model_start({}, [history], run_id=model, parent_run_id=task, metadata=metadata)
    made.on_llm_end(LLMResult(generations=[[ChatGeneration(message=answer)]]), run_id=model)
    made.on_chain_end({"messages": longer}, run_id=task)
    made.on_chain_end({"messages": longer}, run_id=root)
    assert [row["text"] for row in made.timeline.segments] == ["now", "a", "x"]
    return history.looks + longer.looks


def test_callbacks_do_not_read_the_conversation() -> None:
    """What callbacks look at does not grow with the conversation."""
    assert looks_of_a_turn(2000) == looks_of_a_turn(20)


# ------------------------------------------------------------------ what may leave the process


def test_inputs_and_outputs_of_nodes() -> None:
    """A node's input and update are sent when asked for, without the conversation."""
    made = handler(capture=Capture(node_inputs=True, node_outputs=True))

    class Booking(MessagesState, total=False):
        people: int
        said: list[Any]

    def work(state: Any) -> Any:
        return {"people": 3, "messages": [AIMessage("secret words")], "said": [AIMessage("secret words")]}

    graph = sketch("^ > a > b > $", state=Booking, nodes={"a": work, "b": step("b", {"people": 4})})
    graph.compile().invoke({"messages": [("user", "secret words")], "people": 2}, {"callbacks": [made]})
    assert node(made, "a")["metadata"]["input"] == {"people": 2}
    assert node(made, "a")["metadata"]["output"] == {"people": 3}
    assert node(made, "b")["metadata"]["output"] == {"people": 4}


def test_texts_of_errors_can_be_kept_back() -> None:
    """Without error messages the types of errors are sent, and none of their words."""
    made = handler(capture=Capture(error_messages=False))
    program = tools_graph(call("broken", people=2), broken, handle_tool_errors=False).compile()
    with pytest.raises(ValueError, match="no table"):
        program.invoke({"messages": [("user", "Hello")]}, {"callbacks": [made]})
    assert node(made, "tools")["metadata"]["error"] == {"type": "ValueError"}
    assert "no table" not in str(made.timeline.document)


def test_questions_of_interrupts_can_be_kept_back() -> None:
    """Without interrupt values a pause is told, and not what was asked."""
    made = handler(capture=Capture(interrupt_values=False))
    play = remembered(sketch("^ > a > $", nodes={"a": asking("a", "secret?")}))
    play.program.invoke(GO, {**play.config, "callbacks": [made]})
    assert node(made, "a")["metadata"]["status"] == "interrupted"
    assert "secret?" not in str(made.timeline.document)


def test_tool_parameters_and_results_can_be_kept_back() -> None:
    """Without parameters and results the calls are told, and nothing of what went in and came out."""
    made = handler(capture=Capture(tool_params=False, tool_results=False, words=False))
    for tool in (find_table, secretive):
        program = tools_graph(call(tool.name, people=4711), tool).compile()
        program.invoke({"messages": [("user", "Hello")]}, {"callbacks": [made]})
    tools = [row["tool"] for row in made.timeline.segments if "tool" in row]
    assert [tool.get("params", tool.get("result")) for tool in tools] == [{}] * 4
    assert "4711" not in str(made.timeline.document)
    assert "19:30" not in str(made.timeline.document)
