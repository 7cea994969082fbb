"""Whether a directory is still the one that files were written to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tuner_langchain.delivery.fs import FileSystem

# Device and number in it; None when it cannot be known.
Identity: TypeAlias = tuple[int, int] | None
# No directory is there.
NOWHERE = (0, 0)
# Who removes an outbox again and again shall not use up the process' descriptors.
_MOST = 16


class Place:
    """Knows the directories that lie at one path, one after the other.

    Each one seen is kept open: until it is closed, no other one can have its number in the file system. There is no
    lock: a signal's handler may come at any line and ask the same.
    """

    def __init__(self, files: FileSystem, path: str) -> None:
        self._fs = files
        self._path = path
        self._open: dict[tuple[int, int], int] = {}

    def now(self) -> Identity:
        """Return which directory lies there now."""
        try:
            status = self._fs.lstat(self._path)
        except FileNotFoundError:
            return NOWHERE
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def keep(self) -> Identity:
        """Return which directory lies there now, and know it from now on."""
        here = self.now()
        if here in self._open:
            return here
        try:
            fd = self._fs.open_directory(self._path)
            status = self._fs.fstat(fd)
        except OSError:  # what cannot be kept open cannot be known again
            return None
        here = status.st_dev, status.st_ino
        if self._open.setdefault(here, fd) != fd:
            self._close(fd)
        elif len(self._open) > _MOST:
            self._close(self._open.pop(next(iter(self._open)), -1))
        return here

    def _close(self, fd: int) -> None:
        with contextlib.suppress(OSError):
            self._fs.close(fd)

    def close(self) -> None:
        """Close the directories."""
        known = getattr(self, "_open", None)  # Ctrl-C may have come while this was made
        while known:
            self._close(known.popitem()[1])

    __del__ = close
