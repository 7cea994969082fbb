"""What was seen of one call: the tree of its runs, as LangChain's callbacks told it.

A run is one pair of callbacks. The handler fills these records while the agent works; `timeline` reads them when
the call is over. They hold the few facts that could change later (stamped, copied or frozen when they passed) and
references to values that cannot, never the message history.

Times are nanoseconds of the handler's clock. `end_ns` is None while a run is open.
"""

from __future__ import annotations

import threading
from typing import Any, Literal
from uuid import UUID

RunKind = Literal["chain", "model", "tool", "retriever"]


class Failure:
    """One exception, however many runs it went through on its way up; `origin` is the deepest that raised it."""

    __slots__ = ("goto", "interrupts", "kind", "message", "origin", "type")

    def __init__(self, type_: str, kind: str, message: str, origin: Run) -> None:
        self.type = type_
        # "error", "interrupted", "handed_over", "cancelled" or "abandoned" (the consumer stopped reading)
        self.kind = kind
        self.message = message
        self.origin = origin
        self.interrupts: Any = None
        self.goto: Any = None


class Event:
    """A custom event that the program dispatched."""

    __slots__ = ("at_ns", "data", "name")

    def __init__(self, name: str, data: bytes, at_ns: int) -> None:
        self.name = name
        self.data = data
        self.at_ns = at_ns


class Turn:
    """One root run's own facts: one `invoke`, `ainvoke`, `stream`, ... of the program."""

    __slots__ = ("answers", "incoming", "thread_id")

    def __init__(self, thread_id: str | None) -> None:
        self.thread_id = thread_id
        self.incoming: list[Any] = []  # the caller's messages that the turn brought
        self.answers: list[Any] = []  # the agent's messages that the turn added


class Run:
    """What every run has.

    `orphan` marks a run whose parent was never seen: a model with callbacks of its own inside a program without them.
    """

    __slots__ = (
        "child_errors", "end_ns", "events", "failure", "name", "orphan", "parent", "root", "run_id", "start_ns",
        "turn",
    )  # fmt: skip
    kind: RunKind

    def __init__(self, run_id: UUID, parent: Run | None, name: str | None, start_ns: int) -> None:
        self.run_id = run_id
        self.parent = parent
        self.root: Run = self if parent is None else parent.root
        self.name = name
        self.start_ns = start_ns
        self.end_ns: int | None = None
        self.failure: Failure | None = None
        self.events: list[Event] | None = None
        # Exceptions of children, only while this run is open: an exception keeps whole frames alive.
        self.child_errors: list[tuple[BaseException, Failure]] | None = None
        self.orphan = False
        self.turn: Turn | None = None  # on a root run only


class ChainRun(Run):
    """A chain: a graph, a node's execution, a router, a step of an LCEL sequence.

    `is_task` says that the run is one execution of a LangGraph node; `ns`, `step` and `path` are LangGraph's marks
    for it. `input_id` is the identity of the input object (to match a Send), never a reference to it.
    """

    __slots__ = (
        "edges", "hidden", "input_id", "is_task", "node", "ns", "output", "path", "said", "seq", "step",
    )  # fmt: skip
    kind = "chain"

    def __init__(self, run_id: UUID, parent: Run | None, name: str | None, start_ns: int) -> None:
        super().__init__(run_id, parent, name, start_ns)
        self.is_task = False
        self.hidden = False
        self.ns: str | None = None
        self.node: str | None = None
        self.step: int | None = None
        self.path: tuple[Any, ...] = ()
        self.seq = 0  # k of LangGraph's tag seq:step:k, 0 without one
        self.input_id = 0
        self.output: Any = None  # what `langgraph.read_output` kept of it
        self.said: Any = None  # on a task: the messages it added to the conversation
        self.edges: Any = None  # the graph's edges, on the root of a graph where they could be found


class ModelRun(Run):
    """A call of a chat model or a text model."""

    __slots__ = ("first_token_ns", "model", "reply", "streamed")
    kind = "model"

    def __init__(self, run_id: UUID, parent: Run | None, name: str | None, start_ns: int) -> None:
        super().__init__(run_id, parent, name, start_ns)
        self.model: str | None = name
        self.first_token_ns: int | None = None
        self.streamed: list[Any] | None = None
        self.reply: Any = None


class ToolRun(Run):
    """A tool call. `params` and `result` are frozen JSON."""

    __slots__ = ("params", "result", "status", "tool_call_id")
    kind = "tool"

    def __init__(self, run_id: UUID, parent: Run | None, name: str | None, start_ns: int) -> None:
        super().__init__(run_id, parent, name, start_ns)
        self.tool_call_id: str | None = None
        self.params: bytes = b"{}"
        self.result: bytes | None = None
        self.status = "ok"


class RetrieverRun(ToolRun):
    """A retriever call, shown the way tools are."""

    __slots__ = ()
    kind = "retriever"


class CallRecord:
    """The runs of one call in the order of their starts, and which of them are open.

    Callbacks come from several threads at once. Appending to a list and setting a key are atomic; what needs more
    takes `lock`.
    """

    __slots__ = ("late", "lock", "open", "runs", "sealed", "turns")

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.turns: list[Run] = []  # the root runs
        self.open: dict[UUID, Run] = {}
        self.lock = threading.Lock()
        self.sealed = False
        self.late = 0

    def start(self, run: Run) -> None:
        """Take in a run that has just begun."""
        self.open[run.run_id] = run
        self.runs.append(run)

    def clear(self) -> None:
        """Forget everything but that the call is over: what stays of a finalised call."""
        self.runs = []
        self.turns = []
        self.open = {}
