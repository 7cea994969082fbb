"""What the log says of a handler that is held wrong: one line, once, with the call's id and the way out."""

from __future__ import annotations

import contextlib
import gc
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManager
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command, interrupt
from scripted import ScriptedModel

from lifecycle.calls import Outlet, graph, take_turn
from tuner_langchain import TunerCallbackHandler
from tuner_langchain.testing import record

NOWHERE = "http://127.0.0.1:9"


@tool
def look_up(day: str) -> str:
    """Look a day up."""
    return f"{day}: free"


def lines_of(caplog: pytest.LogCaptureFixture, call_id: str) -> list[str]:
    """Return what was logged of one call as a warning or worse."""
    return [
        line.getMessage()
        for line in caplog.records
        if line.name.startswith("tuner_langchain")
        and line.levelno >= logging.WARNING
        and call_id in line.getMessage()
    ]


def one_line(caplog: pytest.LogCaptureFixture, call_id: str, *parts: str) -> None:
    """Hold that one line was logged of a call, which says these things."""
    (line,) = lines_of(caplog, call_id)
    for part in parts:
        assert part in line


def dropped(outlet: Any, call_id: str, **options: Any) -> None:
    """Let a call begin, and its handler go."""
    handler = TunerCallbackHandler(delivery=outlet, call_id=call_id, **options)
    take_turn(handler)


def wait_for(true: Callable[[], Any]) -> None:
    """Wait until something is true; a busy machine may take its time."""
    end_s = time.monotonic() + 20
    while not true() and time.monotonic() < end_s:
        gc.collect()
        time.sleep(0.01)
    assert true()


@pytest.mark.parametrize("given", [None, "user_hangup"])
def test_a_dropped_handler_is_reported_and_its_call_sent(
    caplog: pytest.LogCaptureFixture, given: str | None
) -> None:
    """It says that nobody finalised it; the reason is unknown unless the program gave one."""
    outlet = Outlet()
    dropped(outlet, "gone-1", **({} if given is None else {"disconnection_reason": given}))
    wait_for(lambda: outlet.bodies)

    one_line(caplog, "gone-1", "was never finalised", "dropped", "handler.finalize()", "with block")
    assert outlet.document["metadata"]["never_finalized"] is True
    assert outlet.document["disconnection_reason"] == (given or "unknown")


def test_a_dropped_handler_with_spoken_turns_alone_is_reported_too(caplog: pytest.LogCaptureFixture) -> None:
    """What the voice stack said is worth as much as a graph's turn."""
    outlet = Outlet()
    TunerCallbackHandler(delivery=outlet, call_id="gone-2").add_user_turn("Hello?")
    wait_for(lambda: outlet.bodies)

    assert "was never finalised" in lines_of(caplog, "gone-2")[0]


def test_a_dropped_handler_is_not_sent_where_that_is_switched_off(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged all the same."""
    outlet = Outlet()
    dropped(outlet, "gone-3", send_unfinalized=False)
    wait_for(lambda: lines_of(caplog, "gone-3"))

    one_line(caplog, "gone-3", "was never finalised", "not sent", "send_unfinalized=False")
    assert outlet.bodies == []


def test_a_call_whose_finalize_was_interrupted_is_sent_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """The program asked for its end, so nothing says that it did not."""

    class Torn(Outlet):
        torn = False

        def submit(self, call_id: str, body: bytes, *, recording: Any = None) -> Any:
            if not self.torn:
                self.torn = True
                raise KeyboardInterrupt
            return super().submit(call_id, body, recording=recording)

    outlet = Torn()

    def call() -> None:
        handler = TunerCallbackHandler(delivery=outlet, call_id="torn-1", send_unfinalized=False)
        take_turn(handler)
        with contextlib.suppress(KeyboardInterrupt):
            handler.finalize()

    call()
    wait_for(lambda: outlet.bodies)

    assert "never_finalized" not in outlet.document["metadata"]
    assert lines_of(caplog, "torn-1") == []


PROGRAM = """
import json, os, sys
sys.path[:0] = {path!r}
from lifecycle.calls import Outlet, take_turn
from tuner_langchain import Receipt, TunerCallbackHandler

class Printing(Outlet):
    def submit(self, call_id, body, *, recording=None):
        document = json.loads(body)
        print(os.getpid(), call_id, document["metadata"].get("never_finalized"), document["disconnection_reason"])
        sys.stdout.flush()
        return Receipt(call_id, state="delivered")

handler = TunerCallbackHandler(delivery=Printing(), call_id="left-1"{options})
take_turn(handler)
"""


def run_program(ending: str, options: str = "") -> tuple[subprocess.CompletedProcess[str], int]:
    """Run a program that leaves a call behind; return what it printed and its number."""
    path = [str(Path(__file__).parent.parent)]
    program = PROGRAM.format(path=path, options=options) + ending
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        out, err = child.communicate(timeout=50)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err), child.pid


@pytest.mark.parametrize("ending", ["", "raise ValueError('said')", "sys.exit(3)"])
def test_a_program_that_ends_without_finalize_sends_its_calls_and_says_so(ending: str) -> None:
    """However it ends; the call is still there, or was dropped in the last moment."""
    ran, pid = run_program(ending)

    assert ran.stdout.split() == [str(pid), "left-1", "True", "unknown"]
    assert ran.stderr.count("left-1") == 1
    assert "was never finalised" in ran.stderr
    assert "handler.finalize()" in ran.stderr


def test_a_program_that_ends_sends_nothing_where_that_is_switched_off() -> None:
    """The line is logged all the same."""
    ran, _ = run_program("", ", send_unfinalized=False")

    assert ran.stdout == ""
    assert ran.stderr.count("left-1") == 1


def test_a_forked_child_leaves_the_calls_of_its_parent_alone() -> None:
    """One document, by the parent; a handler that the child inherits ends no watch but its own."""
    ran, pid = run_program("""
child = os.fork()
if child == 0:
    own = TunerCallbackHandler(delivery=Printing(), call_id="childs-1")
    take_turn(own)
    handler._end_watch()
    sys.exit(0)
os.waitpid(child, 0)
""")
    lines = [line.split() for line in ran.stdout.splitlines()]

    assert [(int(by) == pid, call_id) for by, call_id, *_ in sorted(lines, key=lambda line: line[1])] == [
        (False, "childs-1"),
        (True, "left-1"),
    ]


def test_turns_after_finalize_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that is used for the next call too."""
    handler = TunerCallbackHandler(delivery=Outlet(), call_id="late-1")
    take_turn(handler)
    handler.finalize()
    take_turn(handler)
    take_turn(handler)

    one_line(caplog, "late-1", "is finalised", "not recorded", "new TunerCallbackHandler")


def test_two_conversations_in_one_handler_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that serves two callers mixes their words."""
    handler = TunerCallbackHandler(delivery=Outlet(), call_id="mixed-1")
    for thread_id in ("a", "b", "a", "c"):
        take_turn(handler, thread_id)
    handler.finalize()

    one_line(caplog, "mixed-1", "thread_id", "new TunerCallbackHandler")


def test_a_call_without_a_callback_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """The handler was made, and passed nowhere."""
    handler = TunerCallbackHandler(delivery=Outlet(), call_id="empty-1")
    assert handler.finalize().state == "empty"
    handler.finalize()

    one_line(caplog, "empty-1", "no callback", "{'callbacks': [handler]}")


def in_the_config(handler: TunerCallbackHandler) -> None:
    """Give the handler to the model with each call."""
    model = ScriptedModel("Good evening.")

    def greet(state: Any) -> Any:
        return {"messages": [model.invoke(state["messages"], {"callbacks": [handler]})]}

    graph(greet).invoke({"messages": [("user", "Hello?")]})


def in_the_model(handler: TunerCallbackHandler) -> None:
    """Give the handler to the model when it is made."""
    model = ScriptedModel("Good evening.", callbacks=[handler])
    graph(lambda state: {"messages": [model.invoke(state["messages"])]}).invoke(
        {"messages": [("user", "Hello?")]}
    )


@pytest.mark.parametrize("wrong", [in_the_config, in_the_model])
def test_callbacks_of_a_model_inside_a_graph_alone_are_reported(
    caplog: pytest.LogCaptureFixture, wrong: Callable[[TunerCallbackHandler], None]
) -> None:
    """The graph was not given the handler, so nodes and turns are unknown."""
    handler = TunerCallbackHandler(delivery=Outlet(), call_id="model-1")
    wrong(handler)
    handler.finalize()

    one_line(caplog, "model-1", "models only", "graph.invoke")


def test_a_remote_graph_as_a_node_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing comes from there; which node it is is said once."""
    builder: Any = StateGraph(MessagesState)
    builder.add_node("greet", lambda _: {"messages": [("ai", "Good evening.")]})
    builder.add_node("far", RemoteGraph("desk", url=NOWHERE, api_key="none"))
    builder.add_edge(START, "greet")
    far = builder.compile()
    handler = TunerCallbackHandler(delivery=Outlet(), call_id="far-1")
    for _ in range(2):
        far.invoke({"messages": [("user", "Hello?")]}, {"callbacks": [handler]})
    handler.finalize()

    one_line(caplog, "far-1", "RemoteGraph", "node far")


# Right programs


def one_turn(handler: Any) -> None:
    """A graph, once."""
    take_turn(handler)


def turns_of_one_thread(handler: Any) -> None:
    """A graph, several times in one conversation."""
    for _ in range(3):
        take_turn(handler, "a")


def with_a_checkpointer(handler: Any) -> None:
    """An interrupt, and its answer."""
    asking = graph(lambda _: {"messages": [("ai", interrupt("Sure?"))]}, checkpointer=InMemorySaver())
    config = {"callbacks": [handler], "configurable": {"thread_id": "a"}}
    asking.invoke({"messages": [("user", "Hello?")]}, config)
    asking.invoke(Command(resume="Yes."), config)


def a_model_alone(handler: Any) -> None:
    """A program without a graph."""
    ScriptedModel("Good evening.").invoke("Hello?", {"callbacks": [handler]})


def a_chain(handler: Any) -> None:
    """A chain of steps."""
    (RunnableLambda(lambda said: said) | ScriptedModel("Good evening.")).invoke(
        "Hello?", {"callbacks": [handler]}
    )


def a_tool_alone(handler: Any) -> None:
    """A tool that the program calls."""
    look_up.invoke({"day": "today"}, {"callbacks": [handler]})


def passed_twice(handler: Any) -> None:
    """The handler goes to the graph and again to a model in it."""
    model = ScriptedModel("Good evening.")

    def greet(state: Any) -> Any:
        return {"messages": [model.invoke(state["messages"], {"callbacks": [handler]})]}

    graph(greet).invoke({"messages": [("user", "Hello?")]}, {"callbacks": [handler]})


def bound_to_the_graph(handler: Any) -> None:
    """The handler is part of the graph's own config."""
    graph().with_config(callbacks=[handler]).invoke({"messages": [("user", "Hello?")]})


def in_a_manager(handler: Any) -> None:
    """The program makes its own callback manager."""
    manager = CallbackManager.configure(inheritable_callbacks=[handler])
    graph().invoke({"messages": [("user", "Hello?")]}, {"callbacks": manager})


def spoken_alone(handler: Any) -> None:
    """A call of which the voice stack tells alone."""
    handler.add_user_turn("Hello?")
    handler.add_agent_turn("Good evening.")


def a_failing_turn(handler: Any) -> None:
    """A node that raises."""

    def fails(state: Any) -> Any:
        raise ValueError("no table")

    with pytest.raises(ValueError, match="no table"):
        graph(fails).invoke({"messages": [("user", "Hello?")]}, {"callbacks": [handler]})


RIGHT = [
    one_turn, turns_of_one_thread, with_a_checkpointer, a_model_alone, a_chain, a_tool_alone, passed_twice,
    bound_to_the_graph, in_a_manager, spoken_alone, a_failing_turn,
]  # fmt: skip


@pytest.mark.parametrize("program", RIGHT, ids=lambda program: program.__name__)
def test_nothing_is_logged_of_a_right_program(
    caplog: pytest.LogCaptureFixture, program: Callable[[Any], None]
) -> None:
    """Neither while it runs, nor when the call ends, nor when the handler goes."""
    handler = TunerCallbackHandler(delivery=Outlet(), call_id="right-1")
    program(handler)
    handler.finalize()
    del handler
    gc.collect()

    assert lines_of(caplog, "") == []


def test_a_recording_handler_may_be_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """A test looks at a call and lets it go."""
    call = record(call_id="test-1")
    take_turn(call)
    del call
    gc.collect()
    time.sleep(0.05)

    assert lines_of(caplog, "test-1") == []
