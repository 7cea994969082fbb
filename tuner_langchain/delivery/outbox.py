"""The outbox on disk: one file per call, its state in its name and folder.

    <root>/v1/tmp/      being written; nobody reads here
    <root>/v1/new/      waiting to be sent
    <root>/v1/upload/   stored at Tuner, its recording still to be uploaded
    <root>/v1/audio/    recordings that wait
    <root>/v1/dead/     refused for good, with the reason beside each
    <root>/v1/why/      why calls wait: notes that nothing depends on

Several processes may share it. A sender holds the kernel's lock on the file it sends, so a claim ends with
the process that made it; where files know no lock, a rename and a due time stand in for it (a lease). A
claim that goes wrong costs one request more, which Tuner answers with "already there".
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import os
import secrets
import stat
from itertools import islice
from typing import TYPE_CHECKING

from tuner_langchain.delivery.claim import Claim, Folder, Unclaimed
from tuner_langchain.delivery.item import ItemName
from tuner_langchain.delivery.place import Place
from tuner_langchain.delivery.policy import longest_pause_s
from tuner_langchain.delivery.trust import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tuner_langchain.delivery.fs import FileSystem

FOLDERS = ("tmp", "new", "upload", "audio", "dead", "why")
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL}


class Outbox:
    """The files of waiting calls below one directory."""

    def __init__(
        self, root: Path, *, files: FileSystem, wall_s: Callable[[], float], fsync: bool = True
    ) -> None:
        self.root = root
        self._base = os.path.join(os.fspath(root), "v1")
        self.fs = files
        self.wall_s = wall_s
        self.fsync = fsync
        self._leases = False
        self.claimed: set[int] = set()
        self.place = Place(files, self.path("new"))

    def prepare(self) -> None:
        """Create the directories, or check that those that are there can be trusted.

        Raises:
            OutboxError: A directory is a link, another user's, open to others, or cannot be made.
        """
        own = [self._base, *(self.path(folder) for folder in FOLDERS)]
        prepare(self.fs, os.fspath(self.root), own, fsync=self.fsync)

    def path(self, *parts: str) -> str:
        """Return a path within the outbox."""
        return os.path.join(self._base, *parts)

    # Writing

    def put(self, folder: str, file_name: str, parts: Sequence[bytes | memoryview]) -> None:
        """Write a file so that it is there whole or not at all, on the disk when this returns.

        Raises:
            OSError: It is not there; nothing is left behind.
        """
        try:
            self._put_stream(folder, file_name, parts)
        except FileNotFoundError:  # somebody removed the directory while we run
            self.prepare()
            self._put_stream(folder, file_name, parts)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # After a failed fsync the kernel may have dropped the pages: only a new file can be trusted.
            self._put_stream(folder, file_name, parts)

    def put_unsynced(self, folder: str, file_name: str, data: bytes) -> None:
        """Write a file that may be gone after a power cut, in the place of the one before."""
        self._put_stream(folder, file_name, [data], fsync=False)

    def _put_stream(
        self, folder: str, file_name: str, parts: Iterable[bytes | memoryview], *, fsync: bool = True
    ) -> int:
        temporary = self.path("tmp", f"{secrets.token_hex(8)}.{file_name}")
        target = self.path(folder, file_name)
        size = 0
        fd = self.fs.create(temporary)
        try:
            try:
                self.fs.fchmod(fd, 0o600)
                for part in parts:
                    size += self._write_all(fd, memoryview(part))
                if fsync and self.fsync:
                    self.fs.fsync(fd)
            finally:
                self.fs.close(fd)
            self.fs.rename(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                self.fs.unlink(temporary)
            raise
        if fsync and self.fsync:
            self._sync_name(folder, target)
        return size

    def _sync_name(self, folder: str, target: str) -> None:
        try:
            self.fs.sync_directory(self.path(folder))
        except OSError:
            # It may not survive a power cut, so it does not count as written; nobody is to find it later.
            with contextlib.suppress(OSError):
                self.fs.unlink(target)
            raise

    def _write_all(self, fd: int, data: memoryview) -> int:
        rest = data
        while rest:
            written = self.fs.write(fd, rest)
            if written <= 0:
                raise OSError(errno.EIO, "nothing was written")
            rest = rest[written:]
        return len(data)

    def put_audio(self, key: str, parts: Iterable[bytes]) -> int:
        """Keep a recording beside its call and return its bytes."""
        return self._put_stream("audio", key, parts)

    def drop_audio(self, key: str) -> None:
        """Delete a recording that is not needed any more."""
        with contextlib.suppress(OSError):
            self.fs.unlink(self.path("audio", key))

    # Looking

    def names(self, folder: Folder, destination: str | None = None) -> Iterator[ItemName]:
        """Yield the items in a folder in no order, one by one; files that are no items are passed over."""
        try:
            for file_name in self.fs.names(self.path(folder)):
                name = ItemName.parse(file_name)
                if name is not None and destination in (None, name.destination):
                    yield name
        except FileNotFoundError:
            return

    def oldest(self, folder: Folder, destination: str, *, after: str, limit: int) -> list[str]:
        """Return the next `limit` file names of a destination after `after`, oldest first.

        However many lie there, no more than `limit` are held in memory, and only those are looked at closely.
        """
        mark = f"-{destination}-"
        with contextlib.suppress(FileNotFoundError):
            found = (name for name in self.fs.names(self.path(folder)) if name > after and mark in name)
            return heapq.nsmallest(limit, found)
        return []

    def any_of(self, folder: Folder, destination: str, *, limit: int) -> list[str]:
        """Return up to `limit` file names of a destination in no order, without reading the whole directory."""
        mark = f"-{destination}-"
        with contextlib.suppress(FileNotFoundError):
            found = (name for name in self.fs.names(self.path(folder)) if mark in name)
            return list(islice(found, limit))
        return []

    def foreign(self, folder: Folder) -> list[str]:
        """Return names in a folder that are no item's, at most 20: somebody else put them there."""
        found: list[str] = []
        with contextlib.suppress(OSError):
            for file_name in self.fs.names(self.path(folder)):
                if ItemName.parse(file_name) is None and not file_name.endswith(".reason.json"):
                    found.append(ascii(file_name))
                    if len(found) == 20:
                        break
        return found

    def find(self, key: str) -> tuple[Folder, ItemName] | None:
        """Return where the call with this key lies, wherever another process has moved it."""
        for folder in _LIVING_THEN_DEAD:
            for name in self.names(folder):
                if name.key == key:
                    return folder, name
        return None

    def count(self, folder: Folder, destination: str) -> int:
        """Return how many items of a destination lie in a folder, by their names alone: there may be many."""
        mark = f"-{destination}-"
        with contextlib.suppress(FileNotFoundError):
            return sum(mark in name and name.endswith(".call") for name in self.fs.names(self.path(folder)))
        return 0

    def size_bytes(self) -> int:
        """Return the bytes of everything in the outbox, as it is on disk now."""
        total = 0
        for folder in FOLDERS:
            with contextlib.suppress(OSError):
                total += sum(size for _, size, _ in self.fs.sizes(self.path(folder)))
        return total

    def space(self) -> tuple[int, int] | None:
        """Return the free and the total bytes of the outbox's file system; None when it cannot be asked."""
        try:
            return self.fs.space(self._base)
        except OSError:
            return None

    # Claiming

    def claim(self, folder: Folder, file_name: str, *, due_only: bool = True) -> Claim | Unclaimed:
        """Take an item for sending, so that no other thread or process sends it at the same time.

        Args:
            folder: Where it waits.
            file_name: Its name.
            due_only: Leave it when another process has noted that it is not due yet.
        """
        name = ItemName.parse(file_name)
        if name is None:
            return Unclaimed("foreign", message=f"{file_name!a} is no item")
        try:
            fd = self.fs.open(self.path(folder, file_name))
        except FileNotFoundError:
            return Unclaimed("gone")
        except OSError as error:
            return Unclaimed("unreadable", message=f"it cannot be opened ({error.strerror})")
        self.claimed.add(fd)
        claim = Claim(self, folder, name, fd)
        try:
            refused = self._lock_and_read(claim, due_only=due_only)
        except OSError as error:
            refused = Unclaimed("unreadable", message=f"it cannot be read ({error.strerror})")
        except BaseException:
            claim.release()
            raise
        if refused is None:
            return claim
        if refused.why == "corrupt":
            claim.bury("corrupt", {"reason": "corrupt", "message": refused.message})
        else:
            claim.release()
        return refused

    def _lock_and_read(self, claim: Claim, *, due_only: bool) -> Unclaimed | None:
        if not self._lock(claim):
            return Unclaimed("busy")
        status = self.fs.fstat(claim.fd)
        if status.st_nlink == 0:
            return Unclaimed("gone")
        if not stat.S_ISREG(status.st_mode):
            return Unclaimed("foreign", message="it is no file")
        wait_s = status.st_mtime - self.wall_s()
        if due_only and 0 < wait_s <= longest_pause_s(claim.name.attempts):
            return Unclaimed("later", due_s=wait_s)
        return claim.try_read(status.st_size)

    def _lock(self, claim: Claim) -> bool:
        if self._leases:
            return True
        try:
            claim.locked = self.fs.flock(claim.fd)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self._leases = True
            return True
        return claim.locked

    def close_inherited(self) -> None:
        """Close, in a forked child, the items its parent is sending: their locks stay the parent's alone."""
        self.place.close()
        inherited, self.claimed = self.claimed, set()
        for fd in inherited:
            with contextlib.suppress(OSError):
                self.fs.close(fd)


_LIVING_THEN_DEAD: tuple[Folder, ...] = ("new", "upload", "dead")
