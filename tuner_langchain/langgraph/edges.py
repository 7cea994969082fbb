"""A compiled graph's edges: the one place that reaches into LangGraph's objects, and it fails softly.

Callbacks never carry the graph, but when a graph's run starts, the frame that runs it is a few levels up the
caller's stack. Only a small digest of the edges is kept, once per graph, for as long as the graph lives.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final, NamedTuple

from langgraph.constants import END, START

# How far up from the callback the frame of `Pregel.stream` may be: LangChain's own frames lie between.
_FARTHEST: Final = 7
_RUNS: Final = frozenset({"stream", "astream"})


class Branch(NamedTuple):
    """One router of a node. `ends` maps the labels it may return to nodes; None where any node may follow."""

    name: str
    ends: Mapping[Any, str] | None


class Edges(NamedTuple):
    """What a graph says about where its nodes come from."""

    out: Mapping[str, tuple[str, ...]]  # static edges, by source
    into: Mapping[str, tuple[str, ...]]  # the same, by target
    joins: Mapping[str, tuple[int, ...]]  # by each start: indices into `barriers`
    barriers: tuple[tuple[frozenset[str], str], ...]
    routers: Mapping[str, Mapping[int, Branch]]  # by node: the router that runs as seq:step:k, by k
    deferred: frozenset[str]
    tools: Mapping[str, frozenset[str]]  # by node that runs tools: the tools it knows
    remote: tuple[str, ...] = ()  # nodes that are graphs on a server, which sends no callbacks


_known: weakref.WeakKeyDictionary[Any, Edges] = weakref.WeakKeyDictionary()


def edges_on_stack() -> Edges | None:
    """Return the edges of the graph whose run is just starting on this stack, None when there is none to see.

    To be called by the callback itself: the frames are counted from there.
    """
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_FARTHEST):
        frame = frame.f_back if frame is not None else None
        if frame is None:
            return None
        if frame.f_code.co_name in _RUNS and frame.f_globals.get("__name__", "").startswith(
            "langgraph.pregel"
        ):
            found = frame.f_locals
            # A graph that has its run manager already is around this run, not its own.
            return edges_of(found.get("self")) if found.get("run_manager") is None else None
    return None


def edges_of(graph: Any) -> Edges | None:
    """Return a compiled graph's edges, None for one that has none (the functional API) or that cannot be read."""
    try:
        found = _known.get(graph)
        if found is None:
            found = _known[graph] = _digest(graph)
    except Exception:  # noqa: BLE001 - LangGraph's internals may change; callbacks alone still tell the most
        return None
    return found


def edges_by_path(graph: Any) -> dict[str, Edges]:
    """Return the edges of a graph and of its subgraphs, by their paths (`""` for the graph itself)."""
    found = {"": edges_of(graph)}
    try:
        for path, subgraph in graph.get_subgraphs(recurse=True):
            found[path.replace("|", ":")] = edges_of(subgraph)
    except Exception:  # noqa: BLE001, S110 - the graph is the user's; what could be read of it is enough
        pass
    return {path: edges for path, edges in found.items() if edges is not None}


def _digest(graph: Any) -> Edges:
    builder = graph.builder
    out: dict[str, list[str]] = {}
    into: dict[str, list[str]] = {}
    for start, end in sorted(builder.edges):
        if end != END:
            out.setdefault(start, []).append(end)
            into.setdefault(end, []).append(start)
    barriers = tuple((frozenset(starts), end) for starts, end in sorted(builder.waiting_edges) if end != END)
    joins: dict[str, list[int]] = {}
    for index, (starts, _) in enumerate(barriers):
        for start in starts:
            joins.setdefault(start, []).append(index)
    return Edges(
        out={start: tuple(ends) for start, ends in out.items()},
        into={end: tuple(starts) for end, starts in into.items()},
        joins={start: tuple(indices) for start, indices in joins.items()},
        barriers=barriers,
        routers={node: _routers(graph, node) for node, specs in builder.branches.items() if specs},
        deferred=frozenset(name for name, node in builder.nodes.items() if getattr(node, "defer", False)),
        tools={
            name: frozenset(known) for name, node in builder.nodes.items() if (known := _tools(node.runnable))
        },
        remote=tuple(sorted(name for name, node in builder.nodes.items() if _is_remote(node.runnable))),
    )


def _is_remote(runnable: Any) -> bool:
    return type(runnable).__name__ == "RemoteGraph"


def _routers(graph: Any, node: str) -> dict[int, Branch]:
    """Return a node's routers by their place in the sequence that LangGraph makes of node, writes and routers."""
    writers = graph.nodes[node].flat_writers
    places = [place for place, writer in enumerate(writers, 1) if type(writer).__name__ != "ChannelWrite"]
    first = 0 if node == START else len(getattr(graph.nodes[node].bound, "steps", (None,)))
    specs = graph.builder.branches[node].items()
    return {first + place: Branch(name, spec.ends) for place, (name, spec) in zip(places, specs, strict=True)}


def _tools(runnable: Any) -> Mapping[str, Any]:
    known = getattr(runnable, "tools_by_name", None)
    return known if isinstance(known, Mapping) else {}
