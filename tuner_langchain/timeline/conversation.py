"""Rows for what was said. Pure."""

from __future__ import annotations

from typing import Any

from tuner_langchain.runs import ModelRun, Run
from tuner_langchain.segments import Segment
from tuner_langchain.timeline.clock import Span


def said_rows(root: Run, number: int, models: list[ModelRun], span: Span) -> list[Segment]:
    """Return the rows of one turn: what the caller said, and what the agent answered."""
    turn = root.turn
    if turn is None:
        return []
    at = span.ms(root.start_ns)
    rows = [_row("user", said.text, at, at, {"turn": number}) for said in turn.incoming]
    by_text = {model.reply.text: model for model in models if model.reply is not None}
    for said in turn.answers:
        model = by_text.get(said.text)
        if model is None:
            start = end = span.ms(span.end_of(root))
            rows.append(_row("agent", said.text, start, end, {"turn": number, "interrupted": False}))
        else:
            rows.append(_spoken(model, said.text, number, at, span))
    return rows


def _spoken(model: ModelRun, text: str, number: int, asked_ms: int, span: Span) -> Segment:
    start, end = span.ms(model.first_token_ns or model.start_ns), span.ms(span.end_of(model))
    metadata = {"turn": number, "interrupted": False, "e2e_latency": start - asked_ms, "model": model.reply.model}
    if model.first_token_ns is not None:
        metadata["llm_node_ttft"] = start - span.ms(model.start_ns)
    return _row("agent", text, start, end, metadata)


def _row(role: Any, text: str, start: int, end: int, metadata: dict[str, Any]) -> Segment:
    return {
        "role": role,
        "text": text,
        "start_ms": start,
        "end_ms": end,
        "duration_ms": end - start,
        "metadata": metadata,
    }
