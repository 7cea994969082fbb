"""Where the nodes of one superstep lead: to which nodes, by what, and with which Sends. Pure."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tuner_langchain.langgraph import START, Branch, Edges, Goto
from tuner_langchain.runs import ChainRun, ToolRun

if TYPE_CHECKING:
    from tuner_langchain.timeline.sources import GraphRun

Kind = Literal[
    "entry", "edge", "join", "router", "send", "command", "parent_command", "error_handler", "resume", "retry",
    "call", "unknown",
]  # fmt: skip

# What LangGraph itself calls a router without a name.
_UNNAMED: Final = "condition"
_CLASSES: Final = frozenset({None, "RunnableCallable", "RunnableLambda", "RunnableSequence"})


class Source(NamedTuple):
    """One reason why a node ran: the path of the node it came from, and what led from there.

    `name` and `value` are a router's name and what it returned, the router of a Send, or the tool that handed over.
    """

    came_from: str
    kind: Kind
    name: str | None = None
    value: Any = None


class Sent(NamedTuple):
    """One Send: the node it goes to, and the identity of its argument."""

    to: Any
    arg_id: int | None
    source: Source


class Arrivals:
    """What leads to the nodes of one superstep. `edges` is None where the graph is not known."""

    __slots__ = ("_by_arg", "_unread", "edges", "left", "names", "sends")

    def __init__(self, edges: Edges | None) -> None:
        self.edges = edges
        self.names: defaultdict[Any, list[Source]] = defaultdict(list)
        self.sends: list[Sent] = []
        self.left: list[str] = []  # the paths of the nodes that were left
        self._unread: list[tuple[str, Branch]] = []  # routers that ran unseen
        self._by_arg: dict[tuple[Any, int | None], list[Sent]] | None = None

    def go(self, gotos: Iterable[Goto], source: Source, ends: Mapping[Any, str] | None = None) -> None:
        """Take in destinations that a command or a router named; `ends` maps a router's labels to nodes."""
        for goto in gotos:
            if goto.arg_id is not None:
                self.sends.append(Sent(goto.to, goto.arg_id, source._replace(kind="send")))
            elif source.kind == "router":
                self.names[_target(goto.to, ends)].append(source._replace(value=_shown(goto.to)))
            else:
                self.names[goto.to].append(source)

    def go_unseen(self, path: str, branch: Branch) -> None:
        """Take in a router that no callback told of."""
        self._unread.append((path, branch))

    def join(self, task: ChainRun, path: str, graph: GraphRun) -> None:
        """Take in that one of the nodes that a join waits for has closed."""
        if self.edges is None:
            return
        for index in self.edges.joins.get(str(task.name), ()):
            starts, end = self.edges.barriers[index]
            arrived = graph.barriers.setdefault(index, set())
            arrived.add(path)
            if len(arrived) == len(starts):
                self.names[end] += [Source(start, "join") for start in sorted(arrived)]
                arrived.clear()

    def defer(self, waiting: dict[str, list[Source]]) -> None:
        """Keep what leads to deferred nodes until they run."""
        for name in self.edges.deferred if self.edges is not None else ():
            if name in self.names:
                waiting.setdefault(name, []).extend(self.names[name])

    def at(self, name: str) -> Sequence[Source]:
        """Return what leads to a node, as far as it was seen."""
        return self.names.get(name, ())

    def sent(self, task: ChainRun) -> Sequence[Source]:
        """Return the Send that a node's execution was made for."""
        index = task.path[1] if len(task.path) > 1 and isinstance(task.path[1], int) else -1
        at_place = self.sends[index] if 0 <= index < len(self.sends) else None
        if at_place is not None and at_place.to == task.name and at_place.arg_id == task.input_id:
            return (at_place.source,)
        by_arg = self._sends_by_arg().get((task.name, task.input_id))
        if by_arg:
            return (by_arg.pop(0).source,)
        if at_place is not None and at_place.to == task.name:
            return (at_place.source,)
        unread = list(
            dict.fromkeys(Source(path, "send", branch.name) for path, branch in self._leading_to(task.name))
        )
        if not unread and len(self.left) == 1:
            unread = [Source(self.left[0], "send")]
        return unread if len(unread) == 1 else self._unknown()

    def unseen(self, name: str, inside: str) -> Sequence[Source]:
        """Return the one way to a node that is left when nothing seen leads there, or that it is unknown."""
        unread = list(
            dict.fromkeys(
                Source(path, "router", branch.name, _shown(_label(name, branch)))
                for path, branch in self._leading_to(name)
            )
        )
        if len(unread) == 1:
            return unread
        if not unread and self.edges is not None:  # a node before it ran unseen: its result was cached
            found = _ways(self.edges, name, inside)
            if len(found) == 1:
                return found[0]
        return self._unknown()

    def _leading_to(self, name: str | None) -> list[tuple[str, Branch]]:
        return [
            (path, branch)
            for path, branch in self._unread
            if branch.ends is None or name in branch.ends.values()
        ]

    def _unknown(self) -> Sequence[Source]:
        return [Source(path, "unknown") for path in self.left] or [Source(START, "unknown")]

    def _sends_by_arg(self) -> dict[tuple[Any, int | None], list[Sent]]:
        if self._by_arg is None:
            self._by_arg = {}
            for sent in self.sends:
                self._by_arg.setdefault((sent.to, sent.arg_id), []).append(sent)
        return self._by_arg


class Departures:
    """Reads what nodes did when they were left: their commands, their routers, their tools that handed over."""

    def __init__(self) -> None:
        self._routers: dict[ChainRun, list[ChainRun]] = {}
        self._handoffs: dict[ChainRun, list[ToolRun]] = {}

    def note_router(self, run: ChainRun) -> None:
        """Take note of a run that may be a router: of its parent, or of a node that a command left before."""
        around = run.routes_for or run.parent
        if (
            isinstance(around, ChainRun)
            and (run.seq > 1 or run.routes_for is not None or around.is_start)
            and (around.is_task or around.is_start)
        ):
            self._routers.setdefault(around, []).append(run)

    def keep(self, tasks: Container[ChainRun]) -> None:
        """Let go of what was noted of other nodes than these."""
        self._routers = {task: runs for task, runs in self._routers.items() if task in tasks}
        self._handoffs = {task: tools for task, tools in self._handoffs.items() if task in tasks}

    def note_handoff(self, task: ChainRun, tool: ToolRun) -> None:
        """Take note of a tool that returned a command."""
        self._handoffs.setdefault(task, []).append(tool)

    def from_start(self, start: ChainRun | None, found: Arrivals) -> None:
        """Take in where a graph is entered."""
        if start is not None:
            self._route(start, START, START, found)
        for end in found.edges.out.get(START, ()) if found.edges is not None else ():
            found.names[end].append(Source(START, "entry"))

    def leave(self, task: ChainRun, path: str, found: Arrivals) -> None:
        """Take in where a node leads that has closed."""
        name = str(task.name)
        found.left.append(path)
        if task.output or task.failure is not None:
            self._command(task, path, found)
        self._route(task, name, path, found)
        for end in found.edges.out.get(name, ()) if found.edges is not None else ():
            found.names[end].append(Source(path, "edge"))

    def _command(self, task: ChainRun, path: str, found: Arrivals) -> None:
        failure = task.failure
        if failure is None:
            for goto in task.output:
                found.go((goto,), Source(path, "command", self._handed_by(task, goto)))
        elif failure.goto:
            origin = (
                failure.origin if isinstance(failure.origin, ChainRun) and failure.origin.is_task else None
            )
            by = origin or failure.origin.task
            for goto in failure.goto:
                found.go((goto,), Source(path, "parent_command", self._handed_by(by, goto)))

    def _handed_by(self, task: ChainRun | None, goto: Goto) -> str | None:
        """Return the name of the tool whose command led to a node."""
        for tool in self._handoffs.get(task, ()) if task is not None else ():
            if any(given.to == goto.to for given in tool.goto):
                return tool.name
        return None

    def _route(self, task: ChainRun, name: str, path: str, found: Arrivals) -> None:
        runs = self._routers.get(task, ())
        if found.edges is None:
            for run in _after_the_gap(runs) if runs else ():
                found.go(run.output, Source(path, "router", _name(run)))
            return
        branches = found.edges.routers.get(name)
        if not branches:
            return
        seen: dict[int, ChainRun] = {}
        if runs:
            late = [run for run in runs if run.routes_for is not None]
            seen.update(zip(branches, late, strict=False))
            seen.update((run.seq, run) for run in runs if run.seq in branches and run.output)
        for place, branch in branches.items():
            if place in seen:
                found.go(seen[place].output, Source(path, "router", branch.name), branch.ends)
            else:
                found.go_unseen(path, branch)


def _after_the_gap(runs: Sequence[ChainRun]) -> list[ChainRun]:
    """Return the routers among a node's steps: what comes after the place of LangGraph's own write."""
    places = {run.seq for run in runs}
    gap = 2
    while gap in places:
        gap += 1
    return [run for run in runs if run.seq > gap or run.routes_for is not None or _is_entry(run)]


def _is_entry(run: ChainRun) -> bool:
    return isinstance(run.parent, ChainRun) and run.parent.is_start


def _name(run: ChainRun) -> str:
    if run.routes_for is not None or run.name in _CLASSES:  # then it has the name of its node, or none
        return _UNNAMED
    return str(run.name)


def _target(label: Any, ends: Mapping[Any, str] | None) -> Any:
    return label if ends is None else ends.get(label, label)


def _shown(label: Any) -> Any:
    return label.value if isinstance(label, enum.Enum) else label


def _label(name: str, branch: Branch) -> Any:
    """Return the one answer by which a router leads to a node; None when there are several or none is known."""
    labels = [label for label, end in (branch.ends or {}).items() if end == name]
    return labels[0] if len(labels) == 1 else None


def _ways(edges: Edges, name: str, inside: str) -> list[list[Source]]:
    """Return every way that leads to a node."""
    ways = [[Source(f"{inside}{start}", "edge")] for start in edges.into.get(name, ()) if start != START]
    ways += [
        [Source(f"{inside}{start}", "join") for start in sorted(starts)]
        for starts, end in edges.barriers
        if end == name
    ]
    ways += [
        [
            Source(
                f"{inside}{node}" if node != START else START,
                "router",
                branch.name,
                _shown(_label(name, branch)),
            )
        ]
        for node, branches in edges.routers.items()
        for branch in branches.values()
        if branch.ends is not None and name in branch.ends.values()
    ]
    return ways
