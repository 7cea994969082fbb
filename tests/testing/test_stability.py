"""Two runs that did the same have the same path and outline, whatever the threads did."""

from __future__ import annotations

import random
import time
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Send
from scripted import ScriptedModel, calls

from tuner_langchain.testing import record

ASKED = calls(*({"name": "look", "args": {"n": n}, "id": f"call_{n}"} for n in range(4)))


@tool
def look(n: int) -> int:
    """Look something up; it takes as long as it takes."""
    time.sleep(random.random() / 500)
    return n * n


def parallel_program() -> Any:
    """Parallel nodes, an agent in a node, four tools at once in a ToolNode and in an agent, a map-reduce."""
    agent = create_agent(ScriptedModel(ASKED, "Sixteen at most."), [look])
    graph: Any = StateGraph(MessagesState)
    graph.add_node("plan", lambda state: {"messages": [ASKED.model_copy(deep=True)]})
    graph.add_node("tools", ToolNode([look]))
    graph.add_node("agent", agent)
    graph.add_node(
        "work", lambda state: {"messages": [AIMessage(f"worker says {look.invoke({'n': state['n']})}")]}
    )
    graph.add_node("sum", lambda state: {"messages": [AIMessage("Done.")]})
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "tools")
    graph.add_edge("plan", "agent")
    graph.add_conditional_edges("plan", lambda state: [Send("work", {"n": n}) for n in range(3)], ["work"])
    for node in ("tools", "agent", "work"):
        graph.add_edge(node, "sum")
    return graph.compile()


def test_the_same_program_has_the_same_outline() -> None:
    """Twenty runs with tools of random length: one path, one outline."""
    paths, outlines = set(), set()
    for _ in range(20):
        call = record()
        parallel_program().invoke({"messages": [("user", "Look around")]}, {"callbacks": [call]})
        paths.add(str(call.timeline.path()))
        outlines.add(str(call.timeline.outline()))

    assert len(paths) == 1, paths
    assert len(outlines) == 1, "\n\n".join(sorted(outlines)[:2])
