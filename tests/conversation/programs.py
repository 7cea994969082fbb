"""A table of conversations: a program, what goes in turn by turn, and the rows that must come out.

To add a case, write a function that builds the program and add a line to `CONVERSATIONS`. Each is driven in every
mode that its program has.
"""

from __future__ import annotations

import operator
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import pytest
from graphs.prebuilt import create_react_agent
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    SummarizationMiddleware,
    hook_config,
)
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph import types
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import CachePolicy, Command, interrupt
from pydantic import BaseModel
from scripted import ScriptedModel, call, calls

from conversation.driving import CHAIN_MODES, GRAPH_MODES, SYNC_MODES

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Conversation:
    """One line of the table."""

    name: str
    build: Callable[[], Any]
    turns: tuple[Any, ...]
    rows: tuple[str, ...]
    modes: tuple[str, ...] = GRAPH_MODES
    options: Any = None
    thread: str | None = "t"
    unordered: bool = False  # nodes of one step race for the order of their rows


def one_node(*script: Any, memory: bool = False) -> Any:
    """A graph whose only node asks the model."""
    model = ScriptedModel(*script)
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    return graph.compile(checkpointer=InMemorySaver() if memory else None)


@tool
def find_table(people: int) -> str:
    """Find a free table."""
    return f"A table for {people} at 19:30."


def agent_with_tool(memory: bool = False) -> Any:
    """An agent that says a word before it looks something up."""
    model = ScriptedModel(
        calls({"name": "find_table", "args": {"people": 2}, "id": "c1"}, text="Let me check."),
        "19:30 is free. Shall I book it?",
        "Booked. Goodbye!",
    )
    return create_agent(model, [find_table], checkpointer=InMemorySaver() if memory else None)


def agent_in_a_node() -> Any:
    """A create_agent graph as a node: it returns the whole history, of which only the answer is new."""
    graph = StateGraph(MessagesState)
    graph.add_node("greet", lambda state: {"messages": [AIMessage("One moment, please.")]})
    graph.add_node("booking", agent_with_tool())
    graph.add_edge(START, "greet")
    graph.add_edge("greet", "booking")
    return graph.compile(checkpointer=InMemorySaver())


def agent_in_a_function() -> Any:
    """An agent that a node's function calls, returning only its last message."""
    agent = agent_with_tool()
    graph = StateGraph(MessagesState)
    graph.add_node("booking", lambda state: {"messages": [agent.invoke(state)["messages"][-1]]})
    graph.add_edge(START, "booking")
    return graph.compile()


def three_deep() -> Any:
    """A graph in a graph in a graph, each returning the whole history."""
    inner = one_node("From deep inside.")
    for name in ("middle", "outer"):
        graph = StateGraph(MessagesState)
        graph.add_node(name, inner)
        graph.add_edge(START, name)
        inner = graph.compile()
    return inner


def fixed_sentence() -> Any:
    """A node that says a sentence no model made, twice in the call."""
    graph = StateGraph(MessagesState)
    graph.add_node("closed", lambda state: {"messages": [("ai", "We are closed.")]})
    graph.add_edge(START, "closed")
    return graph.compile(checkpointer=InMemorySaver())


def two_fixed_sentences() -> Any:
    """Two nodes that say the same words in one turn."""
    graph = StateGraph(MessagesState)
    graph.add_node("a", lambda state: {"messages": [AIMessage("Hold on.")]})
    graph.add_node("b", lambda state: {"messages": {"role": "assistant", "content": "Hold on."}})
    graph.add_edge(START, "a")
    graph.add_edge("a", "b")
    return graph.compile()


class Route(BaseModel):
    """Where to go."""

    next: str


def router_and_answer() -> Any:
    """A router with structured output, one that answers in JSON, and a node that speaks."""
    router = ScriptedModel('{"next": "talk"}')
    speaker = ScriptedModel("Hello there.")

    def route(state: Any) -> dict[str, Any]:
        router.invoke(state["messages"])
        return {}

    def route_aloud(state: Any) -> dict[str, Any]:
        return {"messages": [router.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("route", route)
    graph.add_node("route_aloud", route_aloud)
    graph.add_node("talk", lambda state: {"messages": [speaker.invoke(state["messages"])]})
    graph.add_edge(START, "route")
    graph.add_edge("route", "route_aloud")
    graph.add_edge("route_aloud", "talk")
    return graph.compile()


def structured_agent() -> Any:
    """An agent whose answer is a form, not a sentence."""
    model = ScriptedModel(
        calls({"name": "Route", "args": {"next": "home"}, "id": "c1"}), "unused", usage=None
    )
    return create_agent(model, [find_table], response_format=Route)


class OwnState(TypedDict):
    """A state of the program's own."""

    dialog: Annotated[list[Any], operator.add]


def other_key() -> Any:
    """A graph that keeps the conversation under a key of its own, without LangGraph's reducer."""
    model = ScriptedModel("Good morning.", "Good night.")
    graph = StateGraph(OwnState)
    graph.add_node("talk", lambda state: {"dialog": [model.invoke(state["dialog"])]})
    graph.add_edge(START, "talk")
    return graph.compile(checkpointer=InMemorySaver())


class Reply(TypedDict, total=False):
    """A state without messages."""

    question: str
    reply: dict[str, str]


def state_of_its_own() -> Any:
    """A graph whose answer only the program can find."""
    model = ScriptedModel("Forty-two.")
    graph = StateGraph(Reply)
    graph.add_node("think", lambda state: {"reply": {"words": model.invoke(state["question"]).text}})
    graph.add_edge(START, "think")
    return graph.compile()


def summarizing() -> Any:
    """An agent whose history is summarised as soon as it has more than three messages."""
    model = ScriptedModel("First.", "Second.", "Third.", "Fourth.")
    summarizer = ScriptedModel("A summary of what was said.")
    try:
        middleware: Any = SummarizationMiddleware(summarizer, trigger=("messages", 4), keep=("messages", 2))
    except TypeError:  # LangChain 1.0 names its limits otherwise
        limits: Any = {"max_tokens_before_summary": 4, "messages_to_keep": 2, "token_counter": len}
        middleware = SummarizationMiddleware(summarizer, **limits)
    return create_agent(model, [], middleware=[middleware], checkpointer=InMemorySaver())


def forgetting() -> Any:
    """A graph that removes all but the last two messages after each answer."""
    model = ScriptedModel("First.", "Second.", "Third.")

    def trim(state: Any) -> dict[str, Any]:
        return {"messages": [RemoveMessage(message.id) for message in state["messages"][:-2]]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("trim", trim)
    graph.add_edge(START, "talk")
    graph.add_edge("talk", "trim")
    return graph.compile(checkpointer=InMemorySaver())


def rewriting() -> Any:
    """A graph that edits its first answer in a later turn."""
    model = ScriptedModel("First.", "Second.")

    def edit(state: Any) -> dict[str, Any]:
        answers = [message for message in state["messages"] if message.type == "ai"]
        return {"messages": [AIMessage("First, edited.", id=answers[0].id)]} if len(answers) > 1 else {}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("edit", edit)
    graph.add_edge(START, "talk")
    graph.add_edge("talk", "edit")
    return graph.compile(checkpointer=InMemorySaver())


def supervised() -> Any:
    """A supervisor that hands over to an agent and has the last word."""
    library = pytest.importorskip("langgraph_supervisor", reason="langgraph-supervisor is not installed")
    worker = create_agent(ScriptedModel("The table is yours."), [find_table], name="worker")
    boss = ScriptedModel(call("transfer_to_worker", "c1"), "Anything else?")
    with warnings.catch_warnings():  # the supervisor builds on a function that LangGraph has deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        return library.create_supervisor([worker], model=boss).compile()


def swarm() -> Any:
    """Two agents of which one hands over to the other with a word."""
    library = pytest.importorskip("langgraph_swarm", reason="langgraph-swarm is not installed")
    to_bob = library.create_handoff_tool(agent_name="bob")
    handoff = calls({"name": to_bob.name, "args": {}, "id": "c1"}, text="I put you through to Bob.")
    alice = create_agent(ScriptedModel(handoff), [to_bob], name="alice")
    bob = create_agent(ScriptedModel("Bob here.", "Bye."), [find_table], name="bob")
    return library.create_swarm([alice, bob], default_active_agent="alice").compile(
        checkpointer=InMemorySaver()
    )


def copied_text() -> Any:
    """A node that makes a message of its own from a model's words."""
    model = ScriptedModel("My words.")
    graph = StateGraph(MessagesState)
    graph.add_node(
        "talk", lambda state: Command(update={"messages": AIMessage(model.invoke("hi").text)}, goto=END)
    )
    graph.add_edge(START, "talk")
    return graph.compile()


def researcher() -> Any:
    """A node that hands its agent's answer on as a human message, and one that speaks."""
    agent = create_agent(ScriptedModel("Facts."), [find_table])
    model = ScriptedModel("Here is what I found.")

    def research(state: Any) -> dict[str, Any]:
        answer = agent.invoke(state)["messages"][-1].text
        return {"messages": [HumanMessage(answer, name="researcher")]}

    graph = StateGraph(MessagesState)
    graph.add_node("research", research)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "research")
    graph.add_edge("research", "talk")
    return graph.compile()


def blocks() -> Any:
    """An answer in content blocks, with thoughts and a picture."""
    content: list[Any] = [
        {"type": "reasoning", "reasoning": "They want to see it."},
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "text", "text": "Here it is: "},
        {"type": "image", "url": "https://example.com/table.png"},
        {"type": "text", "text": " Do you like it?"},
    ]
    return one_node(AIMessage(content=content))


def pausing() -> Any:
    """A graph that asks the caller in the middle of a turn."""
    model = ScriptedModel("All set.")

    def ask(state: Any) -> dict[str, Any]:
        day = interrupt("Which day?")
        return {"messages": [HumanMessage(day)]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "talk")
    return graph.compile(checkpointer=InMemorySaver())


def functional() -> Any:
    """The functional API: a function that takes text and returns text."""
    model = ScriptedModel("Hello to you.")

    @entrypoint()
    def flow(words: str) -> str:
        return str(model.invoke(words).text)

    return flow


def chain() -> Any:
    """A prompt, a model and a parser."""
    prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{input}")])
    return prompt | ScriptedModel("Of course.") | StrOutputParser()


def chain_with_a_form() -> Any:
    """A chain that fills a form for the program."""
    prompt = ChatPromptTemplate.from_messages([("human", "Classify: {text}")])
    return prompt | ScriptedModel('{"next": "x"}') | StrOutputParser()


def answering_function() -> Any:
    """A chain that returns its answer under LangChain's own name for it."""
    model = ScriptedModel("Done.")
    return RunnableLambda(lambda given: {"output": model.invoke(given["input"]).text})


def generating() -> Any:
    """A node that is a generator: of what it yields, LangGraph keeps the last."""
    model = ScriptedModel("Second.")

    def talk(state: Any) -> Any:
        yield {"messages": [AIMessage("First.")]}
        yield {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    return graph.compile()


class Typed(BaseModel):
    """A state with types."""

    messages: Annotated[list[AnyMessage], add_messages] = []
    mood: str = ""


def typed_state() -> Any:
    """A pydantic state; the node returns one too."""
    model = ScriptedModel("Typed.")
    graph = StateGraph(Typed)
    graph.add_node("talk", lambda state: Typed(messages=[model.invoke(state.messages)], mood="good"))
    graph.add_edge(START, "talk")
    return graph.compile(checkpointer=InMemorySaver())


def cached() -> Any:
    """A node that answers the same question from LangGraph's cache: then it does not run at all."""
    graph = StateGraph(MessagesState)
    graph.add_node(
        "talk",
        lambda state: {"messages": [AIMessage("We open at six.")]},
        cache_policy=CachePolicy(key_func=lambda state: state["messages"][-1].content),
    )
    graph.add_edge(START, "talk")
    return graph.compile(cache=InMemoryCache())


def approving() -> Any:
    """An agent whose tool waits for a person."""
    asking = calls({"name": "find_table", "args": {"people": 2}, "id": "c1"}, text="I will look.")
    return create_agent(
        ScriptedModel(asking, "19:30 is free."),
        [find_table],
        middleware=[HumanInTheLoopMiddleware(interrupt_on={"find_table": True})],
        checkpointer=InMemorySaver(),
    )


def refusing() -> Any:
    """A middleware that answers before the model, and ends the turn."""

    class Guard(AgentMiddleware):
        @hook_config(can_jump_to=["end"])
        def before_model(self, state: Any, runtime: Any) -> dict[str, Any]:
            return {"messages": [AIMessage("I cannot talk about that.")], "jump_to": "end"}

        @hook_config(can_jump_to=["end"])
        async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any]:
            return self.before_model(state, runtime)

    return create_agent(ScriptedModel("never"), [], middleware=[Guard()])


def guarded() -> Any:
    """A node that takes an answer back before it is said, and says another."""
    model = ScriptedModel("Something rude.")

    def check(state: Any) -> dict[str, Any]:
        return {"messages": [RemoveMessage(state["messages"][-1].id), AIMessage("Something kind.")]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("check", check)
    graph.add_edge(START, "talk")
    graph.add_edge("talk", "check")
    return graph.compile()


def overwriting() -> Any:
    """A node that replaces the whole conversation, with its answer at the end."""
    if not hasattr(types, "Overwrite"):
        pytest.skip("this LangGraph has no Overwrite")
    model = ScriptedModel("Anew.")
    graph = StateGraph(MessagesState)
    graph.add_node(
        "talk",
        lambda state: {"messages": types.Overwrite([*state["messages"], model.invoke(state["messages"])])},
    )
    graph.add_edge(START, "talk")
    return graph.compile(checkpointer=InMemorySaver())


def graph_in_a_chain() -> Any:
    """A graph between two functions of a chain: it is the graph's messages that are said."""
    inner = one_node("From the graph.")
    return (
        RunnableLambda(lambda words: {"messages": [("user", words)]})
        | inner
        | RunnableLambda(lambda state: f"The graph's state: {state}")
    )


def parallel() -> Any:
    """Two nodes of one step that both speak, and one that joins them."""
    graph = StateGraph(MessagesState)
    graph.add_node("left", lambda state: {"messages": [AIMessage("Left.")]})
    graph.add_node("right", lambda state: {"messages": [AIMessage("Right.")]})
    graph.add_node("both", lambda state: {"messages": [AIMessage("Both.")]})
    graph.add_edge(START, "left")
    graph.add_edge(START, "right")
    graph.add_edge(["left", "right"], "both")
    return graph.compile()


def react_agent() -> Any:
    """LangGraph's older ready-made agent."""
    asking = calls({"name": "find_table", "args": {"people": 2}, "id": "c1"}, text="I will look.")
    with warnings.catch_warnings():  # it is deprecated, and still in many programs
        warnings.simplefilter("ignore")
        return create_react_agent(ScriptedModel(asking, "19:30 is free."), [find_table])


def deep_agent() -> Any:
    """A deep agent that hands a task to a subagent: what the subagent says is the tool's answer."""
    library = pytest.importorskip("deepagents", reason="deepagents is not installed")
    helper = {
        "name": "helper",
        "description": "Helps.",
        "system_prompt": "Help.",
        "tools": [find_table],
        "model": ScriptedModel("The helper's finding."),
    }
    task = call("task", "c1", description="Find a table.", subagent_type="helper")
    return library.create_deep_agent(
        model=ScriptedModel(task, "19:30 is free."), tools=[], subagents=[helper]
    )


def user(text: str) -> dict[str, Any]:
    """The input of a turn that brings one message."""
    return {"messages": [("user", text)]}


def whole(*texts: str) -> Callable[[list[Any]], Any]:
    """The input of a program that passes the whole history: the caller's words, with the agent's in between."""

    def build(_: list[Any]) -> dict[str, Any]:
        kinds = (HumanMessage, AIMessage)
        return {
            "messages": [SystemMessage("Be kind."), *(kinds[i % 2](text) for i, text in enumerate(texts))]
        }

    return build


CONVERSATIONS = (
    Conversation(
        "new messages only",
        lambda: one_node("Hello!", "Fine, thanks.", memory=True),
        (user("Hi"), user("How are you?")),
        ("1 user: Hi", "1 agent: Hello!", "2 user: How are you?", "2 agent: Fine, thanks."),
    ),
    Conversation(
        "the whole history every time",
        lambda: one_node("Hello!", "Fine, thanks."),
        (whole("Hi"), whole("Hi", "Hello!", "How are you?")),
        ("1 user: Hi", "1 agent: Hello!", "2 user: How are you?", "2 agent: Fine, thanks."),
        thread=None,
    ),
    Conversation(
        "the same words twice, new messages only",
        lambda: one_node("What?", "What?", memory=True),
        (user("No"), user("No")),
        ("1 user: No", "1 agent: What?", "2 user: No", "2 agent: What?"),
    ),
    Conversation(
        "the same words twice, the whole history",
        lambda: one_node("What?", "What?"),
        (whole("No"), whole("No", "What?", "No")),
        ("1 user: No", "1 agent: What?", "2 user: No", "2 agent: What?"),
        thread=None,
    ),
    Conversation(
        "messages in every form",
        lambda: one_node("One.", "Two.", "Three.", "Four.", "Five.", memory=True),
        (
            {"messages": "a string"},
            {"messages": [{"role": "user", "content": "a dict"}]},
            {"messages": [("human", "a tuple")]},
            {"messages": HumanMessage("one message", id="m1")},
            {"messages": ["a string", HumanMessage([{"type": "text", "text": "See "}, {"type": "image", "url": "x"}])]},
        ),
        (
            "1 user: a string", "1 agent: One.", "2 user: a dict", "2 agent: Two.", "3 user: a tuple",
            "3 agent: Three.", "4 user: one message", "4 agent: Four.", "5 user: a string", "5 user: See [image]",
            "5 agent: Five.",
        ),
    ),
    Conversation(
        "words beside tool calls",
        lambda: agent_with_tool(memory=True),
        (user("For two?"), user("Yes")),
        (
            "1 user: For two?", "1 agent: Let me check.", "1 agent: 19:30 is free. Shall I book it?", "2 user: Yes",
            "2 agent: Booked. Goodbye!",
        ),
    ),
    Conversation(
        "an agent as a node after a fixed sentence",
        agent_in_a_node,
        (user("For two?"),),
        (
            "1 user: For two?", "1 agent: One moment, please.", "1 agent: Let me check.",
            "1 agent: 19:30 is free. Shall I book it?",
        ),
    ),
    Conversation(
        "an agent that a function calls",
        agent_in_a_function,
        (user("For two?"),),
        ("1 user: For two?", "1 agent: 19:30 is free. Shall I book it?"),
    ),
    Conversation("three deep", three_deep, (user("Hi"),), ("1 user: Hi", "1 agent: From deep inside.")),
    Conversation(
        "a fixed sentence in two turns",
        fixed_sentence,
        (user("Hi"), user("Still?")),
        ("1 user: Hi", "1 agent: We are closed.", "2 user: Still?", "2 agent: We are closed."),
    ),
    Conversation(
        "the same fixed sentence twice in a turn",
        two_fixed_sentences,
        (user("Hi"),),
        ("1 user: Hi", "1 agent: Hold on.", "1 agent: Hold on."),
    ),
    Conversation("routers do not speak", router_and_answer, (user("Hi"),), ("1 user: Hi", "1 agent: Hello there.")),
    Conversation("a filled form is not said", structured_agent, (user("Home"),), ("1 user: Home",)),
    Conversation(
        "another key of the state",
        other_key,
        ({"dialog": [HumanMessage("Morning")]}, {"dialog": [HumanMessage("Night")]}),
        ("1 user: Morning", "1 agent: Good morning.", "2 user: Night", "2 agent: Good night."),
        options={"messages_key": "dialog"},
    ),
    Conversation(
        "a state of its own",
        state_of_its_own,
        ({"question": "The answer?"},),
        ("1 agent: Forty-two.",),
        modes=("invoke", "ainvoke"),
        options={"agent_text": lambda outcome: outcome["reply"]["words"]},
    ),
    Conversation("a state of its own, unasked", state_of_its_own, ({"question": "The answer?"},), ()),
    Conversation(
        "a summarised history",
        summarizing,
        (user("A"), user("B"), user("C"), user("D")),
        (
            "1 user: A", "1 agent: First.", "2 user: B", "2 agent: Second.", "3 user: C", "3 agent: Third.",
            "4 user: D", "4 agent: Fourth.",
        ),
    ),
    Conversation(
        "a trimmed history",
        forgetting,
        (user("A"), user("B"), user("C")),
        ("1 user: A", "1 agent: First.", "2 user: B", "2 agent: Second.", "3 user: C", "3 agent: Third."),
    ),
    Conversation(
        "an answer edited later",
        rewriting,
        (user("A"), user("B")),
        ("1 user: A", "1 agent: First.", "2 user: B", "2 agent: Second."),
    ),
    Conversation(
        "a supervisor",
        supervised,
        (user("A table"),),
        ("1 user: A table", "1 agent: The table is yours.", "1 agent: Anything else?"),
    ),
    Conversation(
        "a swarm",
        swarm,
        (user("Bob, please"), user("Bye")),
        (
            "1 user: Bob, please", "1 agent: I put you through to Bob.", "1 agent: Bob here.", "2 user: Bye",
            "2 agent: Bye.",
        ),
    ),
    Conversation("a message made of a model's words", copied_text, (user("Hi"),), ("1 user: Hi", "1 agent: My words.")),
    Conversation(
        "an agent's answer handed on as a human message",
        researcher,
        (user("Look it up"),),
        ("1 user: Look it up", "1 agent: Here is what I found."),
    ),
    Conversation(
        "thoughts are not said, pictures are named",
        blocks,
        (user("Show me"),),
        ("1 user: Show me", "1 agent: Here it is: [image] Do you like it?"),
    ),
    Conversation(
        "a pause and its answer",
        pausing,
        (user("Book"), Command(resume="Monday")),
        ("1 user: Book", "2 user: Monday", "2 agent: All set."),
    ),
    Conversation("the functional API", functional, ("Hello",), ("1 user: Hello", "1 agent: Hello to you.")),
    Conversation(
        "a plain chain", chain, ({"input": "Please?"},), ("1 user: Please?", "1 agent: Of course."), CHAIN_MODES
    ),
    Conversation(
        "a chain that fills a form", chain_with_a_form, ({"text": "Please?"},), ("1 user: Please?",), CHAIN_MODES
    ),
    Conversation(
        "a chain with an output key",
        answering_function,
        ({"input": "Do it"},),
        ("1 user: Do it", "1 agent: Done."),
        CHAIN_MODES,
    ),
    Conversation("a generator", generating, (user("Hi"),), ("1 user: Hi", "1 agent: Second."), SYNC_MODES),
    Conversation(
        "a typed state",
        typed_state,
        (user("Hi"), Typed(messages=[HumanMessage("Again")])),
        ("1 user: Hi", "1 agent: Typed.", "2 user: Again", "2 agent: Typed."),
    ),
    Conversation(
        "a cached node",
        cached,
        (user("When?"), user("When?")),
        ("1 user: When?", "1 agent: We open at six.", "2 user: When?", "2 agent: We open at six."),
    ),
    Conversation(
        "a person in the loop",
        approving,
        (user("A table"), Command(resume={"decisions": [{"type": "approve"}]})),
        ("1 user: A table", "1 agent: I will look.", "2 agent: 19:30 is free."),
    ),
    Conversation("a guard that answers", refusing, (user("Hm"),), ("1 user: Hm", "1 agent: I cannot talk about that.")),
    Conversation(
        "an answer taken back",
        guarded,
        (user("Hm"),),
        ("1 user: Hm", "1 agent: Something kind."),
        modes=("invoke", "ainvoke", "stream", "astream"),
    ),
    Conversation(
        "an answer taken back after it was streamed",
        guarded,
        (user("Hm"),),
        ("1 user: Hm", "1 agent: Something rude.", "1 agent: Something kind."),
        modes=("stream words", "astream words"),
    ),
    Conversation(
        "a conversation overwritten",
        overwriting,
        (user("Hi"), user("Again")),
        ("1 user: Hi", "1 agent: Anew.", "2 user: Again", "2 agent: Anew."),
    ),
    Conversation(
        "a graph in a chain",
        graph_in_a_chain,
        ("Hi",),
        ("1 user: Hi", "1 agent: From the graph."),
        CHAIN_MODES,
    ),
    Conversation(
        "two nodes at once",
        parallel,
        (user("Hi"),),
        ("1 user: Hi", "1 agent: Left.", "1 agent: Right.", "1 agent: Both."),
        unordered=True,
    ),
    Conversation(
        "LangGraph's older agent",
        react_agent,
        (user("A table"),),
        ("1 user: A table", "1 agent: I will look.", "1 agent: 19:30 is free."),
    ),
    Conversation("a deep agent", deep_agent, (user("A table"),), ("1 user: A table", "1 agent: 19:30 is free.")),
    Conversation(
        "an answer that only begins like data",
        lambda: one_node("{smiling} Good evening.", '```json\n{"say": "hi"}\n```', memory=True),
        (user("Hi"), user("Again")),
        ("1 user: Hi", "1 agent: {smiling} Good evening.", "2 user: Again"),
    ),
    Conversation(
        "data that the program says is the answer",
        lambda: one_node('{"say": "hi"}'),
        (user("Hi"),),
        ("1 user: Hi", '1 agent: {"say": "hi"}'),
        modes=("invoke", "ainvoke"),
        options={"agent_text": lambda outcome: outcome["messages"][-1].text},
    ),
    Conversation("nobody asked", fixed_sentence, ({"messages": []},), ("1 agent: We are closed.",)),
    Conversation(
        "a bare model",
        lambda: ScriptedModel("Yes?"),
        ([HumanMessage("Hi")], "Hello"),
        ("1 user: Hi", "1 agent: Yes?", "2 user: Hello", "2 agent: Yes?"),
        CHAIN_MODES,
    ),
)  # fmt: skip
