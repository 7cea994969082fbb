"""What lies in what: a node in its graph's node, a tool or model call in the node that made it; and lanes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tuner_langchain.view.nouns import Bar, Kind, Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LANES: tuple[Kind, ...] = ("user", "agent", "node", "tool", "model")


def nest(bars: Sequence[Bar]) -> None:
    """Give every bar its parent, depth and own time: the time it spent in nothing that it contains."""
    nodes: dict[int, list[Bar]] = defaultdict(list)
    for bar in bars:
        if bar.kind == "node":
            nodes[bar.turn].append(bar)
    for bar in bars:
        if bar.kind in ("node", "tool", "model"):
            # A row without a turn of its own may be counted to the turn after the one its node began in.
            around = _container(bar, [*nodes[bar.turn], *nodes[bar.turn - 1]])
            bar.parent = None if around is None else around.index
    _move_into_tools(bars)
    for bar in bars:
        bar.depth = sum(1 for _ in ancestors(bar, bars))
    inside = children(bars)
    for bar in bars:
        bar.self_ms = bar.duration_ms - covered_ms(bar, inside[bar.index])


def ancestors(bar: Bar, bars: Sequence[Bar]) -> Iterable[Bar]:
    """Yield what a bar lies in, the nearest first."""
    while bar.parent is not None:
        bar = bars[bar.parent]
        yield bar


def children(bars: Sequence[Bar]) -> dict[int | None, list[Bar]]:
    """Return the bars by what they lie in, in order of time; None holds the outermost."""
    inside: dict[int | None, list[Bar]] = defaultdict(list)
    for bar in bars:
        inside[bar.parent].append(bar)
    return inside


def covered_ms(bar: Bar, parts: Iterable[Bar]) -> int:
    """Return how much of a bar its parts cover, time that several of them share counted once."""
    covered, reached = 0, bar.start_ms
    for part in parts:
        start, end = max(part.start_ms, reached), min(part.end_ms, bar.end_ms)
        if end > start:
            covered += end - start
            reached = end
    return covered


def _container(bar: Bar, nodes: Sequence[Bar]) -> Bar | None:
    around = [node for node in nodes if _holds(node, bar)]
    if bar.graph is None:
        return _only_innermost(around)
    path = bar.graph
    while path:
        named = [node for node in around if node.name == path]
        if named:  # several, when a node ran several times at once: the shortest says the most
            return min(named, key=lambda node: node.duration_ms)
        path = path.rpartition(":")[0]
    return None


def _holds(outer: Bar, inner: Bar) -> bool:
    # What contains comes first in the order of bars, so that nothing can contain itself.
    return outer.index < inner.index and outer.start_ms <= inner.start_ms <= inner.end_ms <= outer.end_ms


def _move_into_tools(bars: Sequence[Bar]) -> None:
    """Move what ran during one tool call of its node into that call: a graph in a tool, a model in a tool."""
    tools: dict[int, list[Bar]] = defaultdict(list)
    for bar in bars:
        if bar.kind == "tool" and bar.parent is not None:
            tools[bar.parent].append(bar)
    for bar in bars:
        if bar.kind in ("node", "model") and bar.parent is not None:
            around = [
                tool for tool in tools[bar.parent] if _holds(tool, bar) and tool.duration_ms > bar.duration_ms
            ]
            if len(around) == 1:
                bar.parent = around[0].index


def _only_innermost(around: Sequence[Bar]) -> Bar | None:
    """Return the node that a tool call without a node's name must lie in, if time leaves only one."""
    innermost = [node for node in around if not any(other.parent == node.index for other in around)]
    return innermost[0] if len(innermost) == 1 else None


def lay_lanes(bars: Sequence[Bar]) -> list[Lane]:
    """Give every bar a lane free at its time, nodes below what they lie in; return the lanes."""
    lanes: list[Lane] = []
    for kind in _LANES:
        own = [bar for bar in bars if bar.kind == kind]
        rows = _rows_of_nodes(own, bars) if kind == "node" else _packed([(bar, 1) for bar in own])
        for bar in own:
            bar.lane = len(lanes) + rows[bar.index]
        lanes += [Lane(kind, row) for row in range(max(rows.values(), default=-1) + 1)]
    return lanes


def _packed(blocks: Iterable[tuple[Bar, int]]) -> dict[int, int]:
    """Return each block's first row: the lowest with as many free rows as the block is high."""
    free_from: list[int] = []
    rows = {}
    for bar, height in blocks:
        row = _first_gap(free_from, bar.start_ms, height)
        free_from += [0] * (row + height - len(free_from))
        # A bar without length still needs a millimetre, or the next one would hide it.
        free_from[row : row + height] = [max(bar.end_ms, bar.start_ms + 1)] * height
        rows[bar.index] = row
    return rows


def _first_gap(free_from: Sequence[int], start_ms: int, height: int) -> int:
    run = 0
    for row, free in enumerate(free_from):
        run = run + 1 if free <= start_ms else 0
        if run == height:
            return row + 1 - height
    return len(free_from) - run


def _rows_of_nodes(nodes: Sequence[Bar], bars: Sequence[Bar]) -> dict[int, int]:
    around = {node.index: _node_around(node, bars) for node in nodes}
    inside: dict[int | None, list[Bar]] = defaultdict(list)
    for node in nodes:
        inside[around[node.index]].append(node)
    offsets: dict[int, int] = {}
    heights: dict[int | None, int] = {}
    depths: dict[int | None, int] = {None: -1} | {node.index: node.depth for node in nodes}
    # From the deepest up: a block's height is known once its parts are packed.
    parents = sorted(inside, key=depths.__getitem__, reverse=True)
    for parent in parents:
        placed = _packed([(bar, heights.get(bar.index, 0) + 1) for bar in inside[parent]])
        offsets.update(placed)
        heights[parent] = max(placed[bar.index] + heights.get(bar.index, 0) + 1 for bar in inside[parent])
    rows: dict[int, int] = {}
    for node in sorted(nodes, key=lambda bar: bar.depth):
        outer = around[node.index]
        above = -1 if outer is None else rows[outer]
        rows[node.index] = above + 1 + offsets[node.index]
    return rows


def _node_around(node: Bar, bars: Sequence[Bar]) -> int | None:
    return next((outer.index for outer in ancestors(node, bars) if outer.kind == "node"), None)
