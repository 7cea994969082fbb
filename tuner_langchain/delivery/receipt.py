"""What became of a call, for the one who finished it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Literal

from tuner_langchain.delivery.off_loop import off_loop
from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

State = Literal["pending", "delivered", "delivered_duplicate", "held", "dead", "lost", "empty"]
UploadState = Literal["pending", "uploaded", "failed"]
_FOR_PEOPLE = ("message", "upload_message", "request_id")


class Board:
    """Where the receipts of one destination are looked after: who waits, and whether the destination is held."""

    def __init__(self) -> None:
        self.held: str | None = None
        self._changed = threading.Condition()
        self._watchers: dict[int, Callable[[], None]] = {}

    def hold(self, message: str | None) -> None:
        """Hold every waiting call of the destination with `message`, or with None let them wait normally."""
        self.held = message
        self.announce()

    def announce(self) -> None:
        """Wake everybody who waits for a receipt to change."""
        with self._changed:
            self._changed.notify_all()
            watchers = list(self._watchers.values())
        for watcher in watchers:
            watcher()

    def wait_for(self, settled: Callable[[], bool], timeout: float | None) -> None:
        """Block until `settled()`, or for `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(settled, timeout)

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after each change; the returned function ends that."""
        with self._changed:
            self._watchers[id(watcher)] = watcher
        return lambda: self._forget(watcher)

    def _forget(self, watcher: Callable[[], None]) -> None:
        with self._changed:
            self._watchers.pop(id(watcher), None)

    def after_fork(self) -> None:
        """Replace the lock in a forked child, where a thread that is not there may hold it."""
        self._changed = threading.Condition()
        self._watchers = {}


class Receipt:
    """What became of one finished call. It changes as delivery goes on; every attribute may be read at any time.

    Attributes:
        call_id: The call's id.
        durable: The call is on disk: it survives this process.
        tuner_id: Tuner's id of the record, when it gave one.
        is_new: Whether Tuner stored a new record; None when it did not report that.
        attempts: Requests that were begun for this call.
        status: The HTTP status of the last answer.
        request_id: The server's name for the last request, for its support.
        upload: What became of the recording's upload; None when none was asked for.
        upload_message: Why the upload failed.
    """

    __slots__ = (
        "_board",
        "_message",
        "_state",
        "attempts",
        "call_id",
        "durable",
        "is_new",
        "request_id",
        "status",
        "tuner_id",
        "upload",
        "upload_message",
    )

    def __init__(self, call_id: str, board: Board | None = None, *, state: State = "pending") -> None:
        self.call_id = call_id
        self.durable = False
        self.tuner_id: int | str | None = None
        self.is_new: bool | None = None
        self.attempts = 0
        self.status: int | None = None
        self.request_id: str | None = None
        self.upload: UploadState | None = None
        self.upload_message: str | None = None
        self._message: str | None = None
        self._state: State = state
        self._board = board

    @classmethod
    def empty(cls, call_id: str, message: str) -> Receipt:
        """Return the receipt of a call with no row: nothing was posted."""
        receipt = cls(call_id, state="empty")
        receipt._message = message
        return receipt

    @property
    def state(self) -> State:
        """What became of the call.

        `pending` (it waits and is sent again), `delivered`, `delivered_duplicate` (Tuner has another call's
        record under this id), `held` (a setting is wrong; it is kept and tried every few minutes), `dead`
        (refused for good; kept with its reason), `lost` (neither stored nor sent, or its outbox was removed while it
        waited), `empty` (no row: nothing was posted).
        """
        if self._state == "pending" and self._board is not None and self._board.held is not None:
            return "held"
        return self._state

    @property
    def message(self) -> str | None:
        """On trouble a sentence that says what to do; otherwise what Tuner said, or None."""
        if self._state == "pending" and self._board is not None and self._board.held is not None:
            return self._board.held
        return self._message

    @property
    def answered(self) -> bool:
        """Whether there is something to know: the call is settled, or held until a setting changes."""
        return self.state != "pending"

    def wait(self, timeout: float | None = None) -> Receipt:
        """Block until Tuner has answered, at most `timeout` seconds, and return this receipt.

        A held call counts as answered: it waits for a setting, not for time. A time-out is no error; the
        call stays `pending` and is sent later.
        """
        if not self.answered and self._board is not None:
            board = self._board
            off_loop(lambda: board.wait_for(lambda: self.answered, timeout))
        return self

    def __await__(self) -> Generator[Any, None, Receipt]:
        """Let `await handler.finalize()` be the receipt, at once; `settled` waits for the answer."""
        return self._itself().__await__()

    async def _itself(self) -> Receipt:
        return self

    async def settled(self, timeout: float | None = None) -> Receipt:
        """Do the same as `wait` without blocking the event loop."""
        if self.answered or self._board is None:
            return self
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def check() -> None:
            if self.answered and not done.done():
                done.set_result(None)

        def changed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed; nobody waits any more
                loop.call_soon_threadsafe(check)

        forget = self._board.watch(changed)
        try:
            check()
            await asyncio.wait([done], timeout=timeout)
        finally:
            forget()
        return self

    def update(self, **facts: Any) -> None:
        """Set what is known now; `state` last, so that nobody sees a settled receipt without its facts."""
        state = facts.pop("state", None)
        for name, value in facts.items():
            shown = printable(value) if isinstance(value, str) and name in _FOR_PEOPLE else value
            setattr(self, "_message" if name == "message" else name, shown)
        if state is not None:
            self._state = state
        if self._board is not None and (state is not None or "upload" in facts):
            self._board.announce()

    def __repr__(self) -> str:
        return (
            f"Receipt({self.call_id!r}, state={self.state!r}, durable={self.durable}, attempts={self.attempts}, "
            f"status={self.status}, tuner_id={self.tuner_id!r})"
        )
