"""The path through the graph: which nodes the call visited, and by which transitions, why and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner_langchain.view.nouns import Bar, Place, Transition
from tuner_langchain.view.reading import items, mapping, words

Row = Mapping[str, Any]
PSEUDO = {"__start__": "start", "__resume__": "resume", "unknown": "unknown"}
_SILENT_KINDS = frozenset({"edge", "entry", ""})


def read_transitions(document: Row) -> list[Transition]:
    """Return the transitions the call took, in order of first use, equal ones counted."""
    taken: dict[tuple[str, str, str], Transition] = {}
    for row in items(document.get("transcript_with_tool_calls")):
        if isinstance(row, Mapping) and row.get("role") == "node_transition":
            for way in _ways(row):
                taken.setdefault(way, Transition(*way)).count += 1
    return list(taken.values())


def _ways(row: Row) -> Iterable[tuple[str, str, str]]:
    node, metadata = mapping(row.get("node")), mapping(row.get("metadata"))
    target = words(node.get("to")) or words(row.get("text")) or "unnamed node"
    graph = metadata.get("graph")
    graph = graph if isinstance(graph, str) else target.rpartition(":")[0]
    sources = [mapping(source) for source in items(metadata.get("sources"))]
    if len(sources) < 2:
        yield _entered(words(node.get("from")) or "unknown", graph), target, words(node.get("reason"))
        return
    for source in sources:
        yield _entered(words(source.get("from")) or "unknown", graph), target, source_reason(source)


def source_reason(source: Row) -> str:
    """Return the reason of one of several sources, as short as the reason of a single one."""
    kind, name, value = (words(source.get(key)) for key in ("kind", "name", "value"))
    if name:
        return f"{name}: {value}" if value else name
    return "" if kind in _SILENT_KINDS else kind.replace("_", " ")


def _entered(source: str, graph: str) -> str:
    """Return where a transition comes from; a nested graph is entered from the node that holds it."""
    own = source.rpartition(":")[2]
    return graph if graph and own == "__start__" else source


def lay_places(bars: Sequence[Bar], transitions: Iterable[Transition]) -> list[Place]:
    """Return the nodes in the order first visited, those of a nested graph below the node that holds it."""
    places: dict[str, Place] = {}
    for bar in bars:
        if bar.kind == "node":
            place = places.setdefault(bar.name, Place(bar.name, bar.name.rpartition(":")[2], 0))
            place.visits += 1
            place.total_ms += bar.duration_ms
            place.errors += bar.failed
            place.bars.append(bar.index)
    return list(_in_order(_with_pseudo(places, transitions)))


def _with_pseudo(places: Mapping[str, Place], transitions: Iterable[Transition]) -> dict[str, Place]:
    """Return the places and, each before the first node it led to, the sources that are no nodes."""
    before: dict[str, list[str]] = {}
    for way in transitions:
        if way.source not in places:
            # Beside a nested graph, not inside it, unless it is the nested graph's own.
            target = way.target if ":" in way.source else way.target.partition(":")[0]
            before.setdefault(target if target in places else way.target, []).append(way.source)
    ordered: dict[str, Place] = {}
    for key, place in places.items():
        for source in before.get(key, ()):
            label = PSEUDO.get(source.rpartition(":")[2], source)
            ordered.setdefault(source, Place(source, label, 0, pseudo=True))
        ordered[key] = place
    return ordered


def _in_order(places: dict[str, Place]) -> Iterable[Place]:
    inside: dict[str, list[Place]] = {}
    for key, place in places.items():
        graph = key.rpartition(":")[0]
        while graph and graph not in places:
            graph = graph.rpartition(":")[0]
        place.label = key[len(graph) + 1 :] if graph else (place.label if place.pseudo else key)
        inside.setdefault(graph, []).append(place)
    stack = [(place, 0) for place in reversed(inside.get("", []))]
    while stack:
        place, depth = stack.pop()
        place.depth = depth
        yield place
        stack += [(part, depth + 1) for part in reversed(inside.get(place.key, []))]
