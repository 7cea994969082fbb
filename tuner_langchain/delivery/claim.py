"""An item in one sender's hands."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tuner_langchain.delivery.item import (
    HEADER_LIMIT,
    CorruptItemError,
    Item,
    ItemName,
    NewerItemError,
    read_header,
)
from tuner_langchain.delivery.policy import LEASE_S

if TYPE_CHECKING:
    from tuner_langchain.delivery.outbox import Outbox

Folder = Literal["new", "upload", "dead"]
_READ_BYTES = 1 << 20


class Unclaimed(NamedTuple):
    """Why an item is not to be sent now: `busy` elsewhere, `gone`, not due until `later`, or nothing of ours."""

    why: Literal["busy", "gone", "later", "foreign", "newer", "corrupt", "unreadable"]
    due_s: float = 0.0
    message: str = ""


class Claim:
    """An item that this thread alone sends, until it is released, removed or buried."""

    __slots__ = ("_outbox", "fd", "folder", "item", "locked", "name")

    item: Item

    def __init__(self, outbox: Outbox, folder: Folder, name: ItemName, fd: int) -> None:
        self._outbox = outbox
        self.folder: Folder = folder
        self.name = name
        self.fd = fd
        self.locked = False

    def read(self, size: int) -> None:
        """Read and check the file, nothing of it when its length is not what its header says.

        Raises:
            CorruptItemError: It is damaged.
            NewerItemError: A later version wrote it.
        """
        start = self._read_up_to(min(size, HEADER_LIMIT))
        header = read_header(start)
        if size != header.size + header.length:
            raise CorruptItemError(f"it has {size} bytes where {header.size + header.length} were written")
        body = start[header.size :] + self._read_up_to(size - len(start))
        self.item = header.item(body)

    def try_read(self, size: int) -> Unclaimed | None:
        """Read the file, or say why it cannot be sent."""
        try:
            self.read(size)
        except CorruptItemError as error:
            return Unclaimed("corrupt", message=f"The file is damaged: {error}.")
        except NewerItemError as error:
            return Unclaimed("newer", message=str(error))
        return None

    def _read_up_to(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._outbox.fs.read(self.fd, min(size, _READ_BYTES))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def begin_attempt(self) -> bool:
        """Note on disk that a request goes out now; False when the item is another's by now.

        What was never noted as tried and yet is known to the server is another call with the same id.
        """
        fs, now_s = self._outbox.fs, self._outbox.wall_s()
        tried = self.name.tried_once_more()
        try:
            if not self.locked:
                fs.utime(self.path, now_s + LEASE_S)
            fs.rename(self.path, self._outbox.path(self.folder, str(tried)))
        except FileNotFoundError:
            return False
        self.name = tried
        return True

    def release(self, due_s: float | None = None) -> None:
        """Let the item wait, until the wall clock shows `due_s` when one is given."""
        if self.fd < 0:
            return
        if due_s is not None or not self.locked:
            with contextlib.suppress(OSError):
                self._outbox.fs.utime(self.path, due_s if due_s is not None else self._outbox.wall_s())
        self._close()

    def remove(self) -> None:
        """Delete the item: Tuner has it."""
        try:
            self._outbox.fs.unlink(self.path)
        except FileNotFoundError:
            pass
        finally:
            self._close()

    def bury(self, reason: str, facts: dict[str, Any]) -> ItemName:
        """Move the item to `dead/` with its reason in the name, and in a file beside it when there is room."""
        outbox, name = self._outbox, self.name.dead(reason)
        try:
            _explain(outbox, name, facts)
            with contextlib.suppress(FileNotFoundError):
                outbox.fs.rename(self.path, outbox.path("dead", str(name)))
        finally:
            self._close()
        return name

    def revive(self) -> None:
        """Let a dead item wait to be sent again, or a waiting one be due now; its attempts stay counted.

        Raises:
            OSError: It cannot be moved.
        """
        outbox, name = self._outbox, self.name.dead(None)
        folder: Folder = "new" if self.folder == "dead" else self.folder
        try:
            outbox.fs.utime(self.path, outbox.wall_s())
            if self.folder == "dead":
                outbox.fs.rename(self.path, outbox.path(folder, str(name)))
                with contextlib.suppress(OSError):
                    outbox.fs.unlink(outbox.path("dead", f"{name.key}.reason.json"))
        finally:
            self._close()

    @property
    def path(self) -> str:
        """Where the item lies now."""
        return self._outbox.path(self.folder, str(self.name))

    def _close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd < 0 or fd not in self._outbox.claimed:
            return
        self._outbox.claimed.discard(fd)
        with contextlib.suppress(OSError):
            if self.locked:
                self._outbox.fs.unlock(fd)
        with contextlib.suppress(OSError):
            self._outbox.fs.close(fd)


class MemoryClaim:
    """A call that could not be written, in one sender's hands: the same moves, without a file."""

    __slots__ = ("_outbox", "item", "name")

    def __init__(self, outbox: Outbox, name: ItemName, item: Item) -> None:
        self._outbox = outbox
        self.name = name
        self.item = item

    def begin_attempt(self) -> bool:
        """Note that a request goes out now."""
        self.name = self.name.tried_once_more()
        return True

    def release(self, due_s: float | None = None) -> None:
        """Let the call wait; the schedule alone knows until when."""

    def remove(self) -> None:
        """Tuner has the call; there is no file to delete."""

    def bury(self, reason: str, facts: dict[str, Any]) -> ItemName:
        """Write the call into `dead/`, now that it is not to be sent.

        Raises:
            OSError: There is still no room for it.
        """
        name = self.name.dead(reason)
        self._outbox.put("dead", str(name), [self.item.header(), self.item.body])
        _explain(self._outbox, name, facts)
        return name


def _explain(outbox: Outbox, name: ItemName, facts: dict[str, Any]) -> None:
    """Put the reason beside a dead item, when there is room; its name says the most important of it."""
    with contextlib.suppress(OSError):
        text = json.dumps(facts, ensure_ascii=True, indent=2).encode("ascii")
        outbox.put("dead", f"{name.key}.reason.json", [text])
