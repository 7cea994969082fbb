"""LiveKit's own adapter and session around a graph, with nothing changed but our handler in the config."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conversation.driving import handler, said, spoken
from conversation.halting import HaltingModel
from langchain.agents import create_agent
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from scripted import ScriptedModel, calls

agents = pytest.importorskip(
    "livekit.agents", reason="LiveKit is not installed; see the dependency group `voice` in pyproject.toml"
)
adapters = pytest.importorskip(
    "livekit.plugins.langchain", reason="livekit-plugins-langchain is not installed"
)

# What LiveKit itself warns about at its import and exit is not ours to fail on.
pytestmark = pytest.mark.filterwarnings("default")

HELLO = "Hello, this is the restaurant."


@tool
def find_table(people: int) -> str:
    """Find a free table."""
    return "19:30"


def talking(model: Any, *, memory: bool = False) -> Any:
    """A graph whose only node asks the model."""

    async def talk(state: Any) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    return graph.compile(checkpointer=InMemorySaver() if memory else None)


def adapter(program: Any, call: Any, **options: Any) -> Any:
    """LiveKit's adapter around the program."""
    config = {"callbacks": [call], "configurable": {"thread_id": "t"}}
    return adapters.LLMAdapter(program, config=config, **options)


async def answer(llm: Any, context: Any) -> str:
    """Let the adapter answer a context, and return what it would speak."""
    parts = []
    async with llm.chat(chat_ctx=context) as stream:
        async for chunk in stream:
            if chunk.delta and chunk.delta.content:
                parts.append(chunk.delta.content)
    return "".join(parts)


async def cut(llm: Any, context: Any, model: HaltingModel) -> None:
    """Let the adapter begin an answer, and close it in the middle."""
    stream = llm.chat(chat_ctx=context)
    await model.until_halted()
    await stream.aclose()
    model.halted.clear()


@pytest.mark.parametrize("memory", [True, False], ids=["checkpointer", "whole history"])
def test_turns_through_the_adapter(memory: bool) -> None:
    """Whole contexts and foreign ids: each word is one row, though a checkpointer keeps each answer twice."""
    agent = create_agent(
        ScriptedModel(
            calls({"name": "find_table", "args": {"people": 2}, "id": "c1"}, text="Let me check."),
            "19:30 is free.",
            "Booked.",
        ),
        [find_table],
        checkpointer=InMemorySaver() if memory else None,
    )
    call = handler()

    async def session() -> None:
        llm, context = adapter(agent, call), agents.ChatContext.empty()
        context.add_message(role="system", content="Be kind.")
        for text in ("A table for two", "Yes"):
            context.add_message(role="user", content=text)
            context.add_message(role="assistant", content=await answer(llm, context))

    asyncio.run(session())

    assert said(call) == [
        "1 user: A table for two", "1 agent: Let me check.", "1 agent: 19:30 is free.", "2 user: Yes",
        "2 agent: Booked.",
    ]  # fmt: skip
    assert all("llm_node_ttft" in row["metadata"] for row in spoken(call))


def test_an_answer_that_is_cut() -> None:
    """The stream is closed in the middle; the next context holds the part that was spoken."""
    model = HaltingModel("We have a table.")
    call = handler()

    async def session() -> None:
        llm, context = adapter(talking(model, memory=True), call), agents.ChatContext.empty()
        context.add_message(role="user", content="A table")
        await cut(llm, context, model)
        context.add_message(role="assistant", content="We")
        context.add_message(role="user", content="Wait")
        model.words = 99
        await answer(llm, context)

    asyncio.run(session())

    assert said(call) == [
        "1 user: A table",
        "1 agent: We have [cut]",
        "2 user: Wait",
        "2 agent: We have a table.",
    ]


def test_preemptive_generation() -> None:
    """A run on a provisional transcript is repeated under a new id: its words never appear, its node does."""
    model = HaltingModel("We have a table.")
    call = handler()

    async def session() -> None:
        llm, context = adapter(talking(model), call), agents.ChatContext.empty()
        context.add_message(role="system", content="Be kind.")
        provisional = context.copy()
        provisional.add_message(role="user", content="A table for")
        await cut(llm, provisional, model)
        model.words = 99
        context.add_message(role="user", content="A table for two")
        await answer(llm, context)

    asyncio.run(session())

    assert said(call) == ["2 user: A table for two", "2 agent: We have a table."]
    told = [
        (row["metadata"]["status"], row["metadata"].get("superseded"))
        for row in spoken(call, "node_transition")
    ]
    assert told == [("cancelled", True), ("ok", None)]


def test_words_of_a_subgraph() -> None:
    """A create_agent graph as a node, with and without the adapter's subgraph streaming."""
    for subgraphs in (True, False):
        inner = create_agent(ScriptedModel("19:30 is free."), [find_table])
        graph = StateGraph(MessagesState)
        graph.add_node("booking", inner)
        graph.add_edge(START, "booking")
        call = handler()

        async def session(program: Any, call: Any, subgraphs: bool) -> str:
            context = agents.ChatContext.empty()
            context.add_message(role="user", content="A table")
            return await answer(adapter(program, call, subgraphs=subgraphs), context)

        asyncio.run(session(graph.compile(), call, subgraphs))

        assert said(call) == ["1 user: A table", "1 agent: 19:30 is free."]


def test_a_session() -> None:
    """LiveKit's AgentSession drives the turns itself; the voice turns that it tells join the graph's rows."""
    call = handler()
    program = talking(ScriptedModel(HELLO, "Until tomorrow."))

    async def session() -> None:
        async with agents.AgentSession(llm=adapter(program, call)) as running:
            await running.start(agents.Agent(instructions="Be kind."))
            for text in ("Good evening", "See you tomorrow"):
                await running.run(user_input=text)
            for item in running.history.messages():
                if item.role == "assistant":
                    call.add_agent_turn(item.text_content, end_ms=item.created_at)

    asyncio.run(session())

    assert said(call) == [
        "1 user: Good evening", f"1 agent: {HELLO}", "2 user: See you tomorrow", "2 agent: Until tomorrow.",
    ]  # fmt: skip


def test_an_interrupted_session() -> None:
    """`session.interrupt()` cancels the graph: the words so far, and the next turn is an ordinary one."""
    model = HaltingModel("We have a table.")
    call = handler()

    async def session() -> None:
        async with agents.AgentSession(llm=adapter(talking(model), call)) as running:
            await running.start(agents.Agent(instructions="Be kind."))
            speech = running.generate_reply(user_input="A table")
            await model.until_halted()
            await running.interrupt()
            await speech
            model.words = 99
            await running.run(user_input="Wait")

    asyncio.run(session())

    assert said(call) == [
        "1 user: A table",
        "1 agent: We have [cut]",
        "2 user: Wait",
        "2 agent: We have a table.",
    ]
