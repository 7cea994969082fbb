"""A clock that moves when a test says so."""

from __future__ import annotations

import threading


class ManualClock:
    """Nanoseconds that pass only when you say so; give it to `record(clock=...)`.

    Args:
        step_ms: How far the clock moves by itself each time it is read. 0 keeps it still between ticks; 1
            gives every event a moment of its own, the same one in every run.
    """

    def __init__(self, *, step_ms: int = 0) -> None:
        self._now_ns = 0
        self._step_ns = step_ms * 1_000_000
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Return the time in nanoseconds, as `time.monotonic_ns` does."""
        with self._lock:
            now = self._now_ns
            self._now_ns += self._step_ns
            return now

    def tick(self, ms: float) -> None:
        """Let `ms` milliseconds pass.

        Raises:
            ValueError: `ms` is negative; a clock like this never goes back.
        """
        if ms < 0:
            raise ValueError(f"ms: is {ms}. Expected 0 or more; this clock never goes back.")
        with self._lock:
            self._now_ns += round(ms * 1_000_000)

    @property
    def now_ms(self) -> int:
        """The time in whole milliseconds; reading it moves nothing."""
        return self._now_ns // 1_000_000
