"""Log lines that do not repeat themselves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("tuner_langchain.delivery")

# Trouble that lasts is said once in this time, with the number of times it came up.
INTERVAL_S = 300.0
# Thousands of unusable files are one trouble, not thousands of lines.
_ONCE_LIMIT = 100


def speak_up() -> None:
    """Log each step, as the setting `debug` asks; to standard error where the program set no logging up."""
    library = logging.getLogger("tuner_langchain")
    library.setLevel(logging.DEBUG)
    if not library.hasHandlers():
        library.addHandler(logging.StreamHandler())


def _log(level: int, message: str, facts: tuple[object, ...]) -> None:
    logger.log(level, message, *(printable(fact) if isinstance(fact, str) else fact for fact in facts))


class Log:
    """The one logger of delivery: call ids, sizes, statuses and attempts, never content, never a key."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._once: set[str] = set()
        self._said: dict[str, tuple[float, int]] = {}

    def call(self, level: int, message: str, *facts: object) -> None:
        """Say something about one call, each time."""
        _log(level, message, facts)

    def repeated(self, topic: str, level: int, message: str, *facts: object) -> bool:
        """Say something that may come up for every call, once an interval; return whether it was said now."""
        now_s = self._monotonic_s()
        last_s, unsaid = self._said.get(topic, (-INTERVAL_S, 0))
        if now_s - last_s < INTERVAL_S:
            self._said[topic] = (last_s, unsaid + 1)
            return False
        self._said[topic] = (now_s, 0)
        _log(level, message, facts)
        if unsaid:
            logger.log(level, "the above came up %d times more since it was last logged", unsaid)
        return True

    def once(self, topic: str, level: int, message: str, *facts: object) -> None:
        """Say something that stays as it is, once in this process."""
        if topic not in self._once and len(self._once) < _ONCE_LIMIT:
            self._once.add(topic)
            _log(level, message, facts)

    def over(self, topic: str) -> None:
        """Let the next line of a topic be said at once: its trouble had ended."""
        self._said.pop(topic, None)
