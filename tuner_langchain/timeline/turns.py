"""The runs of each turn that matter for what was said, and where they stand in the graph. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tuner_langchain.runs import ChainRun, ModelRun, Run, ToolRun
from tuner_langchain.timeline.nodes import graph_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tuner_langchain.timeline.lines import Line

NEVER: Final = 2**63


class Place(NamedTuple):
    """Where a run stands: its closest node, the outermost node, and whether it is inside a tool."""

    node: ChainRun | None
    outermost: ChainRun | None
    in_tool: bool


OUTSIDE: Final = Place(None, None, in_tool=False)


class TurnRuns:
    """One turn: its root run, its model calls and nodes, and the agent's lines as they are found."""

    def __init__(self, root: Run, number: int) -> None:
        self.root = root
        self.number = number
        self.models: list[ModelRun] = []
        self.tasks: list[ChainRun] = []
        self.places: dict[Run, Place] = {}
        self.lines: list[Line] = []
        self.used: set[ModelRun] = set()

    def outermost(self) -> Iterator[ChainRun]:
        """Yield the nodes of the outermost graph, the first to end first."""
        tasks = [task for task in self.tasks if self.places[task] is OUTSIDE]
        yield from sorted(tasks, key=lambda task: task.end_ns or NEVER)


class Turns:
    """The turns of a call, which runs belong to which, and where in the graph they stand."""

    def __init__(self) -> None:
        self.numbers: dict[Run, int] = {}  # by root run, from 1
        self._told: dict[Run, TurnRuns] = {}
        self._orphans: dict[Run, int] = {}

    def read(self, runs: Iterable[Run]) -> list[TurnRuns]:
        """Take in runs, and return the turns that begin among them."""
        begun: list[TurnRuns] = []
        # A run that begins after the one around it ended has no parent: no earlier stretch is asked for.
        inside: dict[Run | None, Place] = {None: OUTSIDE}
        for run in runs:
            if run.turn is not None:
                begun.append(self._begin(run))
            self._take(run, inside)
        return begun

    def number(self, run: Run) -> int:
        """Return a run's turn; one whose root was never seen belongs to the turn it began in."""
        return self.numbers.get(run.root) or self._orphans[run.root]

    def _begin(self, root: Run) -> TurnRuns:
        number = self.numbers[root] = len(self.numbers) + 1
        turn = self._told[root] = TurnRuns(root, number)
        return turn

    def _take(self, run: Run, inside: dict[Run | None, Place]) -> None:
        place = inside.get(run.parent, OUTSIDE)
        turn = self._told.get(run.root)
        if turn is None:
            self._orphans.setdefault(run.root, max(len(self.numbers), 1))
        if isinstance(run, ChainRun):
            if run.is_task and turn is not None:
                turn.tasks.append(run)
                turn.places[run] = place
            if run.is_task or run.is_start:  # what the routers of a graph's entry call is no node's
                place = Place(run, place.outermost or run, place.in_tool)
        elif isinstance(run, ModelRun):
            if turn is not None:
                turn.models.append(run)
                turn.places[run] = place
        elif isinstance(run, ToolRun):
            place = Place(place.node, place.outermost, in_tool=True)
        inside[run] = place


def is_done(task: Run) -> bool:
    """Return whether a node came to its end, so that what it said joined the conversation."""
    return task.end_ns is not None and (task.failure is None or task.failure.kind == "handed_over")


def is_inside(run: Run, around: Run) -> bool:
    """Return whether a run is, or is part of, another."""
    inside: Run | None = run
    while inside is not None and inside is not around:
        inside = inside.parent
    return inside is not None


def node_path(task: ChainRun) -> str:
    """Return a node's path, as its own row says it."""
    graph = graph_path(task)
    return f"{graph}:{task.name}" if graph else str(task.name)
