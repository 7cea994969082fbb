"""Where a row stands among the others: one order, the same in every run of the same program. Pure.

Rows are told by the millisecond, but many begin within one. There the nanosecond decides, so that a row that began
later stands later whichever millisecond the clock was in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tuner_langchain.segments import Segment
    from tuner_langchain.timeline.lines import Line

# Millisecond, turn (two quick turns may share one), the caller's words before what they led to, nanosecond.
Order = tuple[int, int, int, int]
Timed = tuple[Order, "Segment"]

FIRST: Final = 0
AFTER: Final = 1
# What the voice stack tells has no nanoseconds: it stands behind what the graph did in the same millisecond.
_LAST_NS: Final = 2**63


def order_of(line: Line) -> Order:
    """Return where a line stands."""
    exact = line.start_ns is not None and not line.spoken
    place = FIRST if line.role == "user" else AFTER
    return line.start_ms, line.turn, place, line.start_ns if exact else _LAST_NS  # type: ignore[return-value]  # exact says that it is one
