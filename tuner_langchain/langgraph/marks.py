"""Which runs are executions of nodes, by the marks that LangGraph writes into tags and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from langgraph.constants import START

if TYPE_CHECKING:
    from tuner_langchain.runs import ChainRun

# Where a run of a graph goes on that was paused; named the way LangGraph names its own ends.
RESUME: Final = "__resume__"
# The first item of a task's path when a Send made it.
PUSH: Final = "__pregel_push"

_STEP: Final = "graph:step:"
_SEQUENCE: Final = "seq:step:"


def mark(run: ChainRun, tags: Sequence[str] | None, metadata: Mapping[str, Any] | None) -> None:
    """Copy LangGraph's marks onto a run that starts; the mappings are live and must not be kept.

    A run is one execution of a node when it carries LangGraph's tag for its superstep (which, unlike the metadata,
    nothing below inherits) and has a checkpoint namespace of its own. `@task` functions have no such tag; their
    path tells.
    """
    node = metadata.get("langgraph_node") if metadata else None
    if metadata and type(node) is str and node == run.name:
        ns, around = metadata.get("langgraph_checkpoint_ns"), run.task
        if (
            ns
            and type(ns) is str
            and (around is None or around.ns != ns)
            and _mark_task(run, ns, tags or (), metadata)
        ):
            return
    for tag in tags or ():
        if tag.startswith(_SEQUENCE):
            run.seq = _number(tag[len(_SEQUENCE) :])
            break  # a user's tags may look alike; they come after LangGraph's own


def _mark_task(run: ChainRun, ns: str, tags: Sequence[str], metadata: Mapping[str, Any]) -> bool:
    """Mark a run that is one execution of a node; False when its tag and path say that it is none."""
    step = metadata.get("langgraph_step")
    if not isinstance(step, int):
        return False
    path: tuple[Any, ...] = metadata.get("langgraph_path") or ()
    if type(path) is not tuple:
        path = tuple(path)
    is_call = len(path) == 4 and path[-1] is True
    if not is_call and f"{_STEP}{step}" not in tags:
        return False
    run.ns, run.path, run.step, run.is_call = ns, path, step, is_call
    if run.name == START and "langsmith:hidden" in tags:
        run.is_start = True
        return False  # its children are the entry's routers
    # What LangGraph runs under the name of a node that a command already left are that node's routers.
    left = run.parent.left if run.parent is not None else None
    run.routes_for = left.get(ns) if left else None
    run.is_task = run.routes_for is None
    return run.is_task


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
