"""The least that is known of a call, one row per turn: for when a fault of ours keeps its timeline from being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner_langchain.timeline.fold import Folded

if TYPE_CHECKING:
    from tuner_langchain.runs import CallRecord, Run
    from tuner_langchain.segments import Segment
    from tuner_langchain.timeline.clock import Span

LOST = "The rows of this call could not be worked out; this is the least that is known."


def bare_rows(record: CallRecord, span: Span) -> Folded:
    """Return a row for each turn, and metadata that says what is missing."""
    rows = [_row(root, number, span) for number, root in enumerate(list(record.turns), 1)]
    return Folded(rows, {"timeline_error": LOST})


def _row(root: Run, number: int, span: Span) -> Segment:
    start = span.ms(root.start_ns)
    end = span.ms(root.end_ns if root.end_ns is not None else span.end_ns)
    name = str(root.name or root.kind)
    return {
        "role": "node_transition",
        "text": name,
        "start_ms": start,
        "end_ms": end,
        "duration_ms": end - start,
        "node": {"from": "__start__", "to": name, "reason": None},
        "metadata": {"turn": number, "status": "unknown"},
    }
