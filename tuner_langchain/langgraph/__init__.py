"""LangGraph's marks and graphs, read: which run is a node, where it could come from, how it ended. Pure.

`marks` reads what LangGraph writes into the tags and metadata of runs, `returned` what nodes and routers answer for
routing, `failures` the exceptions that LangGraph uses for control, `edges` the compiled graph. Nothing here depends
on a node's name.
"""

from __future__ import annotations

from langgraph.constants import START

from tuner_langchain.langgraph.edges import Branch, Edges, edges_by_path, edges_on_stack
from tuner_langchain.langgraph.failures import failure_kind, handover, interrupt_values
from tuner_langchain.langgraph.marks import PUSH, RESUME, mark
from tuner_langchain.langgraph.returned import (
    Goto,
    hands_over,
    read_command,
    read_given,
    read_returned,
    read_route,
)

__all__ = [
    "PUSH",
    "RESUME",
    "START",
    "Branch",
    "Edges",
    "Goto",
    "edges_by_path",
    "edges_on_stack",
    "failure_kind",
    "handover",
    "hands_over",
    "interrupt_values",
    "mark",
    "read_command",
    "read_given",
    "read_returned",
    "read_route",
]
