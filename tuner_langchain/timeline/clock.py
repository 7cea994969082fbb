"""From nanoseconds of the handler's clock to the call's milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner_langchain.runs import Run


class Span:
    """The call's own time: everything is measured from its start and nothing lies outside it."""

    __slots__ = ("end_ns", "start_ns")

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self.start_ns = start_ns
        self.end_ns = max(start_ns, end_ns)

    def ms(self, at_ns: int) -> int:
        """Return a moment as whole milliseconds from the call's start."""
        if at_ns <= self.start_ns:
            return 0
        return ((at_ns if at_ns < self.end_ns else self.end_ns) - self.start_ns) // 1_000_000  # noqa: FURB136 - a row pays this twice; min() costs three times as much

    def end_of(self, run: Run) -> int:
        """Return when a run ended: its own end, else that of the closest run around it that ended after its start.

        Work in the background may begin when what is around it is over; it goes on to the call's end.
        """
        if run.end_ns is not None:
            return run.end_ns
        around = run.parent
        while around is not None:
            if around.end_ns is not None and around.end_ns >= run.start_ns:
                return around.end_ns
            around = around.parent
        return self.end_ns
