"""The restaurant itself: its hours, its tables and its booking system. Nothing here knows of any agent."""

from __future__ import annotations

import time
import zlib
from typing import Final

HOURS: Final = {
    "monday": None,
    "tuesday": (17, 22),
    "wednesday": (17, 22),
    "thursday": (17, 22),
    "friday": (17, 23),
    "saturday": (12, 23),
    "sunday": (12, 22),
}
SEATS: Final = {"window": 2, "corner": 4, "round": 6}
SITTING_MINUTES: Final = 90
TIMEOUT_S: Final = 0.6


def opening_hours(day: str) -> str:
    """Return when the restaurant is open on a day, as a sentence."""
    hours = HOURS.get(day.lower())
    if hours is None:
        return f"We are closed on {day.capitalize()}s."
    return f"On {day.capitalize()}s we are open from {_clock(hours[0] * 60)} to {_clock(hours[1] * 60)}."


class BookingSystem:
    """Tables and who sits at them. The first booking of the evening times out, as booking systems do."""

    def __init__(self) -> None:
        self._taken = {"corner": [18 * 60 + 45], "round": [19 * 60], "window": [20 * 60]}
        self._timeouts_left = 1

    def free_times(self, people: int, around: str) -> list[str]:
        """Return the two times nearest to `around` (HH:MM) at which a table for so many is free."""
        wanted = _minutes(around)
        opening, closing = 12 * 60, 22 * 60
        free = [at for at in range(opening, closing - SITTING_MINUTES + 1, 15) if self._table(people, at)]
        return [_clock(at) for at in sorted(sorted(free, key=lambda at: abs(at - wanted))[:2])]

    def book(self, people: int, at: str, name: str) -> str:
        """Book a table and return the reference; raises TimeoutError once, ValueError when nothing is free."""
        if self._timeouts_left:
            self._timeouts_left -= 1
            time.sleep(TIMEOUT_S)
            raise TimeoutError(f"the booking system did not answer within {TIMEOUT_S * 1000:.0f} ms")
        table = self._table(people, _minutes(at))
        if table is None:
            raise ValueError(f"no table for {people} is free at {at}")
        self._taken[table].append(_minutes(at))
        return f"{table[0].upper()}{zlib.crc32(f'{name}{at}'.encode()) % 10_000:04d}"

    def _table(self, people: int, at: int) -> str | None:
        for table, seats in sorted(SEATS.items(), key=lambda item: item[1]):
            if seats >= people and all(abs(at - other) >= SITTING_MINUTES for other in self._taken[table]):
                return table
        return None


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"
