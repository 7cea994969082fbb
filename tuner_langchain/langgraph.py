"""LangGraph's marks, read: which run is a node's execution, what it returned, how it ended. Pure.

Nothing here depends on a node's name. LangGraph writes its marks into the metadata and tags of runs; what it
returns for routing (`Command`, `Send`) is recognised by LangGraph's own types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from langgraph.types import Command, Send

from tuner_langchain.runs import ChainRun


class Goto(NamedTuple):
    """One destination that a command or a router named; `arg_id` is the identity of a Send's argument."""

    node: str
    arg_id: int | None


class Returned(NamedTuple):
    """What a node returned for routing: the destinations of its commands, in order."""

    gotos: tuple[Goto, ...]


def mark(run: ChainRun, tags: Sequence[str] | None, metadata: Mapping[str, Any] | None) -> None:
    """Copy LangGraph's marks onto a run that starts; the mappings are live and must not be kept."""
    for tag in tags or ():
        if tag.startswith("seq:step:"):
            run.seq = int(tag[9:])
        elif tag == "langsmith:hidden":
            run.hidden = True
    if not metadata or "langgraph_node" not in metadata:
        return
    run.ns = metadata.get("langgraph_checkpoint_ns")
    run.node = metadata["langgraph_node"]
    run.step = metadata.get("langgraph_step")
    run.path = tuple(metadata.get("langgraph_path") or ())
    parent_ns = run.parent.ns if isinstance(run.parent, ChainRun) else None
    run.is_task = run.name == run.node and run.ns != parent_ns and f"graph:step:{run.step}" in (tags or ())


def gotos(value: Any) -> tuple[Goto, ...]:
    """Return where a Command's `goto` or a router's answer leads: names and Sends, alone or in a list."""
    if isinstance(value, str):
        return (Goto(value, None),)
    if isinstance(value, Send):
        return (Goto(value.node, id(value.arg)),)
    if isinstance(value, list | tuple):
        return tuple(found for item in value for found in gotos(item))
    return ()


def read_returned(outputs: Any) -> Returned | None:
    """Return what a node's output says about where to go next, None for an ordinary update."""
    commands = outputs if isinstance(outputs, list | tuple) else (outputs,)
    found = [command for command in commands if isinstance(command, Command) and command.graph is None]
    if not found:
        return None
    return Returned(tuple(goto for command in found for goto in gotos(command.goto)))


def failure_kind(error: BaseException) -> str:
    """Return how a run ended that LangChain reports as an error; by class name, as LangGraph moved its classes."""
    for cls in type(error).__mro__:
        match cls.__name__:
            case "ParentCommand":
                return "handed_over"
            case "GraphInterrupt" | "NodeInterrupt" | "GraphDrained":
                return "interrupted"
            case "CancelledError":
                return "cancelled"
            case "GeneratorExit":
                return "abandoned"
    return "error"
