"""All rows of a call in order, and what its models used. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from tuner_langchain.capture import Capture
from tuner_langchain.runs import CallRecord, ChainRun, ModelRun, ToolRun
from tuner_langchain.segments import Segment
from tuner_langchain.timeline.clock import Span
from tuner_langchain.timeline.conversation import conversation
from tuner_langchain.timeline.lines import with_latencies
from tuner_langchain.timeline.nodes import node_rows
from tuner_langchain.timeline.tools import tool_rows
from tuner_langchain.timeline.usage import usage_metadata


class Folded(NamedTuple):
    """A call's rows in order of start, and the metadata that its runs give the call."""

    rows: list[Segment]
    metadata: dict[str, Any]


def fold(record: CallRecord, span: Span, capture: Capture) -> Folded:
    """Return what happened in a call."""
    turns = {root: number for number, root in enumerate(record.turns, 1)}
    rows: list[Segment] = []
    runs = list(record.runs)
    for run in runs:
        if isinstance(run, ToolRun):
            rows += tool_rows(run, turns, span)
    rows += node_rows([run for run in runs if isinstance(run, ChainRun) and run.is_task], turns, span)
    told = conversation(turns, runs, span)
    for row in rows:
        if row["metadata"]["turn"] in told.superseded:
            row["metadata"]["superseded"] = True
    rows += with_latencies(told.lines)
    rows.sort(key=_order)
    return Folded(rows, usage_metadata([run for run in runs if isinstance(run, ModelRun)], told.lines))


_RANK = {"user": 0, "node_transition": 1, "agent_function": 2, "agent_result": 3, "agent": 4}


def _order(row: Segment) -> tuple[int, int]:
    return row["start_ms"], _RANK[row["role"]]
