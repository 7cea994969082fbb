"""An outlet, a graph and short calls for the tests of how a call ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

from tuner_langchain import Receipt, TunerCallbackHandler

T = TypeVar("T")

LONG_S = 30.0  # what ends at all has ended by then


class Outlet:
    """Keeps the bodies that it takes, as a `Delivery` does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def submit(self, call_id: str, body: bytes, *, recording: Any = None) -> Receipt:
        """Take a call."""
        self.bodies.append(body)
        return Receipt(call_id, state="delivered")

    @property
    def document(self) -> dict[str, Any]:
        """The one document that was handed over."""
        (body,) = self.bodies
        document: dict[str, Any] = json.loads(body)
        return document


def graph(node: Callable[..., Any] | None = None, **compiling: Any) -> Any:
    """Return a graph of one node."""
    builder: Any = StateGraph(MessagesState)
    builder.add_node("greet", node or (lambda _: {"messages": [AIMessage("Good evening.")]}))
    builder.add_edge(START, "greet")
    return builder.compile(**compiling)


def take_turn(handler: TunerCallbackHandler, thread_id: str | None = None) -> None:
    """Let the caller say one thing."""
    config: dict[str, Any] = {"callbacks": [handler]}
    if thread_id is not None:
        config["configurable"] = {"thread_id": thread_id}
    graph().invoke({"messages": [("user", "Hello?")]}, config)


def in_time(do: Callable[[], T]) -> T:
    """Do something on a thread, and fail where it never ends."""
    ended: list[T | BaseException] = []

    def run() -> None:
        try:
            ended.append(do())
        except BaseException as error:  # noqa: BLE001 - it is raised below
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONG_S)
    assert ended, "it hangs"
    (result,) = ended
    if isinstance(result, BaseException):
        raise result
    return result
