"""Every call to the file system that delivery makes, one method each.

The outbox is given one of these, so that a harness can die before and after each call, fill the disk or lose
what was not synced. Nothing here decides anything.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows has no flock; claims fall back to leases
    fcntl = None  # type: ignore[assignment]

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
# Opening a pipe that somebody put among the items must not block the sender.
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


class FileSystem:
    """The operating system's files; every descriptor is closed on exec."""

    def create(self, path: str) -> int:
        """Create a file that nobody else has, readable by its owner alone, and open it for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, 0o600)

    def open(self, path: str) -> int:
        """Open a file for reading, never through a link."""
        return os.open(path, os.O_RDONLY | _NOFOLLOW | _NONBLOCK | _BINARY)

    def open_directory(self, path: str) -> int:
        """Open a directory, never through a link, to know it again."""
        return os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW)

    def fchmod(self, fd: int, mode: int) -> None:
        """Set a descriptor's mode: a strange umask may have taken bits the owner needs."""
        if hasattr(os, "fchmod"):
            os.fchmod(fd, mode)

    def write(self, fd: int, data: memoryview) -> int:
        """Write some of `data` and return how many bytes it was."""
        return os.write(fd, data)

    def read(self, fd: int, size: int) -> bytes:
        """Read at most `size` bytes."""
        return os.read(fd, size)

    def fsync(self, fd: int) -> None:
        """Force a file to the disk."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def flock(self, fd: int) -> bool:
        """Take the kernel's lock on an open file; False when another holds it.

        Raises:
            OSError: With `ENOSYS` and the like when this file system knows no such lock.
        """
        if fcntl is None:
            raise OSError(errno.ENOSYS, "no flock on this platform")
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self, fd: int) -> None:
        """Give the lock back, also when a forked child inherited the descriptor."""
        if fcntl is not None:
            fcntl.flock(fd, fcntl.LOCK_UN)

    def fstat(self, fd: int) -> os.stat_result:
        """Return what the kernel knows of an open file."""
        return os.fstat(fd)

    def lstat(self, path: str) -> os.stat_result:
        """Return what the kernel knows of a path, links not followed."""
        return os.lstat(path)

    def utime(self, path: str, when_s: float) -> None:
        """Set a file's times: an item's modification time says when it is due again."""
        os.utime(path, (when_s, when_s), follow_symlinks=os.utime not in os.supports_follow_symlinks)

    def rename(self, source: str, target: str) -> None:
        """Move a file within the outbox, at once or not at all."""
        os.rename(source, target)

    def unlink(self, path: str) -> None:
        """Delete a file."""
        os.unlink(path)

    def mkdir(self, path: str) -> None:
        """Create a directory for its owner alone, whatever the umask."""
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700)

    def sync_directory(self, path: str) -> None:
        """Force a directory's names to the disk; where directories cannot be opened there is nothing to do."""
        if os.name == "nt":
            return
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def names(self, path: str) -> Iterator[str]:
        """Yield the names in a directory one by one, never all of them at once."""
        with os.scandir(path) as entries:
            for entry in entries:
                yield entry.name

    def sizes(self, path: str) -> Iterator[tuple[str, int, float]]:
        """Yield name, bytes and modification time (Unix seconds) of each plain file in a directory."""
        with os.scandir(path) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:  # gone since it was listed
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield entry.name, status.st_size, status.st_mtime

    def space(self, path: str) -> tuple[int, int] | None:
        """Return the free and the total bytes of the file system under `path`; None where it cannot be asked."""
        if not hasattr(os, "statvfs"):
            return None
        status = os.statvfs(path)
        return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
