"""The clock and the dice of delivery: everything here that is not a function of its arguments."""

from __future__ import annotations

import random
import threading
import time

# Process images that are frozen and thawed (Lambda SnapStart, VM snapshots) repeat the state of an ordinary
# generator, so jitter comes from the system's.
_DICE = random.SystemRandom()


class Runtime:
    """Time, waiting and chance as the process has them; a test gives another one."""

    def wall_s(self) -> float:
        """Return seconds since the Unix epoch: what is written to disk and compared with dates."""
        return time.time()

    def monotonic_s(self) -> float:
        """Return seconds on a clock that nobody sets: what every interval is measured with."""
        return time.monotonic()

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return _DICE.random()

    def wait(self, condition: threading.Condition, timeout_s: float) -> None:
        """Wait on `condition`, whose lock is held, until it is notified or `timeout_s` have passed."""
        condition.wait(min(timeout_s, threading.TIMEOUT_MAX))
