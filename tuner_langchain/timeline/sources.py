"""Where each execution of a node came from, and why. Pure.

The runs of a call are read in the order of their starts. LangGraph works in supersteps, so a node's sources are
among the nodes of the step before it: commands, routers, Sends, static edges and joins. All that match count, since
one node may be reached in several ways at once. The graph's edges tell most; without them only what nodes and
routers returned is sure, and the rest is `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tuner_langchain.langgraph import PUSH, RESUME, START, Edges
from tuner_langchain.runs import ChainRun, Run, ToolRun
from tuner_langchain.timeline.arrivals import Arrivals, Departures, Source
from tuner_langchain.timeline.status import in_entry, is_done
from tuner_langchain.timeline.threads import Thread, thread_of

_HANDLER: Final = "node_error_handler"


class Visit(NamedTuple):
    """One execution of a node: its path, the graph's path, which attempt it is, and where it came from."""

    path: str
    graph: str
    attempt: int
    sources: tuple[Source, ...]


class GraphRun:
    """One run of one graph: what its nodes did so far, step by step."""

    __slots__ = (
        "arrivals", "attempts", "barriers", "continues", "edges", "first_step", "graph", "number", "start", "step",
        "steps", "waiting",
    )  # fmt: skip

    def __init__(self, number: int, graph: str, edges: Edges | None, first_step: int) -> None:
        self.number = number
        self.graph = graph
        self.edges = edges
        self.first_step = first_step
        self.continues = False  # whether it goes on from where an earlier run was paused
        self.start: ChainRun | None = None  # LangGraph's virtual entry, where it ran visibly
        self.attempts: dict[str, int] = {}  # by namespace
        self.steps: dict[int, list[ChainRun]] = {}
        self.step: int | None = None  # the one that `arrivals` are for
        self.arrivals = Arrivals(None)
        self.barriers: dict[int, set[str]] = {}  # joins that are not complete: who arrived
        self.waiting: dict[str, list[Source]] = {}  # deferred nodes: who leads there so far

    def follow(self, earlier: GraphRun, *, continues: bool) -> None:
        """Take over what an earlier run of the same graph on the same thread left behind."""
        self.continues = continues
        if continues:
            self.steps = earlier.steps
            for step in [step for step in self.steps if step > self.first_step]:
                del self.steps[step]  # a replay from an old checkpoint runs these anew
        if continues or self.first_step > 1:  # without a checkpointer every run begins at its first step
            self.barriers, self.waiting = earlier.barriers, earlier.waiting


class Routes:
    """Reads the runs of one call, in the order of their starts, and says where each node came from."""

    def __init__(self, edges: Mapping[str, Edges]) -> None:
        self._edges = edges  # by graph path, where the program gave its graph
        self._graphs: dict[Run, GraphRun] = {}
        self._starts: dict[Run | None, ChainRun] = {}
        self._latest: dict[tuple[Thread, str], GraphRun] = {}
        self._graph_runs = 0
        # By namespace: the number of the graph's run, or the root of a call's.
        self._where: dict[str, int | Run] = {}
        self._calls: dict[str, int] = {}
        self.visits: dict[ChainRun, Visit] = {}
        self._departures = Departures()

    def note(self, run: Run) -> None:
        """Take note of a run that is no node: a router, a tool that hands over, the virtual entry."""
        if isinstance(run, ChainRun):
            if run.is_start:
                self._starts[run.parent] = run
            else:
                self._departures.note_router(run)
        elif isinstance(run, ToolRun) and run.goto and run.task is not None:
            self._departures.note_handoff(run.task, run)

    def visit(self, task: ChainRun) -> Visit:
        """Return where a node's execution came from."""
        visit = self._call(task) if task.is_call else self._node(task)
        self.visits[task] = visit
        return visit

    def forget(self) -> None:
        """Let go of what no later run comes back to: only the latest run of a thread's graph may be gone on with."""
        kept = {task for graph in self._latest.values() for tasks in graph.steps.values() for task in tasks}
        self.visits = {task: visit for task, visit in self.visits.items() if task in kept}
        self._departures.keep(kept)
        self._graphs.clear()
        self._starts.clear()

    def edges_around(self, task: ChainRun) -> Edges | None:
        """Return the edges of the graph that a node ran in."""
        graph = self._graphs.get(task.parent or task)
        return graph.edges if graph is not None else None

    def _node(self, task: ChainRun) -> Visit:
        graph = self._graph_of(task)
        ns, name = task.ns or "", str(task.name)
        path = f"{graph.graph}:{name}" if graph.graph else name
        attempt = graph.attempts[ns] = graph.attempts.get(ns, 0) + 1
        step = task.step or 0
        if graph.step != step:
            graph.step = step
            graph.arrivals = self._arrivals(graph, step)
        sources: Iterable[Source] = (Source(path, "retry"),) if attempt > 1 else self._sources(task, graph)
        self._where[ns] = graph.number
        graph.steps.setdefault(step, []).append(task)
        told = tuple(sources)
        return Visit(path, graph.graph, attempt, told if len(told) == 1 else tuple(dict.fromkeys(told)))

    def _call(self, task: ChainRun) -> Visit:
        """Return a visit of a `@task` function: the node or task around it called it."""
        around = self.visits.get(task.task) if task.task is not None else None
        graph, ns = around.graph if around is not None else "", task.ns or ""
        path = f"{graph}:{task.name}" if graph else str(task.name)
        if self._where.get(ns, task.root) is not task.root:
            self._calls[ns] = 0
            source = Source(RESUME, "resume")
        elif self._calls.get(ns):
            source = Source(path, "retry")
        else:
            source = Source(around.path if around is not None else START, "call")
        self._where[ns] = task.root
        self._calls[ns] = self._calls.get(ns, 0) + 1
        return Visit(path, graph, self._calls[ns], (source,))

    def _graph_of(self, task: ChainRun) -> GraphRun:
        root = task.parent or task
        graph = self._graphs.get(root)
        if graph is None:
            graph = self._graphs[root] = self._new_graph(task, root)
        return graph

    def _new_graph(self, task: ChainRun, root: Run) -> GraphRun:
        around = self.visits.get(root.task) if root.task is not None else None
        path = around.path if around is not None else ""
        if in_entry(root):
            path = f"{path}:{START}" if path else START
        edges = root.edges if isinstance(root, ChainRun) else None
        self._graph_runs += 1
        graph = GraphRun(self._graph_runs, path, edges or self._edges.get(path), task.step or 0)
        graph.start = self._starts.get(root)
        thread = thread_of(root.root)
        if thread is not None:
            key = (thread, (task.ns or "").rpartition("|")[0])
            earlier = self._latest.get(key)
            given = isinstance(root, ChainRun) and root.given is not None
            resumed = around is not None and any(source.kind == "resume" for source in around.sources)
            if earlier is not None:
                if not (given or resumed) and earlier.step is not None:
                    self._arrivals(earlier, earlier.step + 1)  # its last step may have led to a join
                graph.follow(earlier, continues=given or resumed)
            elif given:
                graph.continues = True
            self._latest[key] = graph
        return graph

    def _arrivals(self, graph: GraphRun, step: int) -> Arrivals:
        """Return where the nodes of the step before lead."""
        found = Arrivals(graph.edges)
        if step == graph.first_step and not graph.continues:
            self._departures.from_start(graph.start, found)
        done = [task for task in graph.steps.get(step - 1, ()) if is_done(task)]
        if len(done) > 1:
            done.sort(key=_write_order)
        for task in done:
            path = self.visits[task].path
            self._departures.leave(task, path, found)
            if graph.edges is not None and graph.edges.joins:
                found.join(task, path, graph)
        if graph.edges is not None and graph.edges.deferred:
            found.defer(graph.waiting)
        return found

    def _sources(self, task: ChainRun, graph: GraphRun) -> Iterable[Source]:
        name = str(task.name)
        inside = f"{graph.graph}:" if graph.graph else ""
        found = self._resumed(task, graph)
        if found is not None:
            return (found,)
        if len(task.path) > 2 and task.path[2] == _HANDLER:
            return (Source(f"{inside}{task.path[1]}", "error_handler"),)
        if task.path[:1] == (PUSH,):
            return graph.arrivals.sent(task)
        seen = graph.waiting.pop(name, None) or graph.arrivals.at(name)
        if seen:
            return seen
        if graph.edges is None and task.step == graph.first_step and graph.start is None:
            return (Source(START, "entry"),)
        return graph.arrivals.unseen(name, inside)

    def _resumed(self, task: ChainRun, graph: GraphRun) -> Source | None:
        """Return why a node runs with which a graph goes on that was paused; None for any other node."""
        if self._where.get(task.ns or "", graph.number) != graph.number:
            return Source(RESUME, "resume")
        if not graph.continues or task.step != graph.first_step:
            return None
        given = task.parent.given if isinstance(task.parent, ChainRun) else None
        if any(goto.to == task.name for goto in given or ()):
            return Source(START, "command")
        return Source(RESUME, "resume")


def _write_order(task: ChainRun) -> tuple[str, str]:
    """Return a key that sorts the nodes of a step the way LangGraph applies what they wrote."""
    kind, which = (*task.path[:2], "", "")[:2]
    return str(kind), f"{which:010d}" if isinstance(which, int) else str(which)
