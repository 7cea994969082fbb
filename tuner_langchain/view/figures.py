"""Figures as people read them: durations, moments, money, counts, and text made safe to print."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tuner_langchain import escaping

MINUTE_MS = 60_000
# C0 and C1 controls, and the marks that turn the direction of the text after them.
_BREAKS = re.compile("[\t\n\r]")
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def duration_text(ms: float) -> str:
    """Write a duration in the unit it is thought of in: 430 ms, 1.55 s, 2 min 05 s."""
    if ms < 1000:
        return f"{round(ms)} ms"
    if ms < 10_000:
        return f"{ms / 1000:.2f} s"
    if ms < MINUTE_MS:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds:02d} s"


def moment_text(ms: float) -> str:
    """Write a moment of the call as minutes and seconds from its start: 0:03.65."""
    minutes, rest = divmod(max(0, round(ms / 10)), MINUTE_MS // 10)
    return f"{minutes}:{rest / 100:05.2f}"


def date_text(epoch_ms: int | None) -> str:
    """Write when the call began, in UTC; nothing for what is not said, or what no calendar holds."""
    if epoch_ms is None:
        return ""
    try:
        return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return ""


def money_text(cents: float) -> str:
    """Write US cents, with as many digits as a small amount needs."""
    dollars = cents / 100
    return f"${dollars:,.2f}" if abs(dollars) >= 1 or cents == 0 else f"${dollars:.4f}"


def count_text(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def printable(text: str) -> str:
    """Show control characters instead of obeying them; breaks are spaces, and every script stays as it is."""
    return _UNPRINTABLE.sub(lambda found: escaping.printable(found.group()), _BREAKS.sub(" ", text))
