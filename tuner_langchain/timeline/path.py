"""The way through the graph as one line: `triage -> booking | triage -> goodbye`. Pure.

Read from left to right: `->` is the next step, `+` joins nodes that ran in the same step (in name order,
because which of them starts first is chance), and `|` begins the next turn. A retried node is written once.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuner_langchain.timeline.parts import NodeVisit

TURN, STEP, TOGETHER = " | ", " -> ", "+"


class GraphPath(str):
    """What `Timeline.path` returns: a string that knows its steps, for the message when two differ."""

    __slots__ = ("steps",)
    steps: Sequence[Sequence[NodeVisit]]


def graph_path(visits: Sequence[NodeVisit], graph: str) -> GraphPath:
    """Return the path through the graph whose own path is `graph`: "" for the outermost."""
    steps = _steps(visits, graph)
    turns = [STEP.join(map(_step_text, turn)) for _, turn in groupby(steps, key=lambda step: step[0].turn)]
    path = GraphPath(TURN.join(turns))
    path.steps = steps
    return path


def _steps(visits: Iterable[NodeVisit], graph: str) -> list[list[NodeVisit]]:
    """Return the visits of a graph, those of one step together."""
    steps: list[list[NodeVisit]] = []
    last: object = None
    around: object = None
    for visit in visits:
        if graph and visit.name == graph:
            around = (visit.turn, visit.step)  # a new run of the nested graph counts its steps anew
        if visit.graph != graph or visit.attempt > 1:
            continue
        step = (visit.turn, visit.step, around)
        if visit.step is None or step != last:
            steps.append([])
        steps[-1].append(visit)
        last = step
    return [sorted(step, key=lambda visit: visit.name) for step in steps]


def _step_text(step: Sequence[NodeVisit]) -> str:
    return TOGETHER.join(visit.name[len(visit.graph) + 1 :] if visit.graph else visit.name for visit in step)
