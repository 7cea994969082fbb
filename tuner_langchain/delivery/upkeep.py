"""Looking after an outbox by hand: what waits and why, trying the dead again, taking calls out.

Safe while senders run: nothing here changes an item that a sender has in its hands.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from tuner_langchain.delivery.claim import Claim, Unclaimed
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.item import (
    HEADER_LIMIT,
    CorruptItemError,
    ItemName,
    NewerItemError,
    read_header,
)
from tuner_langchain.delivery.notes import Notes
from tuner_langchain.delivery.outbox import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from tuner_langchain.delivery.claim import Folder

KeptState = Literal["waiting", "held", "upload", "dead"]
_SHOWN = ("reason", "message", "status", "state", "since_ms", "at_ms")
_STATES: dict[Folder, KeptState] = {"new": "waiting", "upload": "upload", "dead": "dead"}
# Sending these again would report another call's record, or a missing one, as success.
NOT_RETRIED = {
    "conflict": "Tuner has another call's record under this call_id; export the call and give it an id of its own",
    "corrupt": "its file is damaged",
    "upload-failed": "the call is at Tuner; its recording has to be uploaded by other means",
}


@dataclass(frozen=True, slots=True)
class KeptCall:
    """One call in an outbox.

    Args:
        call_id: Its id; None when the file cannot be read.
        state: Whether it waits to be sent, is held by a wrong setting, waits for its recording's upload, or is dead.
        created_ms: When it was finished, Unix milliseconds.
        attempts: Requests that were begun for it.
        due_ms: When it is tried again at the earliest, when a sender has noted that.
        bytes: The size of its file.
        workspace_id: The workspace it goes to.
        agent_id: The agent it is of.
        reason: Why it waits or is dead, in one word; None when nothing is known.
        message: The same in a sentence.
        since_ms: Since when it fails for this reason, or when it died, Unix milliseconds.
        file: Its file.
    """

    call_id: str | None
    state: KeptState
    created_ms: int
    attempts: int
    due_ms: int | None
    bytes: int
    workspace_id: int | None
    agent_id: str | None
    reason: str | None
    message: str | None
    since_ms: int | None
    file: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


class Upkeep:
    """An outbox as its keeper sees it; no key is needed.

    Raises:
        OutboxError: The directory cannot be trusted or used.
    """

    def __init__(self, root: Path) -> None:
        self._fs = FileSystem()
        self.outbox = Outbox(root, files=self._fs, wall_s=time.time)
        self.outbox.prepare()
        self._notes = Notes(self.outbox)

    def calls(self, wanted: str | None = None) -> list[KeptCall]:
        """Return the calls, oldest first; with `wanted`, those with this call_id or whose file begins so."""
        found: list[KeptCall] = []
        for folder in _STATES:
            for name in self.outbox.names(folder):
                kept = self._read(folder, name)
                if kept is not None and (wanted is None or _is(kept, name, wanted)):
                    found.append(kept)
        return sorted(found, key=lambda kept: kept.file.rpartition(os.sep)[2])

    def _read(self, folder: Folder, name: ItemName) -> KeptCall | None:
        path = self.outbox.path(folder, str(name))
        try:
            fd = self._fs.open(path)
        except OSError:  # sent or moved since it was listed
            return None
        try:
            status = self._fs.fstat(fd)
            start = self._fs.read(fd, HEADER_LIMIT)
        except OSError:
            return None
        finally:
            self._fs.close(fd)
        fields: dict[str, Any] = {}
        with contextlib.suppress(CorruptItemError, NewerItemError):
            fields = read_header(start).fields
        explained = self._explained(folder, name)
        due_s = status.st_mtime if folder != "dead" and name.attempts else 0.0
        return KeptCall(
            call_id=fields.get("call_id"),
            state="held" if folder == "new" and explained.get("state") == "held" else _STATES[folder],
            created_ms=name.created_ms,
            attempts=name.attempts,
            due_ms=int(due_s * 1000) if due_s > time.time() else None,
            bytes=status.st_size,
            workspace_id=fields.get("workspace_id"),
            agent_id=fields.get("agent_id"),
            reason=name.reason or _text(explained.get("reason")),
            message=_text(explained.get("message")),
            since_ms=since
            if type(since := explained.get("since_ms", explained.get("at_ms"))) is int
            else None,
            file=path,
        )

    def _explained(self, folder: Folder, name: ItemName) -> dict[str, Any]:
        if folder == "dead":
            return self._reason(name)
        own = self._notes.read(name.key) if name.attempts else None
        everybody = self._notes.read(name.destination) if folder == "new" else None
        notes = [note for note in (own, everybody) if note is not None]
        if not notes:
            return {}
        note = max(notes, key=lambda note: note.at_ms)
        return {field: getattr(note, field) for field in _SHOWN}

    def _reason(self, name: ItemName) -> dict[str, Any]:
        try:
            fd = self._fs.open(self.outbox.path("dead", f"{name.key}.reason.json"))
        except OSError:  # there was no room for it
            return {}
        try:
            explained = json.loads(self._fs.read(fd, HEADER_LIMIT))
        except (OSError, ValueError):
            return {}
        finally:
            self._fs.close(fd)
        return explained if isinstance(explained, dict) else {}

    def explanation(self, kept: KeptCall) -> dict[str, Any]:
        """Return everything that was noted: why a call waits, or why it died and what the server answered."""
        return self._explained(_folder(kept), _name(kept))

    def body(self, kept: KeptCall) -> bytes | None:
        """Return the request body, or None when it is gone, being sent or damaged."""
        fd = -1
        try:
            fd = self._fs.open(kept.file)
            claim = Claim(self.outbox, _folder(kept), _name(kept), fd)
            claim.read(self._fs.fstat(fd).st_size)
        except (OSError, CorruptItemError, NewerItemError):
            return None
        else:
            return claim.item.body
        finally:
            if fd >= 0:
                self._fs.close(fd)

    def retry(self, kept: KeptCall) -> str | None:
        """Let a dead call wait to be sent again, or a waiting one be due now; return why not, or None.

        A running sender finds it within a minute.
        """
        if kept.state == "dead" and kept.reason in NOT_RETRIED:
            return NOT_RETRIED[kept.reason]
        claim = self.outbox.claim(_folder(kept), os.path.basename(kept.file), due_only=False)
        if isinstance(claim, Unclaimed):
            return "it is being sent just now" if claim.why == "busy" else f"it cannot be taken ({claim.why})"
        claim.revive()
        return None

    def export(self, kept: KeptCall, directory: Path) -> Path | None:
        """Write a call's request body into a directory as JSON, readable by its owner alone; return the file."""
        body = self.body(kept)
        if body is None:
            return None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = directory / f"{_name(kept).key}.json"
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(body)
        return target


def _folder(kept: KeptCall) -> Folder:
    return "new" if kept.state in ("waiting", "held") else "dead" if kept.state == "dead" else "upload"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _name(kept: KeptCall) -> ItemName:
    name = ItemName.parse(os.path.basename(kept.file))
    assert name is not None  # it was made from a name
    return name


def _is(kept: KeptCall, name: ItemName, wanted: str) -> bool:
    return kept.call_id == wanted or str(name).startswith(wanted)
