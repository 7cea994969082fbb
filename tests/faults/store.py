"""What the server knows afterwards: the calls it stored, the uploads, and every request it saw."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from faults.wire import Request

_KEPT_BODY_BYTES = 200_000


class Store:
    """Calls by call_id in a file that outlives the server; the request log in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._changed = threading.Condition()
        self.calls: dict[str, dict[str, Any]] = {}
        self.bodies: dict[str, str] = {}
        self.changed_bodies: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.uploads: list[dict[str, Any]] = []

    def clear(self) -> None:
        with self._changed:
            os.ftruncate(self._file, 0)
            for kept in (self.calls, self.bodies, self.changed_bodies, self.requests, self.uploads):
                kept.clear()

    def note(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Log one request; the entry is filled in while the request is handled."""
        with self._changed:
            entry["n"] = len(self.requests)
            entry["at_s"] = time.monotonic()
            self.requests.append(entry)
            self._changed.notify_all()
        return entry

    def keep(self, request: Request) -> tuple[str, bool]:
        """Store a call; return its call_id and whether it is new."""
        document = request.document()
        call_id = str(document.get("call_id"))
        digest = hashlib.sha256(request.body).hexdigest()
        with self._changed:
            known = self.calls.get(call_id)
            if known is not None:
                if known["sha256"] != digest:
                    self.changed_bodies.append(call_id)
                return call_id, False
            record = {"call_id": call_id, "sha256": digest, "bytes": len(request.body), **request.query}
            metadata = document.get("metadata")
            record["nonce"] = metadata.get("nonce") if isinstance(metadata, dict) else None
            os.write(self._file, json.dumps(record).encode() + b"\n")
            self.calls[call_id] = record
            if len(request.body) <= _KEPT_BODY_BYTES:
                self.bodies[call_id] = request.body.decode(errors="replace")
            self._changed.notify_all()
        return call_id, True

    def keep_upload(self, request: Request) -> None:
        with self._changed:
            body = bytes(request.body)
            self.uploads.append(
                {
                    "path": request.path,
                    "type": request.header("content-type"),
                    "authorization": request.header("authorization"),
                    "bytes": len(body),
                    "body": body[:4_000].decode("latin-1"),
                }
            )
            self._changed.notify_all()

    def wait_requests(self, count: int, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, timeout_s)

    def wait_calls(self, count: int, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.calls) >= count, timeout_s)

    def wait_uploads(self, count: int, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.uploads) >= count, timeout_s)
