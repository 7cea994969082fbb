"""The agent under test: a restaurant's phone line.

triage ─ route ─┬─► hours
                ├─► booking     an agent with two tools
                └─► goodbye
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

BOOKING_PROMPT = "You take bookings for a restaurant over the phone. Be brief. Never invent a free table."


class Tables(Protocol):
    """The restaurant's booking system."""

    def free(self, people: int) -> list[str]: ...
    def book(self, people: int, at: str) -> str: ...


def booking_tools(tables: Tables) -> list[BaseTool]:
    @tool
    def find_table(people: int) -> list[str]:
        """Find the times at which a table for so many people is free tonight."""
        return tables.free(people)

    @tool
    def book_table(people: int, at: str) -> str:
        """Book a table; returns the reference."""
        try:
            return tables.book(people, at)
        except LookupError as error:
            raise ToolException(str(error)) from error

    book_table.handle_tool_error = True
    return [find_table, book_table]


def triage(state: MessagesState) -> None:
    """A place for what every turn needs first: language, opening hours, known callers."""


def route(state: MessagesState) -> str:
    words = state["messages"][-1].text.lower()
    if "open" in words:
        return "hours"
    return "goodbye" if "bye" in words else "booking"


def hours(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage("We are open from 12:00 to 22:00.")]}


def goodbye(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage("Thank you for calling. See you soon!")]}


def build_agent(model: BaseChatModel, tables: Tables) -> Any:
    """Return the compiled graph; it remembers a conversation by its `thread_id`."""
    graph = StateGraph(MessagesState)
    graph.add_node(triage)
    graph.add_node(hours)
    graph.add_node("booking", create_agent(model, booking_tools(tables), system_prompt=BOOKING_PROMPT))
    graph.add_node(goodbye)
    graph.add_edge(START, "triage")
    graph.add_conditional_edges("triage", route)
    return graph.compile(checkpointer=InMemorySaver())
