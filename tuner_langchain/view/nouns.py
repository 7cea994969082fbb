"""The nouns of a story: what the terminal and the page draw. Times are milliseconds from the call's start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["user", "agent", "node", "tool", "model"]

STOPPED = frozenset({"cancelled", "unfinished"})
FAILED = frozenset({"error", "raised", "unknown_tool"})


class Fact(NamedTuple):
    """One thing to know about a bar; `code` says that the value is data and wants a fixed pitch."""

    label: str
    value: str
    code: bool = False


@dataclass(slots=True)
class Bar:
    """One interval of the call: what somebody said, a node's execution, a tool call or a model call."""

    kind: Kind
    name: str
    start_ms: int
    end_ms: int
    turn: int = 0
    status: str = "ok"
    text: str = ""
    why: str = ""
    error: str = ""
    cut: bool = False
    tokens: int | None = None
    graph: str | None = None
    request_id: str = ""
    facts: list[Fact] = field(default_factory=list)
    index: int = 0
    parent: int | None = None
    depth: int = 0
    lane: int = 0
    self_ms: int = 0

    @property
    def duration_ms(self) -> int:
        """How long it took, what it contains included."""
        return self.end_ms - self.start_ms

    @property
    def failed(self) -> bool:
        """Whether it went wrong, or holds something that did."""
        return bool(self.error) or self.status in FAILED

    @property
    def label(self) -> str:
        """Its name where it stands: inside its graph a node needs no path."""
        return self.name.rpartition(":")[2] if self.kind == "node" and self.parent is not None else self.name


@dataclass(slots=True)
class Turn:
    """What the caller said, until the caller speaks again; number 0 is what came before the first word."""

    number: int
    start_ms: int
    end_ms: int
    bars: list[int]
    waited_ms: int | None = None
    tokens: int | None = None
    errors: int = 0
    slowest_node: int | None = None
    slowest_tool: int | None = None


@dataclass(slots=True)
class Lane:
    """One line of the waterfall: what it shows, and at which line of its kind."""

    kind: Kind
    row: int


@dataclass(slots=True)
class Place:
    """A node in the drawing of the path; `pseudo` marks `__start__`, `__resume__` and the unknown."""

    key: str
    label: str
    depth: int
    visits: int = 0
    total_ms: int = 0
    errors: int = 0
    pseudo: bool = False
    bars: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Transition:
    """A way the call took from one node to another, why, and how often."""

    source: str
    target: str
    reason: str
    count: int = 0


@dataclass(slots=True)
class Problem:
    """Something that went wrong, and the bar that shows it, if one does."""

    turn: int
    at_ms: int | None
    kind: str
    message: str
    bar: int | None = None


@dataclass(slots=True)
class Totals:
    """The figures of the whole call; None is what the document does not say."""

    duration_ms: int
    turns: int
    waited_ms: int | None = None
    longest_wait_ms: int | None = None
    longest_wait_turn: int | None = None
    tokens: int | None = None
    unknown_usage_calls: int = 0
    cost_cents: float | None = None
    nodes: int = 0
    tools: int = 0
    models: int = 0
    errors: int = 0
    interrupted: int = 0
    slowest: int | None = None
    slowest_own_ms: int = 0
    slowest_node: int | None = None
    slowest_tool: int | None = None
    slowest_model: int | None = None


@dataclass(slots=True)
class Story:
    """A call, ready to be drawn."""

    call_id: str
    call_type: str
    began: str
    outcome: str
    model: str
    totals: Totals
    turns: list[Turn]
    bars: list[Bar]
    lanes: list[Lane]
    places: list[Place]
    transitions: list[Transition]
    problems: list[Problem]
    facts: list[Fact]
