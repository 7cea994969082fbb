"""The demonstration call itself: the caller's sentences, one turn of the graph each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner_langchain.demo.restaurant import build_graph
from tuner_langchain.demo.script import CALLER, booking_model, classifier

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.runnables import RunnableConfig


def take_call(handler: BaseCallbackHandler, caller: tuple[str, ...] = CALLER) -> None:
    """Play the call with `handler` listening, streamed as a voice stack would."""
    graph = build_graph(classifier(), booking_model())
    config: RunnableConfig = {"configurable": {"thread_id": "demo"}, "callbacks": [handler]}
    for words in caller:
        for _ in graph.stream({"messages": [("user", words)]}, config, stream_mode="messages"):
            pass  # here a voice stack would speak the tokens
