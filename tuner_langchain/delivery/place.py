"""Whether a directory is still the one that files were written to."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner_langchain.delivery.fs import FileSystem

# No directory is there.
NOWHERE = -1


class Place:
    """Numbers the directories that lie at one path, one after the other.

    A directory that was removed or moved is told from its successor by keeping it open: until it is closed, no
    other one can have its number in the file system.
    """

    def __init__(self, files: FileSystem, path: str) -> None:
        self._fs = files
        self._path = path
        self._lock = threading.Lock()
        self._fd = -1
        self._number = 0

    def number(self) -> int:
        """Return the number of the directory that lies there now, or `NOWHERE`."""
        with self._lock:
            try:
                here = self._fs.lstat(self._path)
                if self._fd >= 0 and self._is_open(here.st_dev, here.st_ino):
                    return self._number
                fresh = self._fs.open_directory(self._path)
            except FileNotFoundError:
                return NOWHERE
            except OSError:  # it cannot be looked at; that says nothing against it
                return self._number
            if self._fd >= 0:
                self._close()
                self._number += 1
            self._fd = fresh
            return self._number

    def _is_open(self, device: int, number: int) -> bool:
        with contextlib.suppress(OSError):
            status = self._fs.fstat(self._fd)
            return (status.st_dev, status.st_ino) == (device, number)
        return False

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        with contextlib.suppress(OSError):
            self._fs.close(fd)

    def close(self) -> None:
        """Close the directory; the next look opens what is there then."""
        if self._fd >= 0:
            self._close()

    __del__ = close
