"""The agent: a LangGraph graph that answers a restaurant's phone.

triage ─ route ─┬─► hours      a fixed answer
                ├─► booking    an agent with a tool
                └─► goodbye    ends the call
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

BOOKING_PROMPT = "You take bookings for a restaurant over the phone. Be brief. Never invent a free table."


class PhoneCall(MessagesState):
    ended: bool


@tool
def find_table(people: int) -> list[str]:
    """Find the times at which a table for so many people is free tonight."""
    return ["18:00", "19:30"] if people <= 4 else []


def triage(state: PhoneCall) -> None:
    """A place for what every turn needs first."""


def route(state: PhoneCall) -> Literal["hours", "booking", "goodbye"]:
    words = state["messages"][-1].text.lower()
    if "bye" in words:
        return "goodbye"
    return "hours" if "open" in words else "booking"


def hours(state: PhoneCall) -> dict[str, Any]:
    return {"messages": [AIMessage("We are open from noon to ten.")]}


def goodbye(state: PhoneCall) -> dict[str, Any]:
    return {"messages": [AIMessage("Thank you for calling. See you soon!")], "ended": True}


def build_agent(model: BaseChatModel) -> Any:
    """Return the compiled graph; it remembers a call by its `thread_id`."""
    graph = StateGraph(PhoneCall)
    graph.add_node(triage)
    graph.add_node(hours)
    graph.add_node("booking", create_agent(model, [find_table], system_prompt=BOOKING_PROMPT))
    graph.add_node(goodbye)
    graph.add_edge(START, "triage")
    graph.add_conditional_edges("triage", route)
    return graph.compile(checkpointer=InMemorySaver())
