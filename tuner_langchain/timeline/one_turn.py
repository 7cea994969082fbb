"""One turn of a call as a document of its own, for the eye: its times from its own start, its own figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuner_langchain.timeline.reading import mapping, times, whole

Row = Mapping[str, Any]

_MOMENTS = ("start_ms", "end_ms", "at_ms")


def one_turn(document: Mapping[str, Any], rows: Sequence[Row], number: int) -> dict[str, Any]:
    """Return the document of one turn; `rows` are the turn's.

    What the call's document says of the whole call (what it cost, its recording, its tokens) is not the turn's, and
    left out. The turn's tokens are those of its model calls.
    """
    spans = [times(row) for row in rows]
    start_ms = min((start for start, _ in spans), default=0)
    metadata = mapping(document.get("metadata"))
    errors = [
        _moved(mapping(error), start_ms)
        for error in metadata.get("errors") or ()
        if whole(mapping(error).get("turn")) == number
    ]
    began = document.get("start_timestamp")
    return {
        "call_id": document.get("call_id"),
        "call_type": document.get("call_type"),
        "start_timestamp": began + start_ms if isinstance(began, int) and began > 10**10 else None,
        "duration_ms": max((end for _, end in spans), default=0) - start_ms,
        "transcript_with_tool_calls": [_moved_row(row, start_ms) for row in rows],
        "metadata": {"ai_models": metadata.get("ai_models"), "errors": errors},
    }


def _moved_row(row: Row, by_ms: int) -> dict[str, Any]:
    """Return a row with all its moments measured from the turn's start."""
    moved = _moved(row, by_ms)
    if "words" in row:
        moved["words"] = [_moved(mapping(word), by_ms) for word in row["words"] or ()]
    if "tool" in row:
        moved["tool"] = _moved(mapping(row["tool"]), by_ms)
    metadata = dict(mapping(row.get("metadata")))
    for name in ("llm", "events"):
        if isinstance(metadata.get(name), list):
            metadata[name] = [_moved(mapping(item), by_ms) for item in metadata[name]]
    moved["metadata"] = metadata
    return moved


def _moved(holder: Row, by_ms: int) -> dict[str, Any]:
    moments = {name: at - by_ms for name in _MOMENTS if (at := whole(holder.get(name))) is not None}
    return {**holder, **moments}
