"""The restaurant's voice agent: a LangGraph graph as one would write it for a real phone line.

understand ─ route_by_intent ─┬─► hours ────► END
                              ├─► booking ──► END      (an agent built with create_agent, with two tools)
                              └─► end_call ─► END
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from tuner_langchain.demo.tables import BookingSystem, opening_hours

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

CLASSIFIER_PROMPT = "Answer with one word, what the caller wants: hours, booking or goodbye."
BOOKING_PROMPT = "You take bookings for a restaurant over the phone. Be brief. Never invent a free table."


class PhoneCall(MessagesState):
    """The state of a call."""

    intent: str
    ended: bool


def booking_tools(system: BookingSystem) -> list[BaseTool]:
    """Return the tools of the booking agent."""

    @tool
    def find_table(people: int, around: str) -> dict[str, Any]:
        """Find times near `around` (HH:MM) at which a table for so many people is free."""
        return {"people": people, "free": system.free_times(people, around)}

    @tool
    def book_table(people: int, at: str, name: str) -> dict[str, Any]:
        """Book a table."""
        try:
            reference = system.book(people, at, name)
        except (TimeoutError, ValueError) as error:
            raise ToolException(str(error)) from error
        return {"reference": reference, "people": people, "at": at, "name": name}

    book_table.handle_tool_error = True
    return [find_table, book_table]


def build_graph(classifier: BaseChatModel, booking_model: BaseChatModel) -> Any:
    """Return the compiled graph; both models may be any chat model."""

    def understand(state: PhoneCall) -> dict[str, Any]:
        asked = classifier.invoke([("system", CLASSIFIER_PROMPT), state["messages"][-1]])
        return {"intent": asked.text.strip().lower()}

    def route_by_intent(state: PhoneCall) -> Literal["hours", "booking", "goodbye"]:
        return state["intent"]  # type: ignore[return-value]

    def hours(state: PhoneCall) -> dict[str, Any]:
        asked = state["messages"][-1].text.lower()
        day = next((day for day in ("saturday", "sunday", "monday") if day in asked), "friday")
        return {"messages": [AIMessage(f"{opening_hours(day)} Shall I book you a table?")]}

    def end_call(state: PhoneCall) -> dict[str, Any]:
        return {"messages": [AIMessage("Thank you for calling. See you soon!")], "ended": True}

    graph = StateGraph(PhoneCall)
    graph.add_node(understand)
    graph.add_node(hours)
    graph.add_node(
        "booking", create_agent(booking_model, booking_tools(BookingSystem()), system_prompt=BOOKING_PROMPT)
    )
    graph.add_node(end_call)
    graph.add_edge(START, "understand")
    graph.add_conditional_edges(
        "understand", route_by_intent, {"hours": "hours", "booking": "booking", "goodbye": "end_call"}
    )
    for last in ("hours", "booking", "end_call"):
        graph.add_edge(last, END)
    return graph.compile(checkpointer=InMemorySaver())
