"""What was seen of one call: the tree of its runs, as LangChain's callbacks told it.

A run is one pair of callbacks. The handler fills these records while the agent works; `timeline` reads them when
the call is over. They hold the few facts that could change later (stamped, copied or frozen when they passed) and
references to values that cannot, never the message history.

Times are nanoseconds of the handler's clock. `end_ns` is None while a run is open.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

from tuner_langchain.messages import NO_IDS, NOTHING, Added, Ids, Incoming, Purpose, Reply

if TYPE_CHECKING:
    from tuner_langchain.segments import Word

RunKind = Literal["chain", "model", "tool", "retriever"]
# "handed_over": left by a command to the parent graph. "abandoned": the consumer stopped reading.
FailureKind = Literal["error", "interrupted", "handed_over", "cancelled", "abandoned"]


class Failure:
    """One exception, however many runs it went through on its way up; `origin` is the deepest that raised it."""

    __slots__ = ("goto", "interrupts", "kind", "message", "origin", "type")

    def __init__(self, type_: str, kind: FailureKind, message: str | None, origin: Run) -> None:
        self.type = type_
        self.kind = kind
        self.message = message  # None where exception texts are not to be sent
        self.origin = origin
        self.interrupts: list[bytes] = []  # what an interrupt asked, frozen
        self.goto: tuple[Any, ...] = ()  # where a command to the parent graph leads


class Event:
    """A custom event that the program dispatched; `run` is the run that sent it, `data` is frozen JSON."""

    __slots__ = ("at_ns", "data", "name", "run")

    def __init__(self, name: str, data: bytes, at_ns: int, run: Run) -> None:
        self.name = name
        self.data = data
        self.at_ns = at_ns
        self.run = run


class Pause:
    """A graph's run that waits for a human, as LangGraph told it: `status` is its own word."""

    __slots__ = ("at_ns", "root", "status")

    def __init__(self, root: Run, status: str, at_ns: int) -> None:
        self.root = root
        self.status = status
        self.at_ns = at_ns


class Refused(NamedTuple):
    """A tool call that a node answered with a failure, whether the tool ran or not."""

    call_id: str
    name: str | None
    error: str | None


class Turn:
    """One root run's own facts: one `invoke`, `ainvoke`, `stream`, ... of the program."""

    __slots__ = ("answers", "incoming", "over", "spoken_text", "thread_id", "words")

    def __init__(self, thread_id: str | None) -> None:
        self.thread_id = thread_id
        self.incoming: Incoming = NOTHING  # what the caller brought
        self.over = False  # its last callback has noted all there is
        self.answers: Added | None = None  # what the turn's outcome says was answered
        self.words: str | None = None  # what the first model was given as the caller's words
        # What the program's own `agent_text` made of the outcome, when it was asked: text, or None for silence.
        self.spoken_text: str | Literal[False] | None = False


class Run:
    """What every run has.

    `task` is the closest execution of a node around the run. The agent waits while a run is made, so a new one
    sets what differs from run to run; all else has its first value from the class.
    """

    kind: RunKind
    is_task = False
    left: dict[str, ChainRun] | None = None
    end_ns: int | None = None
    failure: Failure | None = None
    # Exceptions of children, only while this run is open: an exception keeps whole frames alive.
    child_errors: list[tuple[BaseException, Failure]] | None = None
    turn: Turn | None = None  # on a root run only

    def __init__(self, parent: Run | None, name: str | None, start_ns: int) -> None:
        self.parent = parent
        self.root: Run = self if parent is None else parent.root
        self.task: ChainRun | None = (
            None if parent is None else parent if parent.is_task else parent.task  # type: ignore[assignment]  # only a ChainRun is a task
        )
        self.name = name
        self.start_ns = start_ns


class ChainRun(Run):
    """A chain: a graph, a node's execution, a router, a step of an LCEL sequence.

    `is_task` says that the run is one execution of a LangGraph node; `ns`, `step` and `path` are LangGraph's marks
    for it. `seq` is k of LangGraph's tag `seq:step:k`, 0 without it. `input_id` is the identity of the input object
    (to match a Send), never a reference to it.
    """

    kind = "chain"
    seq = 0
    is_start = False  # LangGraph's virtual entry, under which the entry's routers run
    is_call = False  # a `@task` function of the functional API
    routes_for: ChainRun | None = (
        None  # on a router that runs after a command to the parent: the node it left
    )
    left: dict[str, ChainRun] | None = None  # on a graph: its nodes that such a command left, by ns
    ns: str | None = None
    step: int | None = None
    path: tuple[Any, ...] = ()
    input_id = 0
    output: tuple[Any, ...] = ()  # where its answer leads: `langgraph.Goto`s
    given: tuple[Any, ...] | None = None  # on a graph's run that continues a paused one: where it is sent
    edges: Any = None  # `langgraph.Edges`, on the run of a graph where they could be found
    refused: tuple[Refused, ...] = ()
    input_json: bytes | None = None  # a node's input and update, frozen, where they are to be sent
    output_json: bytes | None = None
    last_input: Ids = NO_IDS  # on a task: of the last message it was given
    said: Added | None = None  # on a task: what it added to the conversation


class ModelRun(Run):
    """A call of a chat model or a text model. Its `name` is the model as it was asked for."""

    kind = "model"
    provider: str | None = None
    purpose: Purpose = "speech"
    first_token_ns: int | None = None
    streamed: list[Any] | None = None  # tokens, or the text deltas of protocol events
    as_events = False
    reply: Reply | None = None
    system_prompt: str | None = None


class ToolRun(Run):
    """A tool call. `params` and `result` are frozen JSON; `goto` is where a command that it returned leads."""

    kind: Literal["tool", "retriever"] = "tool"
    run_id: UUID  # stands for `tool_call_id` where no model asked for the call
    tool_call_id: str | None = None
    params: bytes = b"{}"
    result: bytes | None = None
    status = "ok"  # "error" when it answered that it failed, or "handed_over" when it returned a command
    error: str | None = None  # the words of a failure that the tool answered with
    goto: tuple[Any, ...] = ()


class RetrieverRun(ToolRun):
    """A retriever call, shown the way tools are."""

    kind: Literal["tool", "retriever"] = "retriever"


class SpokenTurn:
    """What the voice stack told of one turn; times are whole milliseconds from the call's start.

    `heard` is the part of `text` that was heard, None where it is all of it. `interrupted` is None where nobody
    told.
    """

    __slots__ = ("end_ms", "extra", "heard", "interrupted", "role", "start_ms", "text", "words")

    def __init__(
        self,
        role: Literal["user", "agent"],
        text: str,
        *,
        start_ms: int,
        end_ms: int,
        words: list[Word],
        extra: dict[str, Any],
        interrupted: bool | None = None,
        heard: str | None = None,
    ) -> None:
        self.role = role
        self.text = text
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.words = words
        self.extra = extra  # latencies and confidence, for the row's metadata
        self.interrupted = interrupted
        self.heard = heard


class CallRecord:
    """The runs of one call in the order of their starts, and which of them are open.

    Callbacks come from several threads at once. Appending to a list and setting a key are atomic; what needs more
    takes `lock`.
    """

    __slots__ = (
        "asked",
        "edges",
        "events",
        "late",
        "lock",
        "open",
        "pauses",
        "runs",
        "sealed",
        "spoken",
        "tasks",
        "turns",
    )

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.turns: list[Run] = []  # the root runs
        # By the numbers of their ids, as a UUID asks Python code for its hash; no run has None, a root's parent.
        self.open: dict[Any, Run] = {}
        self.tasks: dict[str, ChainRun] = {}  # open executions of nodes, by checkpoint namespace
        self.asked: dict[
            str, bytes
        ] = {}  # the arguments of the tool calls that models made, frozen, by their ids
        self.edges: dict[str, Any] = {}  # `langgraph.Edges` by graph path, where the program gave its graph
        self.events: list[Event] = []
        self.pauses: list[Pause] = []
        self.spoken: list[SpokenTurn] = []
        self.lock = threading.RLock()  # a signal handler may finalise while this is held
        self.sealed = False
        self.late = 0

    def clear(self) -> None:
        """Forget everything but that the call is over: what stays of a finalised call."""
        self.runs = []
        self.turns = []
        self.open = {}
        self.tasks = {}
        self.asked = {}
        self.events = []
        self.pauses = []
        self.spoken = []
