"""A disk without power: what was not forced to it is gone.

The strict reading of POSIX: a file's bytes survive after `fsync` of the file, its name after `fsync` of the directory
it is in, and a directory's own name after `fsync` of its parent. Real file systems keep more; none promises to.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tuner_langchain.delivery.fs import FileSystem


@dataclass
class _File:
    written: bytearray = field(default_factory=bytearray)
    synced: bytes | None = None


class PowerLossFileSystem(FileSystem):
    """The real file system, and beside it the account of what would survive."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._lock = threading.Lock()
        self._open: dict[int, _File] = {}
        self._now: dict[str, _File] = {}
        self._survives: dict[str, _File] = {}
        self._new_directories: set[str] = set()

    def create(self, path: str) -> int:
        fd = super().create(path)
        with self._lock:
            self._open[fd] = self._now[path] = _File()
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        count = super().write(fd, data)
        with self._lock:
            self._open[fd].written += data[:count]
        return count

    def fsync(self, fd: int) -> None:
        super().fsync(fd)
        with self._lock:
            file = self._open[fd]
            file.synced = bytes(file.written)

    def close(self, fd: int) -> None:
        with self._lock:
            self._open.pop(fd, None)
        super().close(fd)

    def rename(self, source: str, target: str) -> None:
        super().rename(source, target)
        with self._lock:
            if source in self._now:
                self._now[target] = self._now.pop(source)

    def unlink(self, path: str) -> None:
        super().unlink(path)
        with self._lock:
            self._now.pop(path, None)

    def mkdir(self, path: str) -> None:
        super().mkdir(path)
        with self._lock:
            self._new_directories.add(path)

    def sync_directory(self, path: str) -> None:
        super().sync_directory(path)
        with self._lock:
            self._new_directories = {
                known for known in self._new_directories if os.path.dirname(known) != path
            }
            gone = [
                name for name in self._survives if os.path.dirname(name) == path and name not in self._now
            ]
            for name in gone:
                del self._survives[name]
            self._survives.update(
                {name: file for name, file in self._now.items() if os.path.dirname(name) == path}
            )

    def after_power_loss(self, target: Path) -> Path:
        """Write what survives below `target` and return it."""
        with self._lock:
            for name, file in self._survives.items():
                if file.synced is None or self._hangs_on_a_new_directory(name):
                    continue
                path = target / os.path.relpath(name, self._root)
                for folder in (target, path.parent.parent, path.parent):
                    folder.mkdir(mode=0o700, exist_ok=True)
                path.write_bytes(file.synced)
                path.chmod(0o600)
        return target

    def _hangs_on_a_new_directory(self, name: str) -> bool:
        return any(name.startswith(directory + "/") for directory in self._new_directories)
