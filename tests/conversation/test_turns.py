"""What belongs to which turn: batches, threads, handlers that come late, greetings, chains of other kinds."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command
from scripted import ScriptedModel, call

from conversation.driving import CHAIN_MODES, GRAPH_MODES, handler, run, said, spoken
from conversation.programs import agent_in_a_node, agent_with_tool, forgetting, pausing, summarizing, swarm


def user(text: str) -> dict[str, Any]:
    """The input of a turn that brings one message."""
    return {"messages": [("user", text)]}


def echo(*, memory: bool = False) -> Any:
    """A graph that repeats what it hears."""
    model = ScriptedModel(lambda messages: f"You said {messages[-1].text}.")
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    return graph.compile(checkpointer=InMemorySaver() if memory else None)


@tool
def find_table(people: int) -> str:
    """Find a free table."""
    return "19:30"


@pytest.mark.parametrize("how", ["batch", "abatch"])
def test_a_batch_is_a_turn_for_each_input(how: str) -> None:
    """Each input of a batch has a turn of its own, with its own words and answer."""
    taken, program, inputs = handler(), echo(), [user("one"), user("two"), user("three")]
    if how == "batch":
        program.batch(inputs, {"callbacks": [taken]})
    else:
        asyncio.run(program.abatch(inputs, {"callbacks": [taken]}))

    by_turn = {turn: [line for line in said(taken) if line.startswith(f"{turn} ")] for turn in (1, 2, 3)}
    words = {lines[0].removeprefix(f"{turn} user: ") for turn, lines in by_turn.items()}
    assert words == {"one", "two", "three"}
    for turn, lines in by_turn.items():
        word = lines[0].removeprefix(f"{turn} user: ")
        assert lines[1:] == [f"{turn} agent: You said {word}."]


def test_two_threads_on_one_handler() -> None:
    """Two conversations in turns: neither takes the other's words for its own."""
    taken, program = handler(), echo(memory=True)
    for number, (thread, text) in enumerate([("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")], 1):
        program.invoke(user(text), {"callbacks": [taken], "configurable": {"thread_id": thread}})
        assert said(taken)[-2:] == [f"{number} user: {text}", f"{number} agent: You said {text}."]


LATE: dict[str, Any] = {
    "agent": lambda: agent_with_tool(memory=True),
    "agent in a node": agent_in_a_node,
    "swarm": swarm,
    "summarising": summarizing,
    "forgetting": forgetting,
}


@pytest.mark.parametrize("mode", GRAPH_MODES)
@pytest.mark.parametrize("program", LATE)
def test_a_handler_that_comes_late(program: str, mode: str) -> None:
    """A handler on a thread with a history it never saw shows its own turn, and nothing of the history."""
    graph, first, second = LATE[program](), handler(), handler()
    config: Any = {"configurable": {"thread_id": "t"}}
    run(graph, mode, user("Before"), {**config, "callbacks": [first]})
    run(graph, mode, user("After"), {**config, "callbacks": [second]})

    assert said(second)[0] == "1 user: After"
    assert not {line.partition(": ")[2] for line in said(first)[1:]} & {
        line.partition(": ")[2] for line in said(second)
    } - {"One moment, please.", "Let me check."}  # which these programs say in every turn
    assert len(said(second)) in (2, 3, 4)


def test_a_handler_that_comes_to_a_pause() -> None:
    """A new handler on a resumed thread shows what the resume brought."""
    graph, second = pausing(), handler()
    config: Any = {"configurable": {"thread_id": "t"}}
    graph.invoke(user("Book"), config)
    graph.invoke(Command(resume="Monday"), {**config, "callbacks": [second]})

    assert said(second) == ["1 user: Monday", "1 agent: All set."]


def test_a_greeting_is_not_waited_for() -> None:
    """A turn that nobody asked for has an answer and no latency from the caller's turn."""
    model, taken = ScriptedModel("Good evening!", "Yes?"), handler()
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    program: Any = graph.compile(checkpointer=InMemorySaver())
    config: Any = {"callbacks": [taken], "configurable": {"thread_id": "t"}}
    program.invoke({"messages": [("system", "Greet the caller.")]}, config)
    program.invoke(user("Hello"), config)

    assert said(taken) == ["1 agent: Good evening!", "2 user: Hello", "2 agent: Yes?"]
    assert ["e2e_latency" in row["metadata"] for row in spoken(taken)] == [False, True]


def test_only_the_first_answer_of_a_turn_was_waited_for() -> None:
    """What comes after it was not waited for in silence."""
    taken = handler()
    agent_with_tool().invoke(user("For two?"), {"callbacks": [taken]})

    assert ["e2e_latency" in row["metadata"] for row in spoken(taken)] == [True, False]


def test_a_tool_alone_says_nothing() -> None:
    """A tool that the program calls by itself is a turn without words."""
    taken = handler()
    find_table.invoke({"people": 2}, {"callbacks": [taken]})

    assert [row["role"] for row in taken.timeline] == ["agent_function", "agent_result"]


@pytest.mark.parametrize("mode", CHAIN_MODES)
def test_a_chain_with_a_history(mode: str) -> None:
    """LangChain's chain that remembers by session: each word once."""
    with warnings.catch_warnings():  # LangChain would rather have it in a graph
        warnings.simplefilter("ignore")
        from langchain_core.runnables.history import RunnableWithMessageHistory

        prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("past"), ("human", "{question}")])
        history = InMemoryChatMessageHistory()
        chain = RunnableWithMessageHistory(
            prompt | ScriptedModel("First.", "Second."),
            lambda _: history,
            history_messages_key="past",
            input_messages_key="question",
        )
    taken = handler()
    for text in ("One?", "Two?"):
        run(chain, mode, {"question": text}, {"callbacks": [taken], "configurable": {"session_id": "s"}})

    assert said(taken) == ["1 user: One?", "1 agent: First.", "2 user: Two?", "2 agent: Second."]


@pytest.mark.parametrize("mode", CHAIN_MODES)
def test_an_agent_executor(mode: str) -> None:
    """LangChain's older agents: the question and the outcome's output, with the model that made it."""
    agents = pytest.importorskip("langchain_classic.agents", reason="langchain-classic is not installed")
    prompt = ChatPromptTemplate.from_messages([("human", "{input}"), MessagesPlaceholder("agent_scratchpad")])
    model = ScriptedModel(call("find_table", people=2), "19:30 is free.")
    executor = agents.AgentExecutor(
        agent=agents.create_tool_calling_agent(model, [find_table], prompt), tools=[find_table]
    )
    taken = handler()
    run(executor, mode, {"input": "A table"}, {"callbacks": [taken]})

    assert said(taken) == ["1 user: A table", "1 agent: 19:30 is free."]
    assert spoken(taken)[0]["metadata"]["model"] == "scripted-1"
