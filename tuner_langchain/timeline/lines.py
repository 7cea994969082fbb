"""One line of the conversation while its row is being worked out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tuner_langchain.runs import ModelRun
    from tuner_langchain.segments import Segment, Word


class Line:
    """What the caller or the agent said once: the words, when, and the model that made them.

    `spoken` says that the voice stack told the line's times, `generated` that the graph made it.
    """

    __slots__ = (
        "end_ms", "extra", "generated", "interrupted", "message_id", "model", "node", "object_id", "role", "spoken",
        "start_ms", "start_ns", "text", "turn", "words",
    )  # fmt: skip

    def __init__(
        self, role: Literal["user", "agent"], text: str, start_ms: int, end_ms: int, turn: int
    ) -> None:
        self.role = role
        self.text = text
        self.start_ms = start_ms
        self.end_ms = max(start_ms, end_ms)
        self.turn = turn
        self.start_ns: int | None = None  # the exact moment, where the graph told it
        self.message_id: str | None = None
        self.object_id = 0
        self.model: ModelRun | None = None
        self.node: str | None = None
        self.interrupted = False
        self.spoken = False
        self.generated = True
        self.words: list[Word] | None = None
        self.extra: dict[str, Any] = {}


def segment(line: Line, waited_ms: int | None) -> Segment:
    """Return a line's row; `waited_ms` is how long the caller waited for it, None where nobody waited."""
    row: Segment = {
        "role": line.role,
        "text": line.text,
        "start_ms": line.start_ms,
        "end_ms": line.end_ms,
        "duration_ms": line.end_ms - line.start_ms,
        "metadata": {"turn": line.turn, **line.extra},
    }
    if line.words:
        row["words"] = line.words
    if line.role == "agent":
        _describe(row["metadata"], line, waited_ms)
    return row


def _describe(metadata: dict[str, Any], line: Line, waited_ms: int | None) -> None:
    metadata["interrupted"] = line.interrupted
    if waited_ms is not None:
        metadata["e2e_latency"] = waited_ms
    model = line.model
    if model is not None:
        metadata["model"] = model_name(model)
        if model.first_token_ns is not None:
            metadata["llm_node_ttft"] = ttft_ms(model)
    if line.node is not None:
        metadata["node"] = line.node


def model_name(model: ModelRun) -> str | None:
    """Return a model's name as it reported it, else as it was asked for."""
    return (model.reply.model if model.reply is not None else None) or model.name


def ttft_ms(model: ModelRun) -> int | None:
    """Return the time from the request to the first text, None when the answer was not streamed."""
    return (
        None if model.first_token_ns is None else max(0, model.first_token_ns - model.start_ns) // 1_000_000
    )


def with_latencies(lines: list[Line]) -> list[Segment]:
    """Return the rows of the lines in order, each first answer with the time the caller had waited for it.

    Where the voice stack tells when answers were spoken, one that it does not tell was not heard.
    """
    by_voice = any(line.spoken and line.generated and line.role == "agent" for line in lines)
    waiting_since: int | None = None
    rows = []
    for line in lines:
        waited = None
        if line.role == "user":
            waiting_since = line.end_ms
        elif waiting_since is not None and (line.spoken or not by_voice):
            waited = line.start_ms - waiting_since if line.start_ms >= waiting_since else None
            waiting_since = None
        rows.append(segment(line, waited))
    return rows
