"""Whether a destination takes requests now. Pure state: time and chance come in as arguments.

A server in trouble is left alone but for one probe an interval; a wrong setting is found out without spending
the waiting calls on it; and one bad call is told from a bad destination by what happens to another call.
"""

from __future__ import annotations

from typing import Literal

from tuner_langchain.delivery.policy import HOLD_S, after_retry_after_s, backoff_s

# After an outage every waiting client comes at once; this one begins slowly and doubles.
RESUME_RATE_PER_S = 20.0
RESUME_DOUBLES_EVERY_S = 5.0
RESUME_FULL_RATE_PER_S = 640.0
# A refusal among successes is the call's own; this old a success says nothing any more.
_RECENT_S = 600.0

Mode = Literal["closed", "waiting", "held"]


class Breaker:
    """The state of one destination: closed is normal, waiting is transient trouble, held is a wrong setting."""

    def __init__(self) -> None:
        self.mode: Mode = "closed"
        self.message = ""
        self.until_s = 0.0
        self.asked_to_wait = False
        self.last_success_s: float | None = None
        self._rounds = 0
        self._probe: str | None = None
        self._failing: set[str] = set()
        self._resumed_s: float | None = None
        self._next_send_s = 0.0

    def pause_s(self, now_s: float) -> float:
        """Return seconds until a request may go out; 0 is now, infinity is when the running probe has ended."""
        if self.mode == "closed":
            return max(0.0, self._next_send_s - now_s) if self._resumed_s is not None else 0.0
        if self._probe is not None:
            return float("inf")
        return max(0.0, self.until_s - now_s)

    def begin(self, key: str, now_s: float) -> None:
        """Note that a request for the call `key` goes out."""
        if self.mode != "closed":
            self._probe = key
        elif self._resumed_s is not None:
            rate = RESUME_RATE_PER_S * 2.0 ** min((now_s - self._resumed_s) / RESUME_DOUBLES_EVERY_S, 16.0)
            self._next_send_s = max(now_s, self._next_send_s) + 1.0 / rate
            if rate >= RESUME_FULL_RATE_PER_S:
                self._resumed_s = None

    def abandoned(self, key: str) -> None:
        """Note that no request went out for `key` after all, or that nobody will learn its end."""
        if self._probe == key:
            self._probe = None

    def answered(self, key: str, now_s: float, *, accepted: bool) -> bool:
        """Note an answer that shows the destination at work; return whether it closes the breaker."""
        self.abandoned(key)
        self._failing.clear()
        if accepted:
            self.last_success_s = now_s
        closes = self.mode != "closed"
        if closes:
            self.mode, self.message, self._rounds, self.asked_to_wait = "closed", "", 0, False
            self._resumed_s, self._next_send_s = now_s, now_s
        return closes

    def failed(
        self,
        key: str,
        now_s: float,
        random: float,
        *,
        at_once: bool,
        retry_after_s: float | None,
        message: str,
    ) -> bool:
        """Note transient trouble; return whether the destination now waits because of it."""
        was_probe = self._end_attempt(key)
        if self.mode == "held" and not was_probe:  # a straggler; the hold stands
            return True
        if retry_after_s is not None:
            pause_s = after_retry_after_s(retry_after_s, random)
            self._open("waiting", now_s + pause_s, message, was_probe)
            self.asked_to_wait = True
        elif was_probe or (self.mode == "closed" and (at_once or len(self._failing) >= 2)):
            self._open("waiting", now_s, message, was_probe)
            self.until_s = max(self.until_s, now_s + backoff_s(self._rounds, random))
            self.asked_to_wait = False
        return self.mode != "closed"

    def refused(self, key: str, now_s: float, random: float, *, at_once: bool, message: str) -> bool:
        """Note an answer that blames a setting; return whether the destination is now held because of it."""
        was_probe = self._end_attempt(key)
        recent = self.last_success_s is not None and now_s - self.last_success_s < _RECENT_S
        if was_probe or (at_once and not recent) or len(self._failing) >= 2:
            self._open("held", now_s + HOLD_S * (1.0 + 0.1 * random), message, was_probe)
        return self.mode == "held"

    def hurry(self) -> None:
        """Let one probe go now, unless the server asked to wait or a setting is wrong: somebody flushes."""
        if self.mode == "waiting" and not self.asked_to_wait:
            self.until_s = 0.0

    def passed_since(self, then_s: float) -> bool:
        """Tell whether another call was accepted after `then_s`."""
        return self.last_success_s is not None and self.last_success_s > then_s

    def _end_attempt(self, key: str) -> bool:
        was_probe = self._probe == key
        self.abandoned(key)
        self._failing.add(key)
        return was_probe

    def _open(self, mode: Mode, until_s: float, message: str, was_probe: bool) -> None:
        if self.mode == "closed" or was_probe:
            self._rounds += 1
            self.until_s = until_s
        self.until_s = max(self.until_s, until_s)
        self.mode, self.message, self._resumed_s = mode, message, None
