"""All rows of a call in order, and what its models used. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tuner_langchain.timeline.conversation import Conversation
from tuner_langchain.timeline.graph_rows import GraphRows
from tuner_langchain.timeline.lines import with_latencies
from tuner_langchain.timeline.order import order_of
from tuner_langchain.timeline.problems import call_errors, call_events, call_pauses
from tuner_langchain.timeline.spoken import with_spoken
from tuner_langchain.timeline.turns import Turns
from tuner_langchain.timeline.usage import ModelSums, usage_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuner_langchain.runs import CallRecord, Run
    from tuner_langchain.segments import Segment
    from tuner_langchain.timeline.clock import Span
    from tuner_langchain.timeline.order import Order, Timed


class Folded(NamedTuple):
    """A call's rows in order of start, and the metadata that its runs give the call.

    A row that was made ready ahead of the call's end is its bytes already.
    """

    rows: Sequence[Segment | bytes]
    metadata: dict[str, Any]
    last_spoken_ms: int = 0  # the end of the last spoken turn: the call goes on until then


class Ending(NamedTuple):
    """What can be told only when a call is over: its conversation, and the metadata of the whole."""

    lines: list[Timed]
    superseded: frozenset[int]  # turns that were repeated with other words
    metadata: dict[str, Any]
    last_spoken_ms: int


class ReadyRows:
    """Rows that were made ready before the call's end, as they will be sent, and where they stand."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.rows: list[bytes] = []


def fold(record: CallRecord, span: Span) -> Folded:
    """Return what happened in a call."""
    reading = Fold(record)
    rows = reading.read(span)
    return in_order(rows, reading.end(span))


def in_order(rows: list[Timed], ending: Ending, ready: ReadyRows | None = None) -> Folded:
    """Return the rows of nodes and tools and the lines of the conversation, each in its place.

    `ready` are rows that were made ready before, as they would be sent.
    """
    orders = [order for order, _ in rows]
    values: list[Any] = [row for _, row in rows]
    if ready is not None:
        orders, values = ready.orders + orders, ready.rows + values
    for index, (_, turn, _, _) in enumerate(orders) if ending.superseded else ():
        if turn in ending.superseded:
            row = values[index] = _open(values[index])
            row["metadata"]["superseded"] = True
    orders += [order for order, _ in ending.lines]
    values += [row for _, row in ending.lines]
    places = sorted(range(len(orders)), key=orders.__getitem__)
    return Folded([values[place] for place in places], ending.metadata, ending.last_spoken_ms)


def _open(row: Any) -> Any:
    return orjson.loads(row) if isinstance(row, bytes) else row


class Fold:
    """A call's timeline in the making: reads the runs once, in the order of their starts, a stretch at a time.

    A stretch ends where no run is open, or at the end of the call; read in one go or in many, a call has the same
    rows.
    """

    def __init__(self, record: CallRecord) -> None:
        self._record = record
        self._turns = Turns()
        self._graph = GraphRows(record, self._turns)
        self._conversation = Conversation()
        self._models = ModelSums()
        self._failed: list[Run] = []
        self.runs_read = 0

    def read(self, span: Span, *, upto: int | None = None) -> list[Timed]:
        """Read on, to run number `upto` or to the last; return the rows of the nodes and tools among these runs."""
        runs = self._record.runs[self.runs_read : upto]
        self.runs_read += len(runs)
        told = self._turns.read(runs)
        rows = self._graph.read(runs, span)
        self._conversation.read(told, span)
        self._models.read(runs)
        self._failed += [run for run in runs if run.failure is not None]
        return rows

    def forget(self) -> None:
        """Let go of what no later run comes back to, after a stretch that left no run open."""
        self._graph.forget()

    def end(self, span: Span) -> Ending:
        """Return what is told at the end; nothing may be read after it."""
        record, turns = self._record, self._turns.numbers
        told = self._conversation.end(span)
        lines = told.lines
        metadata = usage_metadata(self._models, lines)
        spoken = [turn for turn in record.spoken if turn.text.strip() or turn.words]
        if spoken:
            lines = with_spoken(lines, spoken, [span.ms(root.start_ns) for root in turns])
            lines = [line for line in lines if line.text.strip()]  # nothing of it was heard
        timed: list[Timed] = [
            (order_of(line), row) for line, row in zip(lines, with_latencies(lines), strict=True)
        ]
        metadata |= call_errors(self._failed, turns, span)
        metadata |= call_pauses(record.pauses, turns, span)
        metadata |= call_events(record.events, turns, span)
        last_spoken_ms = max((line.end_ms for line in lines if line.spoken), default=0)
        return Ending(timed, told.superseded, metadata, last_spoken_ms)
