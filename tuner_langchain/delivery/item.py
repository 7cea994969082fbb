"""One waiting call as a file: its name and its bytes. Pure.

A name carries what may change (how often it was tried) and what a sender has to know before it opens the file
(whose it is, how old it is); renaming needs no space, so state changes on a full disk too. Ids are hashed: a
call_id may hold slashes, and file names show up in places where content should not.

    <created, Unix ms, 13 digits>-<attempts>-<destination>-<call_id's hash>-<nonce>.call

The file is one line of JSON, which describes and guards the rest, and the request body exactly as it is sent.
Neither a key nor an address is in it: a sender uses its own.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from typing import Any, NamedTuple

FORMAT = 1
# A header line holds a call_id of 200 characters, an agent's name and a path; more is no header of ours.
HEADER_LIMIT = 64 * 1024

_NAME = re.compile(
    r"(\d{13})-(\d{1,6})-([0-9a-f]{8})-([0-9a-f]{32})-([0-9a-f]{8})(?:\.([a-z0-9-]{1,32}))?\.call"
)


class CorruptItemError(Exception):
    """The bytes of an item are not what was written."""


class NewerItemError(Exception):
    """An item was written by a later version of this library, which is to send it."""


def destination_of(workspace_id: int, agent_id: str) -> str:
    """Return eight hexadecimal digits that stand for a workspace and agent in file names."""
    text = f"{workspace_id}\n{agent_id}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:8]


class ItemName(NamedTuple):
    """What an item's file name says. `reason` is there for the dead: why, in one word."""

    created_ms: int
    attempts: int
    destination: str
    call_hash: str
    nonce: str
    reason: str | None = None

    @classmethod
    def new(cls, call_id: str, *, created_ms: int, destination: str, nonce: str) -> ItemName:
        """Return the name of a call nobody has tried to send yet."""
        digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return cls(min(max(created_ms, 0), 9_999_999_999_999), 0, destination, digest, nonce)

    @classmethod
    def parse(cls, file_name: str) -> ItemName | None:
        """Return what `file_name` says, or None when it is not an item's."""
        match = _NAME.fullmatch(file_name)
        if match is None:
            return None
        created, attempts, destination, call_hash, nonce, reason = match.groups()
        return cls(int(created), int(attempts), destination, call_hash, nonce, reason)

    @property
    def key(self) -> str:
        """What stays the same while attempts are counted and folders change."""
        return f"{self.created_ms:013d}-{self.destination}-{self.call_hash}-{self.nonce}"

    def tried_once_more(self) -> ItemName:
        """Return the name after one more attempt."""
        return self._replace(attempts=self.attempts + 1)

    def dead(self, reason: str | None) -> ItemName:
        """Return the name in `dead/` with its reason, or with None the name it waits under again."""
        return self._replace(reason=reason)

    def __str__(self) -> str:
        reason = f".{self.reason}" if self.reason else ""
        start = f"{self.created_ms:013d}-{self.attempts}-{self.destination}"
        return f"{start}-{self.call_hash}-{self.nonce}{reason}.call"


class Item(NamedTuple):
    """A call to send: who it belongs to and the exact bytes of its request."""

    workspace_id: int
    agent_id: str
    created_ms: int
    call_id: str
    body: bytes
    recording: dict[str, Any] | None = None
    # It may be sent from several places under this call_id: that Tuner has it already is no conflict.
    shared: bool = False

    def header(self) -> bytes:
        """Return the line that goes before the body."""
        fields: dict[str, Any] = {
            "format": FORMAT,
            "workspace_id": self.workspace_id,
            "agent_id": self.agent_id,
            "created_ms": self.created_ms,
            "call_id": self.call_id,
            "length": len(self.body),
            "crc32": zlib.crc32(self.body),
        }
        if self.recording is not None:
            fields["recording"] = self.recording
        if self.shared:
            fields["shared"] = True
        # ASCII only: a call_id with a lone surrogate is still a line that can be written and read.
        return json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


class Header:
    """A checked header line of `size` bytes: what the rest of the file has to be."""

    __slots__ = ("fields", "size")

    def __init__(self, fields: dict[str, Any], size: int) -> None:
        self.fields = fields
        self.size = size

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return int(self.fields["length"])

    def item(self, body: bytes) -> Item:
        """Return the item when `body` is what was written.

        Raises:
            CorruptItemError: Its length or checksum differs.
        """
        fields = self.fields
        if len(body) != self.length:
            raise CorruptItemError(f"it holds {len(body)} bytes where {self.length} were written")
        if zlib.crc32(body) != fields["crc32"]:
            raise CorruptItemError("its bytes are not those that were written (the checksum differs)")
        return Item(
            workspace_id=fields["workspace_id"],
            agent_id=fields["agent_id"],
            created_ms=fields["created_ms"],
            call_id=fields["call_id"],
            body=body,
            recording=fields.get("recording"),
            shared=fields.get("shared") is True,
        )


_FIELD_TYPES = {
    "workspace_id": int,
    "agent_id": str,
    "created_ms": int,
    "call_id": str,
    "length": int,
    "crc32": int,
}


def read_header(start: bytes) -> Header:
    """Read the header line at the start of a file of which `start` holds the first `HEADER_LIMIT` bytes.

    Raises:
        CorruptItemError: There is none, or it does not say what it must.
        NewerItemError: It is of a later format.
    """
    line, newline, _ = start.partition(b"\n")
    if not newline:
        raise CorruptItemError("it is empty" if not start else "its header line is cut short")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise CorruptItemError("its header line is not JSON") from None
    if not isinstance(fields, dict) or type(fields.get("format")) is not int:
        raise CorruptItemError("its header line names no format")
    if fields["format"] > FORMAT:
        raise NewerItemError(f"it is of format {fields['format']}, newer than {FORMAT}")
    for name, kind in _FIELD_TYPES.items():
        if type(fields.get(name)) is not kind:
            raise CorruptItemError(f"its header line holds no usable {name}")
    recording = fields.get("recording")
    if recording is not None and not isinstance(recording, dict):
        raise CorruptItemError("its header line holds no usable recording")
    return Header(fields, len(line) + 1)
