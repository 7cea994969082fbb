"""A turn that is cut: what the caller had heard by then, and nothing that nobody heard."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from scripted import ScriptedModel, calls

from conversation.driving import handler, said, spoken
from conversation.halting import HaltingModel

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = "We have a table by the window."
HEARD = "We have"


def graph_of(*nodes: Any, memory: bool = False) -> Any:
    """A graph that runs its nodes one after the other; a pair names one, a model alone talks."""
    graph = StateGraph(MessagesState)
    before = START
    for number, node in enumerate(nodes):
        name, run = node if isinstance(node, tuple) else (f"talk{number or ''}", talking(node))
        graph.add_node(name, run)
        graph.add_edge(before, name)
        before = name
    return graph.compile(checkpointer=InMemorySaver() if memory else None)


def talking(model: Any) -> Callable[[Any], Any]:
    """A node that adds the model's answer to the conversation."""

    async def talk(state: Any) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    return talk


def user(text: str) -> dict[str, Any]:
    """The input of a turn that brings one message."""
    return {"messages": [("user", text)]}


async def cut(
    program: Any, model: HaltingModel, call: Any, inputs: Any, how: str = "cancel", **config: Any
) -> None:
    """Run a turn until the model waits, then cut it."""
    stream = program.astream(
        inputs,
        {"callbacks": [call], **config},
        **({"stream_mode": "messages"} if hasattr(program, "builder") else {}),
    )

    async def read() -> None:
        async for _ in stream:
            pass

    task = asyncio.create_task(read())
    await model.until_halted()
    if how == "cancel":
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    model.halted.clear()


async def read_one(program: Any, call: Any, *, close: bool) -> None:
    """Read one item of a stream and leave it, closed or simply dropped."""
    stream = program.astream(user("Hi"), {"callbacks": [call]}, stream_mode="messages")
    async for _ in stream:
        break
    if close:
        await stream.aclose()
    else:
        del stream
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.get_running_loop().shutdown_asyncgens()


def test_the_row_holds_what_was_streamed() -> None:
    """A cancelled answer is a row with the words so far, marked, and it ends with the cancellation."""
    model, call = HaltingModel(ANSWER), handler()

    asyncio.run(cut(graph_of(model), model, call, user("Hi")))

    assert said(call) == ["1 user: Hi", f"1 agent: {HEARD} [cut]"]
    row, node = spoken(call)[0], spoken(call, "node_transition")[0]
    assert node["metadata"]["status"] == "cancelled"
    assert row["end_ms"] == node["end_ms"]
    assert row["metadata"]["llm_node_ttft"] >= 0
    assert row["metadata"]["node"] == "talk"


def test_no_token_no_row() -> None:
    """A turn that was cancelled before the first word leaves no agent row."""
    model, call = HaltingModel(ANSWER, words=0), handler()

    asyncio.run(cut(graph_of(model), model, call, user("Hi")))

    assert said(call) == ["1 user: Hi"]


def test_a_cancelled_ainvoke_leaves_no_answer() -> None:
    """What was not streamed reached nobody; LangChain leaves such a model run open for ever."""

    async def session(program: Any, model: HaltingModel, call: Any) -> None:
        task = asyncio.create_task(program.ainvoke(user("Hi"), {"callbacks": [call]}))
        await model.until_halted()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    model, call = HaltingModel(ANSWER), handler()
    asyncio.run(session(graph_of(model), model, call))

    assert said(call) == ["1 user: Hi"]
    assert call.timeline.document["metadata"]["llm_usage"]["scripted-1"]["unknown_usage_calls"] == 1


@pytest.mark.parametrize("close", [True, False], ids=["closed", "dropped"])
def test_a_stream_that_is_left(close: bool) -> None:
    """The consumer stops reading: the words so far, marked."""
    model, call = HaltingModel(ANSWER), handler()

    asyncio.run(read_one(graph_of(model), call, close=close))

    assert said(call)[0] == "1 user: Hi"
    assert said(call)[1] in (f"1 agent: {HEARD} [cut]", "1 agent: We  [cut]")


def test_a_closed_generator() -> None:
    """In sync code the nodes finish when the generator is closed; the answer is marked all the same."""
    model, call = HaltingModel(ANSWER), handler()
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    program: Any = graph.compile()
    stream = program.stream(user("Hi"), {"callbacks": [call]}, stream_mode="messages")

    next(stream)
    threading.Thread(target=model.resume).start()
    stream.close()

    assert said(call) == ["1 user: Hi", f"1 agent: {ANSWER} [cut]"]


def test_the_next_turn_is_ordinary() -> None:
    """After a cut the conversation goes on; nothing of the cut turn appears again."""

    async def session() -> None:
        await cut(program, model, call, user("Hi"), configurable={"thread_id": "t"})
        model.words = 99
        await program.ainvoke(user("Wait"), {"callbacks": [call], "configurable": {"thread_id": "t"}})

    model, call = HaltingModel(ANSWER, "Yes?"), handler()
    speaker = ScriptedModel("Yes?")
    turns = iter([model, speaker])

    async def talk(state: Any) -> dict[str, Any]:
        return {"messages": [await next(turns).ainvoke(state["messages"])]}

    program = graph_of(("talk", talk), memory=True)
    asyncio.run(session())

    assert said(call) == ["1 user: Hi", f"1 agent: {HEARD} [cut]", "2 user: Wait", "2 agent: Yes?"]


def test_an_agent_inside_a_node() -> None:
    """The words of an agent in a subgraph count, also those it said before the cut."""

    @tool
    async def look_up(what: str) -> str:
        """Look something up."""
        return "nothing"

    model = HaltingModel(
        calls({"name": "look_up", "args": {"what": "x"}, "id": "c1"}, text="Wait."), ANSWER, words=3
    )
    call = handler()
    program = graph_of(("booking", create_agent(model, [look_up])))

    asyncio.run(cut(program, model, call, user("Hi")))

    assert said(call) == ["1 user: Hi", "1 agent: Wait.", "1 agent: We have a [cut]"]
    assert [row["metadata"]["node"] for row in spoken(call)] == ["booking:model", "booking:model"]


def test_a_cut_during_a_tool() -> None:
    """What was said before the tool is whole; the tool and its node are cancelled."""
    running = threading.Event()

    @tool
    async def look_up(what: str) -> str:
        """Look something up."""
        running.set()
        await asyncio.Event().wait()
        return ""

    model = ScriptedModel(
        calls({"name": "look_up", "args": {"what": "x"}, "id": "c1"}, text="Wait a second.")
    )
    call = handler()
    program: Any = create_agent(model, [look_up])

    async def session() -> None:
        stream = program.astream(user("Hi"), {"callbacks": [call]}, stream_mode="messages")

        async def read() -> None:
            async for _ in stream:
                pass

        task = asyncio.create_task(read())
        while not running.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(session())

    assert said(call) == ["1 user: Hi", "1 agent: Wait a second."]
    assert spoken(call, "agent_result")[0]["metadata"]["status"] == "cancelled"
    assert [row["metadata"]["status"] for row in spoken(call, "node_transition")] == ["ok", "cancelled"]


def test_a_router_does_not_speak() -> None:
    """A model that fills a form, works for the library, or is kept out of the stream is not heard when it is cut."""
    for model in (
        HaltingModel('{"next": "booking"}'),
        HaltingModel("booking is next").with_config(tags=["nostream"]),
        HaltingModel("booking is next").with_config(metadata={"lc_source": "tool_selection"}),
        HaltingModel("booking is next").bind(response_format={"type": "json_object"}),
    ):
        halting: Any = model if isinstance(model, HaltingModel) else getattr(model, "bound", None)
        call = handler()

        asyncio.run(cut(graph_of(("route", talking(model))), halting, call, user("Hi")))

        assert said(call) == ["1 user: Hi"], model


def test_a_node_that_never_speaks_is_known() -> None:
    """Where a node's finished answers did not join the conversation, a cut one did not either."""
    first, second = ScriptedModel("booking"), HaltingModel("booking or so")
    models = iter([first, second])
    speaker = ScriptedModel("Hello.")
    call = handler()

    async def route(state: Any) -> dict[str, Any]:
        await next(models).ainvoke(state["messages"])
        return {}

    program = graph_of(("route", route), ("talk", talking(speaker)))

    async def session() -> None:
        await program.ainvoke(user("Hi"), {"callbacks": [call]})
        await cut(program, second, call, user("Again"))

    asyncio.run(session())

    assert said(call) == ["1 user: Hi", "1 agent: Hello.", "2 user: Again"]


def test_the_last_model_of_a_node_speaks() -> None:
    """A node that asks one model what is meant and another for the answer: only the answer was heard."""
    speaker = HaltingModel(ANSWER)
    call = handler()

    async def talk(state: Any) -> dict[str, Any]:
        meant = await ScriptedModel("They want a table.").ainvoke(state["messages"])
        return {"messages": [await speaker.ainvoke([meant])]}

    asyncio.run(cut(graph_of(("talk", talk)), speaker, call, user("Hi")))

    assert said(call) == ["1 user: Hi", f"1 agent: {HEARD} [cut]"]


def test_a_first_model_that_is_known_not_to_speak() -> None:
    """Where the same node's first model did not speak in an earlier turn, a cut one did not either."""
    meaning, speaker = HaltingModel("They want", "They want a table", words=99), ScriptedModel(ANSWER)
    call = handler()

    async def talk(state: Any) -> dict[str, Any]:
        meant = await meaning.ainvoke(state["messages"])
        return {"messages": [await speaker.ainvoke([meant])]}

    async def session() -> None:
        program = graph_of(("talk", talk))
        async for _ in program.astream(user("Hi"), {"callbacks": [call]}, stream_mode="messages"):
            pass
        meaning.words = 2
        await cut(program, meaning, call, user("Again"))

    asyncio.run(session())

    assert said(call) == ["1 user: Hi", f"1 agent: {ANSWER}", "2 user: Again"]


def test_an_agent_behind_a_tool_does_not_speak() -> None:
    """The words of a subagent that a tool runs are the tool's, not the caller's."""
    inner = HaltingModel("Thinking about it")

    @tool
    async def research(what: str) -> str:
        """Ask a subagent."""
        return str((await inner.ainvoke(what)).text)

    outer = ScriptedModel(calls({"name": "research", "args": {"what": "x"}, "id": "c1"}))
    call = handler()

    asyncio.run(cut(create_agent(outer, [research]), inner, call, user("Hi")))

    assert said(call) == ["1 user: Hi"]


def test_a_chain_that_is_cut() -> None:
    """A chain without a graph: the words so far, as streamed."""
    model, call = HaltingModel(ANSWER), handler()
    chain = ChatPromptTemplate.from_messages([("human", "{input}")]) | model | StrOutputParser()

    asyncio.run(cut(chain, model, call, {"input": "Hi"}))

    assert said(call) == ["1 user: Hi", f"1 agent: {HEARD} [cut]"]


def test_a_call_that_ends_in_the_middle_of_an_answer() -> None:
    """Finalising while the model streams closes the row with the call."""
    model, call = HaltingModel(ANSWER), handler()

    async def session() -> None:
        await cut(graph_of(model), model, call, user("Hi"), how="leave")
        await call.afinalize()

    asyncio.run(session())

    assert said(call) == ["1 user: Hi", f"1 agent: {HEARD} [cut]"]
    assert spoken(call)[0]["end_ms"] == call.document["duration_ms"]


def test_an_unanswered_message_is_shown_once() -> None:
    """Without a checkpointer the caller's words of a cut turn come again in front of the next ones."""
    model, call = HaltingModel(ANSWER, words=0), handler()
    program = graph_of(model)

    async def session() -> None:
        await cut(program, model, call, {"messages": [HumanMessage("Hi")]})
        await cut(program, model, call, {"messages": [HumanMessage("Hi"), HumanMessage("Hi")]})
        await cut(
            program,
            model,
            call,
            {"messages": [HumanMessage("Hi"), HumanMessage("Hi"), HumanMessage("Hello?")]},
        )

    asyncio.run(session())

    assert said(call) == ["1 user: Hi", "2 user: Hi", "3 user: Hello?"]


def test_a_provisional_transcript_is_taken_back() -> None:
    """A run on words that turned out otherwise: no row for them; its node stays, cancelled and superseded."""
    model, call = HaltingModel(ANSWER), handler()
    program = graph_of(model)
    start = [SystemMessage("Be kind."), HumanMessage("Hello", id="u0"), AIMessage("Yes?", id="a0")]

    async def session() -> None:
        await cut(program, model, call, {"messages": [*start, HumanMessage("A table for", id="u1")]})
        await cut(program, model, call, {"messages": [*start, HumanMessage("A table for two", id="u2")]})

    asyncio.run(session())

    assert said(call) == ["2 user: A table for two", f"2 agent: {HEARD} [cut]"]
    told = [
        (row["metadata"]["status"], row["metadata"].get("superseded"))
        for row in spoken(call, "node_transition")
    ]
    assert told == [("cancelled", True), ("cancelled", None)]


def test_a_provisional_transcript_at_the_very_beginning() -> None:
    """Before the first answer, without instructions, the words that follow tell: they begin as the provisional ones."""
    model, call = HaltingModel(ANSWER), handler()
    program = graph_of(model)

    async def session() -> None:
        await cut(program, model, call, {"messages": [HumanMessage("A table for.", id="u1")]})
        await cut(program, model, call, {"messages": [HumanMessage("A table for two.", id="u2")]})
        await cut(program, model, call, {"messages": [HumanMessage("Hello?", id="u3")]})

    asyncio.run(session())

    assert said(call) == [
        "2 user: A table for two.", f"2 agent: {HEARD} [cut]", "3 user: Hello?", f"3 agent: {HEARD} [cut]",
    ]  # fmt: skip


def test_a_provisional_transcript_that_was_answered_in_time() -> None:
    """A run that had ended before its words changed was never heard: its context tells it from an ordinary turn."""
    model, call = ScriptedModel("For how many?"), handler()
    program = graph_of(model)
    start = [SystemMessage("Be kind."), HumanMessage("Hello", id="u0")]

    async def session() -> None:
        for more in ([], [AIMessage("Yes?", id="a0"), HumanMessage("A table", id="u1")],
                     [AIMessage("Yes?", id="a0"), HumanMessage("A table for two", id="u2")]):  # fmt: skip
            await program.ainvoke({"messages": [*start, *more]}, {"callbacks": [call]})

    asyncio.run(session())

    assert said(call) == [
        "1 user: Hello", "1 agent: For how many?", "3 user: A table for two", "3 agent: For how many?",
    ]  # fmt: skip


def test_a_real_interruption_is_not_taken_back() -> None:
    """The words of a cut turn that stay in the context stay in the document, with the part that was heard."""
    model, call = HaltingModel(ANSWER), handler()
    program = graph_of(model)
    first = [SystemMessage("Be kind."), HumanMessage("A table", id="u1")]

    async def session() -> None:
        await cut(program, model, call, {"messages": first})
        await cut(
            program,
            model,
            call,
            {"messages": [*first, AIMessage("We", id="x"), HumanMessage("Wait", id="u2")]},
        )

    asyncio.run(session())

    assert said(call) == [
        "1 user: A table",
        f"1 agent: {HEARD} [cut]",
        "2 user: Wait",
        f"2 agent: {HEARD} [cut]",
    ]


def test_the_same_context_again_is_one_question() -> None:
    """A voice stack that tries a failed turn again sends the same message: one row, and the wait began with it."""
    model, call = ScriptedModel(ValueError("busy"), "Hello."), handler()
    program = graph_of(model)
    context = {"messages": [HumanMessage("Hi", id="u1")]}

    with pytest.raises(ValueError, match="busy"):
        asyncio.run(program.ainvoke(context, {"callbacks": [call]}))
    asyncio.run(program.ainvoke(context, {"callbacks": [call]}))

    assert said(call) == ["1 user: Hi", "2 agent: Hello."]
    question, answer = spoken(call, "user")[0], spoken(call)[0]
    assert answer["metadata"]["e2e_latency"] == answer["start_ms"] - question["end_ms"]


@pytest.mark.filterwarnings("ignore:.*experimental")  # LangGraph's own, once a process
def test_protocol_events() -> None:
    """Under the v3 stream the first word has its time, the words come once."""
    model, call = ScriptedModel(ANSWER), handler()
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    program: Any = graph.compile()
    if not hasattr(program, "stream_events"):
        pytest.skip("this LangGraph has no protocol events")

    for _ in program.stream_events(user("Hi"), {"callbacks": [call]}, version="v3"):
        pass

    assert said(call) == ["1 user: Hi", f"1 agent: {ANSWER}"]
    assert "llm_node_ttft" in spoken(call)[0]["metadata"]
