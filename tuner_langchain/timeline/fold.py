"""All rows of a call in order, and what its models used. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from tuner_langchain.capture import Capture
from tuner_langchain.runs import CallRecord, ChainRun, ModelRun, Run, ToolRun
from tuner_langchain.segments import Segment
from tuner_langchain.timeline.clock import Span
from tuner_langchain.timeline.conversation import said_rows
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
    models: dict[Run, list[ModelRun]] = defaultdict(list)
    rows: list[Segment] = []
    runs = list(record.runs)
    for run in runs:
        if isinstance(run, ModelRun):
            models[run.root].append(run)
        elif isinstance(run, ToolRun):
            rows += tool_rows(run, turns, span)
    rows += node_rows([run for run in runs if isinstance(run, ChainRun) and run.is_task], turns, span)
    for root, number in turns.items():
        rows += said_rows(root, number, models[root], span)
    rows.sort(key=_order)
    return Folded(rows, usage_metadata([run for run in runs if isinstance(run, ModelRun)]))


_RANK = {"user": 0, "node_transition": 1, "agent_function": 2, "agent_result": 3, "agent": 4}


def _order(row: Segment) -> tuple[int, int]:
    return row["start_ms"], _RANK[row["role"]]
