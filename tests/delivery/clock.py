"""A clock that jumps ahead whenever a sender waits, up to where the test lets it."""

from __future__ import annotations

import threading
import time

from tuner_langchain.delivery.runtime import Runtime


class JumpingRuntime(Runtime):
    """Waiting takes no time: the clock jumps to the end of the wait, never past `limit_s`.

    Threads that would wait past the limit really wait, until the test moves it or something is to be done.
    """

    def __init__(self, chances: float = 0.5) -> None:
        self._start_s = time.time()
        self._now_s = 0.0
        self.limit_s = 0.0
        self.chance = chances
        self._lock = threading.Lock()
        self._at_limit = threading.Event()

    def wall_s(self) -> float:
        return self._start_s + self._now_s

    def monotonic_s(self) -> float:
        return self._now_s

    def random(self) -> float:
        return self.chance

    def wait(self, condition: threading.Condition, timeout_s: float) -> None:
        with self._lock:
            target_s = self._now_s + timeout_s
            if target_s <= self.limit_s:
                self._now_s = target_s
                return
            self._now_s = self.limit_s
            self._at_limit.set()
        condition.wait(0.02)

    def let_pass(self, seconds: float) -> None:
        """Allow the clock to move on by this much."""
        with self._lock:
            self.limit_s += seconds
            self._at_limit.clear()

    def wait_for_limit(self) -> None:
        """Wait until a sender has nothing to do before the limit."""
        assert self._at_limit.wait(20)
