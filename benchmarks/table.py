"""The lines as one readable table."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Figure
from benchmarks.rows import Row

HEAD = ("what", "unit", "baseline", "ours", "compared", "goal", "holds")
VERDICTS = {True: "yes", False: "NO", None: ""}


def table(lines: Sequence[Row]) -> str:
    """Return the table as Markdown; each figure is the smallest and the median of its rounds."""
    cells = [HEAD, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    drawn = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    drawn.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(drawn)


def _cells(line: Row) -> tuple[str, ...]:
    sign = {"times": "x", "more": "+", "is": ""}[line.how]
    goal = "" if line.at_most is None else f"≤ {sign}{line.at_most:g}"
    return (
        line.what,
        line.unit,
        _figure(line.baseline, ""),
        _figure(line.ours, ""),
        _figure(line.compared, sign),
        goal,
        VERDICTS[line.holds],
    )


def _figure(found: Figure | None, sign: str) -> str:
    if found is None:
        return ""
    least, median = (f"{sign}{_number(value)}" for value in found)
    return least if least == median else f"{least} / {median}"


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.2f}" if abs(value) < 20 else f"{value:,.1f}"
