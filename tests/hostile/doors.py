"""The doors through which a value gets to a handler: each a program that works, or fails, the same without one.

A door takes the value and the callbacks (none, or one handler) and runs. Doors of the handler's own take the handler.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import dispatch_custom_event
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from tuner_langchain import TunerError
from tuner_langchain.checks import CHECKS

Door = Callable[[Any, list[Any]], None]


class State(TypedDict, total=False):
    """A state that holds anything beside the conversation."""

    messages: list[Any]
    thing: Any
    more: Any


def _graph(node: Callable[[Any], Any], **compiling: Any) -> Any:
    builder: Any = StateGraph(State)
    builder.add_node("talk", node)
    builder.add_edge(START, "talk")
    return builder.compile(**compiling)


def _said(**more: Any) -> dict[str, Any]:
    return {"messages": [AIMessage("Certainly.")], **more}


def state(value: Any, callbacks: list[Any]) -> None:
    """A node is given the value in its state."""
    graph = _graph(lambda _: _said())
    graph.invoke({"messages": [HumanMessage("Hi")], "thing": value}, {"callbacks": callbacks})


def update(value: Any, callbacks: list[Any]) -> None:
    """A node returns the value beside its answer."""
    graph = _graph(lambda _: _said(thing=value, more={"in": [value]}))
    graph.invoke({"messages": [HumanMessage("Hi")]}, {"callbacks": callbacks})


def answer(value: Any, callbacks: list[Any]) -> None:
    """A node returns the value as the whole of its answer."""
    RunnableLambda(lambda _: value).invoke("Hi", {"callbacks": callbacks})


def turn_input(value: Any, callbacks: list[Any]) -> None:
    """A turn is begun with the value."""
    RunnableLambda(lambda _: "Certainly.").invoke(value, {"callbacks": callbacks})


def messages(value: Any, callbacks: list[Any]) -> None:
    """The conversation holds the value."""
    graph = _graph(lambda _: {"messages": [AIMessage("Certainly."), value]})
    graph.invoke({"messages": [HumanMessage("Hi"), value]}, {"callbacks": callbacks})


def message_parts(value: Any, callbacks: list[Any]) -> None:
    """A message of the agent's holds the value in each of its parts."""
    made = AIMessage.model_construct(
        content=value,
        id=value,
        name=value,
        type="ai",
        additional_kwargs={"x": value},
        response_metadata={"x": value},
    )
    graph = _graph(lambda _: {"messages": [made]})
    graph.invoke({"messages": [{"role": "user", "content": "Hi", "id": value}]}, {"callbacks": callbacks})


def tool_arguments(value: Any, callbacks: list[Any]) -> None:
    """A tool is called with the value."""

    @tool
    def book(thing: Any) -> str:
        """Book."""
        return "booked"

    book.invoke({"thing": value}, {"callbacks": callbacks})


def tool_result(value: Any, callbacks: list[Any]) -> None:
    """A tool returns the value."""

    @tool
    def find() -> Any:
        """Find."""
        return value

    find.invoke({}, {"callbacks": callbacks})


def tool_message(value: Any, callbacks: list[Any]) -> None:
    """A tool answers with a message that holds the value."""

    @tool
    def find() -> Any:
        """Find."""
        return ToolMessage.model_construct(
            content=value, tool_call_id=value, name=value, status="success", type="tool", artifact=value
        )

    find.invoke({}, {"callbacks": callbacks})


def command(value: Any, callbacks: list[Any]) -> None:
    """A node answers with a command that holds the value."""
    graph = _graph(lambda _: Command(update=_said(thing=value), goto=END))
    graph.invoke({"messages": [HumanMessage("Hi")]}, {"callbacks": callbacks})


def interrupted(value: Any, callbacks: list[Any]) -> None:
    """An interrupt asks with the value, and is resumed with it."""
    graph = _graph(lambda _: _said(thing=interrupt(value)), checkpointer=InMemorySaver())
    config = {"callbacks": callbacks, "configurable": {"thread_id": uuid.uuid4().hex}}
    graph.invoke({"messages": [HumanMessage("Hi")]}, config)
    graph.invoke(Command(resume=value), config)


def router(value: Any, callbacks: list[Any]) -> None:
    """A router answers with the value."""
    builder = StateGraph(State)
    builder.add_node("talk", lambda _: _said())
    builder.add_edge(START, "talk")
    builder.add_conditional_edges("talk", lambda _: value)
    builder.compile().invoke(
        {"messages": [HumanMessage("Hi")]}, {"callbacks": callbacks, "recursion_limit": 10}
    )


def event(value: Any, callbacks: list[Any]) -> None:
    """A node dispatches the value as an event."""

    def talk(_: Any) -> Any:
        dispatch_custom_event("thing", value)
        return _said()

    _graph(talk).invoke({"messages": [HumanMessage("Hi")]}, {"callbacks": callbacks})


def error(value: Any, callbacks: list[Any]) -> None:
    """A node raises an exception that holds the value."""

    def talk(_: Any) -> Any:
        raise LookupError(value)

    _graph(talk).invoke({"messages": [HumanMessage("Hi")]}, {"callbacks": callbacks})


def metadata(value: Any, callbacks: list[Any]) -> None:
    """A run's metadata and tags hold the value, under names that mean something too."""
    names = (
        "thread_id",
        "ls_provider",
        "ls_model_name",
        "lc_source",
        "langgraph_node",
        "langgraph_checkpoint_ns",
    )
    chain: Any = RunnableLambda(lambda _: "Certainly.")
    chain.invoke("Hi", {"callbacks": callbacks, "metadata": {"thing": value, **dict.fromkeys(names, value)}})


def model_reply(value: Any, callbacks: list[Any]) -> None:
    """A model's result holds the value in each of its parts: as LangChain's own manager passes it."""
    message = AIMessage.model_construct(
        content=value, id=value, type="ai", usage_metadata=value, response_metadata={"model_name": value},
        tool_calls=[{"id": "1", "name": "x", "args": value}, {"id": value, "name": value, "args": {}}],
    )  # fmt: skip
    generation = ChatGeneration.model_construct(message=message, text=value, generation_info={"x": value})
    for handler in callbacks:
        for result in (LLMResult.model_construct(generations=[[generation]], llm_output=value), value):
            run = uuid.uuid4()
            handler.on_chat_model_start(
                {"name": value}, [[HumanMessage("Hi")]], run_id=run, tags=None,
                metadata={"ls_model_name": value}, invocation_params={"model": value, "response_format": value},
            )  # fmt: skip
            handler.on_llm_new_token(value, run_id=run)
            handler.on_stream_event({"event": "content-block-delta", "delta": {"text": value}}, run_id=run)
            handler.on_llm_end(result, run_id=run)


def retriever(value: Any, callbacks: list[Any]) -> None:
    """A retriever finds the value: as LangChain's own manager passes it."""
    for handler in callbacks:
        run = uuid.uuid4()
        handler.on_retriever_start({"name": value}, value, run_id=run, name=value)
        handler.on_retriever_end(value, run_id=run)


def facts(value: Any, callbacks: list[Any]) -> None:
    """Each fact is the value, or holds it; what is wrong is the documented error."""
    for handler in callbacks:
        for name in CHECKS:
            for given in (value, {"thing": value}, {"list": [value]}):
                with contextlib.suppress(TunerError):
                    handler.update(**{name: given})


def spoken(value: Any, callbacks: list[Any]) -> None:
    """The voice stack's words and times are the value; what is wrong is the documented error."""
    for handler in callbacks:
        for given in (
            {"text": value}, {"start_ms": value}, {"end_ms": value}, {"words": value}, {"words": [value]},
            {"words": [{"word": value, "start_ms": value, "end_ms": value, "confidence": value}]},
        ):  # fmt: skip
            for add in (handler.add_user_turn, handler.add_agent_turn):
                with contextlib.suppress(TunerError):
                    add(**{"text": "Hello.", **given})
        for add, name in ((handler.add_user_turn, "confidence"), (handler.add_agent_turn, "interrupted")):
            with contextlib.suppress(TunerError):
                add("Hello.", **{name: value})


PROGRAMS: dict[str, Door] = {
    door.__name__: door
    for door in (
        state, update, answer, turn_input, messages, message_parts, tool_arguments, tool_result, tool_message, command,
        interrupted, router, event, error, metadata,
    )
}  # fmt: skip
OWN: dict[str, Door] = {door.__name__: door for door in (model_reply, retriever, facts, spoken)}
