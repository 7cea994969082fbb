"""Which conversation a turn belongs to: its thread's id, as a value that can be compared. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner_langchain.values import to_json

if TYPE_CHECKING:
    from tuner_langchain.runs import Run

Thread = str | bytes | None


def thread_of(root: Run) -> Thread:
    """Return the thread of a root run; a program may put any object there, so one that is no text is its JSON."""
    thread_id = root.turn.thread_id if root.turn is not None else None
    return thread_id if thread_id is None or type(thread_id) is str else to_json(thread_id)
