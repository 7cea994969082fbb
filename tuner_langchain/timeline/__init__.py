"""Runs in, ordered segments with millisecond offsets out: what happened in a call, row by row. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuner_langchain.timeline.bare import bare_rows
from tuner_langchain.timeline.fold import Folded, fold

if TYPE_CHECKING:
    from tuner_langchain.timeline.timeline import Timeline

__all__ = ["Folded", "Timeline", "bare_rows", "fold"]


def __getattr__(name: str) -> Any:
    if name == "Timeline":
        from tuner_langchain.timeline.timeline import Timeline  # noqa: PLC0415 - only tests and people who look need it

        return Timeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
