"""Telling the application what becomes of its calls, without ever waiting for the application."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("tuner_langchain.delivery")

EventKind = Literal[
    "delivered",
    "delivered_duplicate",
    "held",
    "retrying",
    "dead",
    "lost",
    "not_durable",
    "outbox_full",
    "uploaded",
    "upload_failed",
    "worker_restarted",
]
# A callback that never returns must not keep every event there is.
_WAITING_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """Something the application may want to know.

    Args:
        kind: What happened.
        call_id: The call it happened to; None when it concerns the destination or the outbox.
        message: A sentence that says what it means and what to do.
        status: The HTTP status it came from, when there was one.
        body: For `lost` alone: the request body, the only copy there is; None when the outbox vanished with it.
    """

    kind: EventKind
    call_id: str | None
    message: str
    status: int | None = None
    body: bytes | None = field(default=None, repr=False)


class Notifier:
    """Calls the application's `on_event` from a thread of its own, in order; its exceptions end here."""

    def __init__(self, on_event: Callable[[DeliveryEvent], None]) -> None:
        self._on_event = on_event
        self._waiting: deque[DeliveryEvent] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._calling = False

    def tell(
        self, kind: EventKind, call_id: str | None, message: str, status: int | None, body: bytes | None
    ) -> None:
        """Pass an event on, soon."""
        event = DeliveryEvent(kind, call_id, message, status, body)
        with self._changed:
            if len(self._waiting) >= _WAITING_LIMIT:
                logger.error("on_event is stuck: the event %s is not passed on", event.kind)
                return
            self._waiting.append(event)
            self._changed.notify_all()
            if self._thread is not None and self._thread.is_alive():
                return
            self._thread = threading.Thread(target=self._run, name="tuner-events", daemon=True)
            thread = self._thread
        try:
            thread.start()
        except RuntimeError:  # no more threads, at exit say: now or never
            self._call_next()

    def drain(self, timeout_s: float) -> None:
        """Wait until every event was passed on, at most `timeout_s`."""
        if threading.current_thread() is self._thread:
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._calling, timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: bool(self._waiting), 5.0):
                    self._thread = None
                    return
            self._call_next()

    def _call_next(self) -> None:
        with self._changed:
            event = self._waiting.popleft()
            self._calling = True
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - the application's own code must not stop delivery
            # Without its traceback: that may hold the call's bytes, which are in the event.
            logger.error("on_event raised %s for a %s event", type(error).__name__, event.kind)  # noqa: TRY400
        finally:
            with self._changed, contextlib.suppress(RuntimeError):
                self._calling = False
                self._changed.notify_all()
