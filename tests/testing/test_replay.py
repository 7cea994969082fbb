"""A call that is recorded and replayed is the same call."""

from __future__ import annotations

import asyncio
import json
import operator
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, Send, interrupt
from scripted import ScriptedModel

from testing.documents import BOOKING
from tuner_langchain.demo import restaurant, script
from tuner_langchain.testing import EventLog, ManualClock, record, replay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def demo(config: dict[str, Any], call: Any) -> None:
    """Routers, an agent in a node, tools of which one fails, four turns."""
    graph = restaurant.build_graph(script.classifier(), script.booking_model())
    config = {**config, "configurable": {"thread_id": "1"}}
    for words in script.CALLER:
        graph.invoke({"messages": [("user", words)]}, config)


class Numbers(TypedDict, total=False):
    n: int
    found: Annotated[list[int], operator.add]


def map_reduce(config: dict[str, Any], call: Any) -> None:
    """Sends, matched to their workers by the identity of what they carry."""
    graph: Any = StateGraph(Numbers)
    graph.add_node("plan", lambda state: {})
    graph.add_node("work", lambda state: {"found": [state["n"]]})
    graph.add_node("sum", lambda state: {})
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", lambda state: [Send("work", {"n": n}) for n in range(3)], ["work"])
    graph.add_edge("work", "sum")
    graph.compile().invoke({}, config)


def paused(config: dict[str, Any], call: Any) -> None:
    """An interrupt and its resume, by a command of the caller."""
    graph: Any = StateGraph(Numbers)
    graph.add_node("ask", lambda state: {"n": interrupt("How many?")})
    graph.add_node("thanks", lambda state: {})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "thanks")
    compiled = graph.compile(checkpointer=InMemorySaver())
    config = {**config, "configurable": {"thread_id": "1"}}
    compiled.invoke({}, config)
    compiled.invoke(Command(resume=2), config)


def handed_over(config: dict[str, Any], call: Any) -> None:
    """A command that leads from a nested graph into its parent's node."""
    inner: Any = StateGraph(MessagesState)
    inner.add_node("leave", lambda state: Command(graph=Command.PARENT, goto="billing"))
    inner.add_edge(START, "leave")
    outer: Any = StateGraph(MessagesState)
    outer.add_node("triage", inner.compile(), destinations=("billing",))
    outer.add_node("billing", lambda state: {"messages": [AIMessage("Your bill is 12 euros.")]})
    outer.add_edge(START, "triage")
    outer.compile().invoke({"messages": [{"role": "user", "content": "My bill?"}]}, config)


class OutOfCreditError(Exception):
    """An exception of the program's own."""


def raising(config: dict[str, Any], call: Any) -> None:
    """An exception that goes up through a nested graph, and a custom event before it."""

    def pay(state: Any) -> None:
        raise OutOfCreditError("no credit")

    inner: Any = StateGraph(MessagesState)
    inner.add_node("pay", pay)
    inner.add_edge(START, "pay")
    outer: Any = StateGraph(MessagesState)
    outer.add_node("billing", inner.compile())
    outer.add_edge(START, "billing")
    with pytest.raises(OutOfCreditError):
        outer.compile().invoke({"messages": [("user", "Pay")]}, config)


def streaming(config: dict[str, Any], call: Any) -> None:
    """An async agent that streams its words."""
    model = ScriptedModel("Nineteen thirty works.")
    graph: Any = StateGraph(MessagesState)

    async def speak(state: Any) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph.add_node("speak", speak)
    graph.add_edge(START, "speak")
    graph.add_edge("speak", END)

    async def play() -> None:
        inputs = {"messages": [("user", "When?")]}
        async for _ in graph.compile().astream(inputs, config, stream_mode="messages"):
            pass

    asyncio.run(play())


@pytest.mark.parametrize("program", [demo, map_reduce, paused, handed_over, raising, streaming])
def test_a_replayed_call_is_the_call(program: Callable[..., None], tmp_path: Path) -> None:
    """Every row of the replay is the row of the live call: nodes, sources, reasons, tools, words, errors, times."""
    clock = ManualClock()
    call = record(clock=clock, call_id="call-1")
    with EventLog(tmp_path / "call.jsonl", clock=clock) as log:
        call.raise_error = log.raise_error = True
        program({"callbacks": [call, log]}, call)
    call.finalize()

    again = replay(tmp_path / "call.jsonl", call_id="call-1")

    assert again.outline() == call.timeline.outline()
    assert again.segments == call.timeline.segments
    assert again.document["metadata"] == call.document["metadata"]
    assert len(again) > 2


def test_times_are_those_of_the_log(tmp_path: Path) -> None:
    """The replay's clock stands where the log says."""
    clock = ManualClock()
    graph: Any = StateGraph(Numbers)
    graph.add_node("slow", lambda state: clock.tick(250))
    graph.add_edge(START, "slow")
    with EventLog(tmp_path / "call.jsonl", clock=clock) as log:
        clock.tick(1000)
        graph.compile().invoke({}, {"callbacks": [log]})

    visit = replay(tmp_path / "call.jsonl").nodes[0]

    assert (visit.start_ms, visit.duration_ms) == (1000, 250)


def test_secrets_and_words_stay_out_of_a_log(tmp_path: Path) -> None:
    """Values under secret keys are masked; `redact` sees all text, and names and routes stay for the timeline."""

    @tool
    def pay(card: str, api_key: str) -> str:
        """Pay."""
        raise ValueError(f"declined: {card}")

    def route(state: Any) -> str:
        return "billing"

    def billing(state: Any) -> Any:
        with pytest.raises(ValueError, match="declined"):
            pay.invoke({"card": "4111-1111", "api_key": "sk-planted"})
        return {"messages": [AIMessage("No luck with Okafor's card.")]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("triage", lambda state: None)
    graph.add_node("billing", billing)
    graph.add_edge(START, "triage")
    graph.add_conditional_edges("triage", route)
    path = tmp_path / "call.jsonl"
    with EventLog(path, redact=lambda text: "x" * len(text)) as log:
        graph.compile().invoke({"messages": [("user", "I am Okafor")]}, {"callbacks": [log]})

    written = path.read_text(encoding="utf-8")
    for planted in ("sk-planted", "4111", "Okafor", "declined"):
        assert planted not in written
    timeline = replay(path)
    assert timeline.path() == "triage -> billing"
    assert timeline.nodes[1].reason == "route: billing"
    assert timeline.said_by_user == ["x" * 11]
    assert timeline.tool("pay").params["api_key"] == "[masked]"


def test_a_document_is_replayed_as_it_is(tmp_path: Path) -> None:
    """As a dictionary, as text, as bytes, as a file with line breaks or without."""
    path = tmp_path / "call.json"
    path.write_text(json.dumps(BOOKING, indent=2), encoding="utf-8")
    compact = json.dumps(BOOKING)

    for source in (BOOKING, compact, compact.encode(), path, str(path)):
        assert replay(source).path() == "triage -> booking | triage -> booking"


@pytest.mark.parametrize("source", ["[1, 2]", b"no json", b""])
def test_anything_else_is_refused(source: Any) -> None:
    """The message says what was expected."""
    with pytest.raises(ValueError, match="neither a document nor an event log"):
        replay(source)


def test_a_log_that_was_cut_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    """What was open is marked as unfinished, as for a real call."""
    path = tmp_path / "call.jsonl"
    call = record()
    with EventLog(path) as log:
        demo({"callbacks": [call, log]}, call)
    lines = path.read_bytes().splitlines()

    timeline = replay(b"\n".join(lines[: len(lines) // 2]))

    assert timeline.nodes
    assert timeline.nodes[-1].status == "unfinished"


def test_odd_values_survive() -> None:
    """What JSON cannot say comes back as what it was, or as short text."""
    from tuner_langchain.testing.decoding import Decoder
    from tuner_langchain.testing.encoding import Encoder

    odd = {
        "a": (1, 2),
        "b": {3: "x", "~": 1},
        "c": 2**70,
        "d": float("inf"),
        "e": [None, True, 1.5],
        "f": "\ud800",
    }
    again = Decoder().value(json.loads(json.dumps(Encoder().value(odd))))

    assert again["a"] == (1, 2)
    assert again["b"] == {3: "x", "~": 1}
    assert (again["c"], again["d"], again["e"]) == (2**70, float("inf"), [None, True, 1.5])
    assert Encoder().value(object()).startswith("<object>")
    nested: list[Any] = []
    nested.append(nested)
    assert "<nested too deep>" in json.dumps(Encoder().value(nested))
