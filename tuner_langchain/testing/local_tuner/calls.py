"""The stored calls: one JSON file each, exactly the bytes that were received."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tuner_langchain.escaping import printable
from tuner_langchain.testing.contract import ROWS, milliseconds

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger("tuner_langchain.local_tuner")


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One stored call: its place on disk, and the few facts a list of calls shows.

    Attributes:
        id: The number this Tuner gave it, from 1.
        call_id: The key it was sent under.
        path: The document's file.
        received_at: When it was stored, in UTC.
        facts: What a list says of the call: kind, length, turns, errors, outcome.
    """

    id: int
    call_id: str
    path: Path
    received_at: datetime
    facts: dict[str, Any]

    @property
    def tuner_call_id(self) -> str:
        """The id in the form of the API's older answers."""
        return f"tc_{self.id:06d}"

    def document(self) -> dict[str, Any]:
        """Read the document back from its file."""
        return dict(json.loads(self.path.read_bytes()))

    def summary(self) -> dict[str, Any]:
        """Return the call's line in the list, as JSON values."""
        at = self.received_at.isoformat(timespec="milliseconds")
        return {"id": self.id, "call_id": self.call_id, "received_at": at, **self.facts}


class CallStore:
    """Calls by `call_id`, in the order they came; a directory that is opened again has its calls again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._calls: dict[str, StoredCall] = {}
        self._changed = threading.Condition()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(directory.glob("*.json")):
            self._load(path)
        self._last_id = max((call.id for call in self._calls.values()), default=0)

    def _load(self, path: Path) -> None:
        try:
            if not path.is_file():  # a pipe would be waited for
                raise ValueError("not a file")  # noqa: TRY301
            document = json.loads(path.read_bytes())
            self._remember(int(path.name.partition("-")[0]), document, path)
        # A directory of that name, half a file, another document, or one that is nested too deeply.
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            logger.warning("%s is not a stored call; it is left as it is", printable(path.name))

    def _remember(self, number: int, document: dict[str, Any], path: Path) -> StoredCall:
        received_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        call = StoredCall(number, document["call_id"], path, received_at, _facts(document))
        self._calls[call.call_id] = call
        return call

    def add(self, document: dict[str, Any], body: bytes) -> tuple[StoredCall, bool]:
        """Store a call unless its `call_id` is here already; return the stored one and whether it is new."""
        with self._changed:
            if known := self._calls.get(document["call_id"]):
                return known, False
            path = self._directory / _file_name(self._last_id + 1, document["call_id"])
            _write_whole(path, body)
            self._last_id += 1
            call = self._remember(self._last_id, document, path)
            self._changed.notify_all()
            return call, True

    def get(self, call_id: str) -> StoredCall | None:
        """Return the call stored under this key."""
        return self._calls.get(call_id)

    def all(self) -> list[StoredCall]:
        """Return every call, the first received first."""
        return list(self._calls.values())

    def wait_for(self, call_id: str, timeout_s: float) -> StoredCall | None:
        """Return the call as soon as it is stored; None when it is not within the time."""
        with self._changed:
            self._changed.wait_for(lambda: call_id in self._calls, timeout_s)
            return self._calls.get(call_id)


def _file_name(number: int, call_id: str) -> str:
    """A name that sorts by arrival and shows the call's id as far as a file name can."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", call_id)[:60].strip("-")
    digest = hashlib.sha256(call_id.encode()).hexdigest()[:8]
    return f"{number:06d}-{readable or 'call'}-{digest}.json"


def _write_whole(path: Path, body: bytes) -> None:
    """Write a file that is there whole or not at all, and readable by its owner only."""
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
    unfinished.replace(path)


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    start, end = (milliseconds(document[f"{edge}_timestamp"]) for edge in ("start", "end"))
    rows = document[ROWS]
    outcome = ("call_status", "disconnection_reason", "call_successful")
    return {
        "call_type": document["call_type"],
        "start_timestamp_ms": start,
        "duration_ms": end - start if document.get("duration_ms") is None else document["duration_ms"],
        "rows": len(rows),
        "turns": sum(row["role"] == "user" for row in rows),
        "errors": sum(_failed(row) for row in rows),
        **{name: document.get(name) for name in outcome},
    }


def _failed(row: dict[str, Any]) -> bool:
    return bool(row.get("tool", {}).get("is_error") or row.get("metadata", {}).get("error"))
