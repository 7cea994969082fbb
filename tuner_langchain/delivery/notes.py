"""Why calls wait, written where the next process and a person find it.

    <root>/v1/why/<key>.json           the last failure of one call
    <root>/v1/why/<destination>.json   the trouble of a workspace and agent: it holds the calls not tried yet, too

Best effort: a note is not forced to the disk, and one that cannot be written or read costs nothing but itself.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Literal, NamedTuple

from tuner_langchain.delivery.item import HEADER_LIMIT

if TYPE_CHECKING:
    from tuner_langchain.delivery.outbox import Outbox

_DAY_MS = 24 * 3600 * 1000


class Note(NamedTuple):
    """Why a call or a destination waits.

    Attributes:
        state: `held` when a setting is wrong, else `waiting`.
        reason: One word, like `http-503`.
        message: A sentence that says what to do.
        status: The HTTP status, when there was an answer.
        since_ms: When it first failed with this reason, Unix milliseconds.
        at_ms: When it last failed.
        days: On how many different days it failed: an age that no wrong clock can add more than a day to.
        day: The last of them, in days since 1970.
    """

    state: Literal["waiting", "held"]
    reason: str
    message: str
    status: int | None
    since_ms: int
    at_ms: int
    days: int = 0
    day: int = -1

    @classmethod
    def read(cls, text: bytes) -> Note | None:
        """Return the note that was written as `text`, or None when it is not one."""
        try:
            note = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return None
        kinds = (str, str, str, int | None, int, int, int, int)
        return note if all(map(isinstance, note, kinds)) else None

    def write(self) -> bytes:
        """Return the note as a file holds it."""
        return json.dumps(self._asdict(), ensure_ascii=True, separators=(",", ":")).encode("ascii")


def failed(
    before: Note | None,
    *,
    state: Literal["waiting", "held"],
    reason: str,
    message: str,
    status: int | None,
    now_ms: int,
) -> Note:
    """Return the note after one more failure. A day counts when the failure was not a wrong setting's."""
    since_ms = before.since_ms if before is not None and before.reason == reason else now_ms
    days, day = (before.days, before.day) if before is not None else (0, -1)
    today = now_ms // _DAY_MS
    if state == "waiting" and day != today:
        days, day = days + 1, today
    return Note(state, reason, message, status, since_ms, now_ms, days, day)


class Notes:
    """The notes of one outbox; `name` is a call's key or a destination."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        # Nobody knows what an earlier process noted of a destination, so the first success takes it away.
        self._working: set[str] = set()

    def read(self, name: str) -> Note | None:
        """Return the note of a call or a destination, or None."""
        fs = self._outbox.fs
        with contextlib.suppress(OSError):
            fd = fs.open(self._outbox.path("why", f"{name}.json"))
            try:
                return Note.read(fs.read(fd, HEADER_LIMIT))
            finally:
                fs.close(fd)
        return None

    def write(self, name: str, note: Note) -> None:
        """Write a note in the place of the one before."""
        self._working.discard(name)
        with contextlib.suppress(OSError):
            self._outbox.put_unsynced("why", f"{name}.json", note.write())

    def drop(self, name: str) -> None:
        """Take a note away: its trouble is over, or its call has left."""
        with contextlib.suppress(OSError):
            self._outbox.fs.unlink(self._outbox.path("why", f"{name}.json"))

    def works(self, destination: str) -> None:
        """Take a destination's note away, once for each time that it may have been written."""
        if destination not in self._working:
            self._working.add(destination)
            self.drop(destination)
