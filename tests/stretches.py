"""A recorded call read stretch by stretch, as its rows are made ready while it goes on."""

from __future__ import annotations

from typing import Any

from tuner_langchain.capture import Capture
from tuner_langchain.release import ready
from tuner_langchain.timeline.clock import Span
from tuner_langchain.timeline.fold import Fold, Folded, ReadyRows, fold, in_order
from tuner_langchain.values import to_json


def boundaries(runs: list[Any]) -> list[int]:
    """Return before which runs none was open."""
    found: list[int] = []
    ends: list[int] = []
    for number, run in enumerate(runs):
        if number and run.parent is None and len(ends) == number and max(ends) <= run.start_ns:
            found.append(number)
        if run.end_ns is not None:
            ends.append(run.end_ns)
    return found


def same_in_stretches(call: Any) -> bool:
    """Return whether a call's rows and metadata, read a turn at a time, are those of one reading."""
    record, capture = call._record, Capture()
    span = Span(call._call.started_ns, call._clock())
    reading, done = Fold(record), ReadyRows()
    for upto in boundaries(record.runs):
        rows = reading.read(Span(span.start_ns, 2**63), upto=upto)
        reading.forget()
        done.orders += [order for order, _ in rows]
        done.rows += [ready(row, capture) for _, row in rows]
    rows = reading.read(span)
    return _sent(in_order(rows, reading.end(span), done)) == _sent(fold(record, span))


def _sent(folded: Folded) -> list[bytes]:
    rows = [row if isinstance(row, bytes) else ready(row, Capture()) for row in folded.rows]
    return [*rows, to_json(folded.metadata)]
