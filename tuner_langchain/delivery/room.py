"""How much an outbox may hold: loudly more, never silently less."""

from __future__ import annotations

import errno
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery.log import Log
    from tuner_langchain.delivery.outbox import Outbox

_MEASURE_S = 300.0
# Before a call is refused its place on the disk, the figure must be this fresh: others may have sent much.
_FRESH_S = 30.0
# On a small file system, this share of it is to stay free.
_MIN_FREE_SHARE = 20


class Room:
    """The outbox's size as this process knows it: measured now and then, counted in between."""

    def __init__(
        self, config: TunerConfig, outbox: Outbox, log: Log, monotonic_s: Callable[[], float]
    ) -> None:
        self._config = config
        self._outbox = outbox
        self._log = log
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._used = 0
        self._measured_s = float("-inf")

    def measure(self, *, older_than_s: float = _MEASURE_S) -> None:
        """Look at the disk when the last look is older."""
        now_s = self._monotonic_s()
        if now_s - self._measured_s >= older_than_s:
            self._measured_s = now_s
            self._used = self._outbox.size_bytes()

    def taken(self, size: int) -> None:
        """Note that `size` bytes were written."""
        with self._lock:
            self._used += size

    def freed(self, size: int) -> None:
        """Note that `size` bytes were deleted."""
        with self._lock:
            self._used = max(0, self._used - size)

    def check(self, size: int) -> str | None:
        """Make sure that `size` bytes more may be written; return what to tell the application, once an interval.

        Raises:
            OSError: They may not: the call is to be kept in memory, and what is sent frees room.
        """
        limit = self._config.outbox_max_bytes
        if self._used + size > 2 * limit:
            self.measure(older_than_s=_FRESH_S)
            if self._used + size > 2 * limit:
                raise OSError(errno.ENOSPC, "the outbox is twice as large as outbox_max_bytes")
        space = self._outbox.space()
        if space is not None and space[0] < min(
            self._config.outbox_min_free_bytes, space[1] // _MIN_FREE_SHARE
        ):
            raise OSError(errno.ENOSPC, "the disk is nearly full")
        return self._complaint(limit) if self._used + size > limit else None

    def _complaint(self, limit: int) -> str | None:
        text = (
            f"The outbox {self._outbox.root} holds {self._used >> 20} MiB, more than outbox_max_bytes "
            f"({limit >> 20} MiB). Calls are still taken in, up to twice that; see why they are not sent with "
            "`tuner-langchain outbox ls`."
        )
        return text if self._log.repeated("full", logging.ERROR, "%s", text) else None
