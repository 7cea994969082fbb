"""Callbacks as data: recorded from a real program, or made up, and given to a handler in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document

Event = tuple[str, tuple[Any, ...], dict[str, Any]]


class Recorder(BaseCallbackHandler):
    """Keeps every callback as it came."""

    run_inline = True

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def take(*args: Any, **kwargs: Any) -> None:
            # LangChain's mappings are live.
            kept = {
                key: dict(value) if key == "metadata" and value else value for key, value in kwargs.items()
            }
            self.events.append((name, args, kept))

        return take


def give(handler: Any, events: list[Event]) -> None:
    """Give events to a handler."""
    for name, args, kwargs in events:
        getattr(handler, name)(*args, **kwargs)


class Clock:
    """Nanoseconds that go on by one millisecond each time they are read."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        self.now_ns += 1_000_000
        return self.now_ns


class GraphInterrupt(Exception):
    """What LangGraph raises to pause a node."""


class CancelledError(BaseException):
    """What asyncio raises in a task that is cancelled."""


@dataclass
class MadeRun:
    """A run that was made up: what the rows must say of it."""

    kind: str
    run_id: UUID
    parent: MadeRun | None
    name: str = ""
    path: str = ""
    ns: str = ""
    task: MadeRun | None = None
    step: int = 0
    open: bool = True
    children: list[MadeRun] = field(default_factory=list)

    lost: bool = False

    def lose(self) -> None:
        """Forget what is still open below: LangChain never tells its end."""
        for child in self.children:
            child.lost = child.lost or child.open
            child.lose()

    @property
    def busy(self) -> bool:
        return any(child.open for child in self.children)


class MadeUp:
    """Makes callbacks the way LangChain and LangGraph do, and remembers what it made."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.runs: list[MadeRun] = []

    def start(self, kind: str, parent: MadeRun | None, name: str) -> MadeRun:
        run = MadeRun(kind, uuid4(), parent, name)
        if parent is not None:
            run.task = parent if parent.kind == "node" else parent.task
            parent.children.append(run)
        getattr(self, f"_start_{kind}")(run, parent.run_id if parent is not None else None)
        self.runs.append(run)
        return run

    def again(self, run: MadeRun) -> None:
        """Tell the start of a run once more, as to a handler that was passed twice."""
        getattr(self, f"_start_{run.kind}")(run, run.parent.run_id if run.parent is not None else None)

    def end(self, run: MadeRun, error: BaseException | None = None) -> None:
        run.open = False
        kind = {"node": "chain", "graph": "chain"}.get(run.kind, run.kind)
        if error is not None:
            getattr(self.handler, f"on_{kind}_error")(error, run_id=run.run_id)
        elif kind == "retriever":
            self.handler.on_retriever_end([Document("x")], run_id=run.run_id)
        else:
            getattr(self.handler, f"on_{kind}_end")({}, run_id=run.run_id)

    def _inherited(self, run: MadeRun) -> dict[str, Any]:
        task = run.task
        if task is None:
            return {}
        return {"langgraph_node": task.name, "langgraph_step": task.step, "langgraph_checkpoint_ns": task.ns}

    def _start_graph(self, run: MadeRun, parent_run_id: UUID | None) -> None:
        metadata = self._inherited(run)
        self.handler.on_chain_start(
            None,
            {},
            run_id=run.run_id,
            parent_run_id=parent_run_id,
            name="LangGraph",
            tags=[],
            metadata=metadata,
        )

    def _start_node(self, run: MadeRun, parent_run_id: UUID | None) -> None:
        graph = run.parent
        assert graph is not None
        around = graph.task
        run.step = run.step or 1 + sum(child.kind == "node" for child in graph.children if child is not run)
        run.path = f"{around.path}:{run.name}" if around is not None else run.name
        run.ns = f"{around.ns}|{run.name}:{run.run_id}" if around is not None else f"{run.name}:{run.run_id}"
        metadata = {
            "langgraph_node": run.name, "langgraph_step": run.step, "langgraph_checkpoint_ns": run.ns,
            "langgraph_path": ("__pregel_pull", run.name),
        }  # fmt: skip
        self.handler.on_chain_start(
            None, {}, run_id=run.run_id, parent_run_id=parent_run_id, name=run.name, tags=[f"graph:step:{run.step}"],
            metadata=metadata,
        )  # fmt: skip

    def _start_tool(self, run: MadeRun, parent_run_id: UUID | None) -> None:
        self.handler.on_tool_start(
            {"name": run.name}, "{}", run_id=run.run_id, parent_run_id=parent_run_id, inputs={"n": 1},
            tool_call_id=f"call_{run.run_id}", metadata=self._inherited(run),
        )  # fmt: skip

    def _start_retriever(self, run: MadeRun, parent_run_id: UUID | None) -> None:
        self.handler.on_retriever_start(
            None,
            "query",
            run_id=run.run_id,
            parent_run_id=parent_run_id,
            name=run.name,
            metadata=self._inherited(run),
        )
