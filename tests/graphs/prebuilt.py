"""LangGraph's ready-made nodes; the first 1.0 warns of itself when it is imported."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from langgraph.prebuilt import InjectedState, ToolNode, create_react_agent, tools_condition

__all__ = ["InjectedState", "ToolNode", "create_react_agent", "tools_condition"]
