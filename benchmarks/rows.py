"""One line of the table: what was measured, against what, and whether the goal holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.measure import Figure, difference, figure, ratio

How = Literal["times", "more", "is"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A measured line.

    `compared` is ours over the baseline ("times"), ours less it ("more") or a figure of its own ("is").
    The goal is held against its median; a line without `at_most` only informs.
    """

    what: str
    unit: str
    how: How
    compared: Figure
    baseline: Figure | None = None
    ours: Figure | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the goal holds; None for a line without one."""
        return None if self.at_most is None else self.compared.median <= self.at_most

    def as_json(self) -> dict[str, Any]:
        """Return the line as plain data."""
        return {
            "what": self.what,
            "unit": self.unit,
            "how": self.how,
            "baseline": self.baseline and self.baseline._asdict(),
            "ours": self.ours and self.ours._asdict(),
            "compared": self.compared._asdict(),
            "at_most": self.at_most,
            "holds": self.holds,
        }


def times(
    what: str,
    unit: str,
    base: Sequence[float],
    ours: Sequence[float],
    *,
    scale: float,
    at_most: float | None = None,
) -> Row:
    """Return the line of a ratio; `scale` turns seconds into the line's unit."""
    return Row(
        what=what,
        unit=unit,
        how="times",
        baseline=_scaled(figure(base), scale),
        ours=_scaled(figure(ours), scale),
        compared=ratio(ours, base),
        at_most=at_most,
    )


def more(
    what: str,
    unit: str,
    base: Sequence[float],
    ours: Sequence[float],
    *,
    scale: float,
    at_most: float | None = None,
) -> Row:
    """Return the line of a difference; `scale` turns seconds into the line's unit."""
    return Row(
        what=what,
        unit=unit,
        how="more",
        baseline=_scaled(figure(base), scale),
        ours=_scaled(figure(ours), scale),
        compared=_scaled(difference(ours, base), scale),
        at_most=at_most,
    )


def single(what: str, unit: str, value: float, *, at_most: float | None = None) -> Row:
    """Return the line of one exact value."""
    return Row(what=what, unit=unit, how="is", compared=Figure(value, value), at_most=at_most)


def _scaled(found: Figure, scale: float) -> Figure:
    return Figure(found.least * scale, found.median * scale)
