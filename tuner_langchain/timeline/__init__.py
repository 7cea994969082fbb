"""Runs in, ordered segments with millisecond offsets out: what happened in a call, row by row. Pure."""

from __future__ import annotations

from tuner_langchain.timeline.bare import bare_rows
from tuner_langchain.timeline.fold import Folded, fold
from tuner_langchain.timeline.timeline import Timeline

__all__ = ["Folded", "Timeline", "bare_rows", "fold"]
