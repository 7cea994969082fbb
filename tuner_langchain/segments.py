"""The nouns of the timeline: one segment is one row of a call, in the form that goes over the wire.

Segments are plain dictionaries from the start, because they are written as JSON once and read by people, tests
and the `redact` hook in the same form. All times are whole milliseconds from the start of the call.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

Role = Literal["user", "agent", "agent_function", "agent_result", "node_transition"]

ROLES: Final[frozenset[str]] = frozenset(
    {"user", "agent", "agent_function", "agent_result", "node_transition"}
)


class Word(TypedDict):
    """One spoken word, as the speech-to-text gave it."""

    word: str
    start_ms: int
    end_ms: int
    confidence: NotRequired[float]


# "from" is a keyword, so this one needs the functional form.
NodeTransition = TypedDict("NodeTransition", {"from": str, "to": str, "reason": str | None})


class ToolCall(TypedDict):
    """A tool call (`params`) or its result (`result` or `error`); `request_id` joins the two rows."""

    name: str
    request_id: str
    params: NotRequired[dict[str, Any]]
    result: NotRequired[dict[str, Any]]
    is_error: NotRequired[bool]
    error: NotRequired[str]
    start_ms: int


class Segment(TypedDict):
    """One row: what was said, a node's execution, a tool call or a tool's result."""

    role: Role
    text: str
    start_ms: int
    end_ms: int
    duration_ms: int
    metadata: dict[str, Any]
    words: NotRequired[list[Word]]
    node: NotRequired[NodeTransition]
    tool: NotRequired[ToolCall]
