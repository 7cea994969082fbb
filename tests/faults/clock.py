"""A clock that stands still until a test moves it, and knows when every sender has nothing to do."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from dataclasses import dataclass

from tuner_langchain.delivery.runtime import Runtime

_PATIENCE_S = 15.0
"""Real seconds that real sockets may take; a wait of the delivery itself takes none."""

_SENDER = "tuner-sender"


@dataclass
class _Parked:
    condition: threading.Condition
    until_s: float
    number: int


class FakeRuntime(Runtime):
    """Time moves only in `run_for`: from one due moment to the next, each served before the next begins."""

    def __init__(self, *, chance: float = 0.5, offset_s: float = 0.0) -> None:
        self._now_s = 10_000.0
        self._wall_offset_s = time.time() - self._now_s + offset_s
        self._parked: dict[int, _Parked] = {}
        self._changed = threading.Condition()
        self._number = 0
        # Senders of other deliveries in this process live by the real clock and never park here.
        self._strangers = frozenset(senders())
        self.chance = chance

    def wall_s(self) -> float:
        return self._now_s + self._wall_offset_s

    def monotonic_s(self) -> float:
        return self._now_s

    def random(self) -> float:
        return self.chance

    def set_wall(self, jump_s: float) -> None:
        """Move the wall clock alone, as an administrator or a bad time server does."""
        self._wall_offset_s += jump_s

    def wait(self, condition: threading.Condition, timeout_s: float) -> None:
        if timeout_s <= 0:
            return
        me = threading.get_ident()
        with self._changed:
            self._number += 1
            parked = _Parked(condition, round(self._now_s + timeout_s, 6), self._number)
            self._parked[me] = parked
            self._changed.notify_all()
        condition.wait(_PATIENCE_S)
        with self._changed:
            del self._parked[me]
            self._changed.notify_all()

    def jump(self, seconds: float) -> None:
        """Let time pass without anybody noticing before it has, as when the process was frozen."""
        self._now_s += seconds

    def run_for(self, seconds: float) -> None:
        """Let this much time pass, stopping at every moment for which somebody waits."""
        end_s = self._now_s + seconds
        self.settle()
        while True:
            due_s = self._next_due_s()
            if due_s is None or due_s > end_s:
                break
            self._now_s = max(self._now_s, due_s)
            self.settle()
        self._now_s = end_s
        self.settle()

    def _next_due_s(self) -> float | None:
        with self._changed:
            # A wait that is due already was kicked and found nothing to do: the smallest step lets it see time pass.
            return min(
                (max(parked.until_s, self._now_s + 0.001) for parked in self._parked.values()), default=None
            )

    def settle(self) -> None:
        """Wake every sender until all wait again and none has anything new to wait for."""
        before: object = None
        while True:
            now = self._kick()
            if now == before:
                return
            before = now

    def _kick(self) -> object:
        self._until_idle(0)
        with self._changed:
            number = self._number
            waiting = list(self._parked.values())
        for parked in waiting:
            with parked.condition:
                parked.condition.notify_all()
        self._until_idle(number)
        with self._changed:
            return sorted((ident, parked.until_s) for ident, parked in self._parked.items()), self._activity()

    def _activity(self) -> object:
        """Return something that changes whenever the delivery did anything; a trial overrides it."""
        return None

    def _until_idle(self, number: int) -> None:
        """Wait (really) until every sender thread is parked, later than `number`."""
        until_s = time.monotonic() + _PATIENCE_S
        with self._changed:
            while not self._idle(number):
                assert time.monotonic() < until_s, f"a sender is busy for {_PATIENCE_S} s:\n{_stacks()}"
                self._changed.wait(0.02)  # a thread that ends tells nobody

    def _idle(self, number: int) -> bool:
        parked = self._parked
        return all(
            thread.ident in parked and parked[thread.ident].number > number
            for thread in senders()
            if thread.ident is not None and thread not in self._strangers
        )


def _stacks() -> str:
    frames = sys._current_frames()
    threads = [thread for thread in senders() if thread.ident in frames]
    return "\n".join("".join(traceback.format_stack(frames[thread.ident or 0])) for thread in threads)


def senders() -> list[threading.Thread]:
    """Return the delivery's living sending threads."""
    return [thread for thread in threading.enumerate() if thread.name == _SENDER]
