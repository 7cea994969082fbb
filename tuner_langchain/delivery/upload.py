"""The recording's way: from the answer that names its place to the storage that takes it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tuner_langchain.delivery.answer import Answer
from tuner_langchain.delivery.claim import Claim, MemoryClaim, Unclaimed
from tuner_langchain.delivery.notes import failed
from tuner_langchain.delivery.policy import UPLOAD_LIMIT_DAYS, item_backoff_s
from tuner_langchain.delivery.schedule import Entry

if TYPE_CHECKING:
    from tuner_langchain.delivery.item import Item
    from tuner_langchain.delivery.notes import Notes
    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.receipt import Receipt

_RETRIED = (408, 425, 429)
_BUSY_S = 5.0
# What would break out of a request's line or a part's header.
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?: ?;[\x20-\x7e]*)?", re.ASCII)


class UploadTarget:
    """A presigned POST as Tuner's answer gives it. Its fields are as good as a key: they are never shown."""

    __slots__ = ("content_type", "fields", "max_bytes", "url")

    def __init__(self, url: str, fields: dict[str, str], content_type: str, max_bytes: int | None) -> None:
        self.url = url
        self.fields = fields
        self.content_type = content_type
        self.max_bytes = max_bytes

    @classmethod
    def read(cls, fields: dict[str, Any], *, allow_http: bool) -> UploadTarget | None:
        """Return the target, or None when it is none that audio should be sent to."""
        url, form, limit = fields.get("url"), fields.get("fields"), fields.get("max_bytes")
        if not isinstance(url, str) or not isinstance(form, dict) or _ODD.search(url):
            return None
        try:
            parts = urlsplit(url)
            port = parts.port
            (parts.hostname or "").encode("idna")
        except ValueError:  # a UnicodeError is one, too
            return None
        if (
            port == 0
            or not parts.hostname
            or parts.scheme not in (("https", "http") if allow_http else ("https",))
        ):
            return None
        return cls(
            url=url,
            fields={str(name): str(value) for name, value in form.items()},
            content_type=_media_type(fields.get("content_type")),
            max_bytes=limit if isinstance(limit, int) and not isinstance(limit, bool) else None,
        )

    def __repr__(self) -> str:
        return "UploadTarget(***)"


def _media_type(value: object) -> str:
    usable = isinstance(value, str) and _MEDIA_TYPE.fullmatch(value)
    return str(value) if usable else "application/octet-stream"


class Uploads:
    """Uploads the recordings of one process' calls, each as durable as its call."""

    def __init__(self, process: Process, notes: Notes) -> None:
        self._process = process
        self._notes = notes

    def prepare(
        self, claim: Claim | MemoryClaim, target: dict[str, Any] | None, receipt: Receipt | None
    ) -> Entry | None:
        """Note where a delivered call's recording goes before the call's own file is deleted."""
        item = claim.item
        if item.recording is None:
            return None
        name = claim.name._replace(attempts=0, reason=None)
        found = self._process.outbox.find(name.key) if target is None and claim.name.attempts > 1 else None
        if (
            found is not None and found[0] == "upload"
        ):  # an earlier answer named it, and this one says "already"
            return Entry(found[1], folder="upload", receipt=receipt)
        if target is None:
            why = "Tuner's answer named no place for it" + (
                ", or the answer that did was lost on its way." if claim.name.attempts > 1 else "."
            )
            self._failed(item, receipt, why)
            return None
        upload = item._replace(body=json.dumps(target).encode())
        if receipt is not None:
            receipt.update(upload="pending")
        try:
            self._process.outbox.put("upload", str(name), [upload.header(), upload.body])
        except OSError:  # no room: it is uploaded all the same, as long as this process lives
            return Entry(name, folder="upload", receipt=receipt, memory=upload)
        return Entry(name, folder="upload", receipt=receipt)

    def send(self, entry: Entry, *, timeout_s: float | None) -> None:
        """Try once to upload."""
        process = self._process
        claim: Claim | MemoryClaim | Unclaimed
        if entry.memory is not None:
            claim = MemoryClaim(process.outbox, entry.name, entry.memory)
        else:
            with process.lock:
                due_only = process.schedule.due_only(entry)
            claim = process.outbox.claim("upload", entry.file, due_only=due_only)
            if isinstance(claim, Unclaimed) and claim.why in ("busy", "later"):
                process.wait_or_drop(entry, claim.due_s or _BUSY_S)
                return
        if isinstance(claim, Unclaimed) or not claim.begin_attempt():
            process.drop(entry)
            return
        try:
            entry.file = str(claim.name)
            why = self._upload(claim.item, claim.name.key, timeout_s)
            self._apply(entry, claim, why)
        finally:
            claim.release()

    def _upload(self, item: Item, key: str, timeout_s: float | None) -> str | Answer:
        """Return the storage's answer, or why nothing was sent to it."""
        recording = item.recording or {}
        target = self._target(item)
        if target is None:
            return "Tuner's answer named no place that audio can be sent to."
        path = recording.get("path") or self._process.outbox.path("audio", key)
        try:
            audio = open(path, "rb")  # noqa: SIM115 - closed below; opening is what can fail
        except (OSError, ValueError) as error:
            return f"Its file cannot be read ({getattr(error, 'strerror', None) or 'no path'})."
        with audio:
            size = os.fstat(audio.fileno()).st_size
            if target.max_bytes is not None and size > target.max_bytes:
                return f"It has {size} bytes; Tuner takes {target.max_bytes}."
            extension = str(recording.get("extension") or "bin")
            return self._process.http_client().upload(target, audio, size, extension, timeout_s=timeout_s)

    def _target(self, item: Item) -> UploadTarget | None:
        allow_http = self._process.parts.config.base_url.startswith("http:")
        with contextlib.suppress(ValueError):
            fields = json.loads(item.body)
            if isinstance(fields, dict):
                return UploadTarget.read(fields, allow_http=allow_http)
        return None

    def _apply(self, entry: Entry, claim: Claim | MemoryClaim, result: str | Answer) -> None:
        process, item, name = self._process, claim.item, claim.name
        status = result.status if isinstance(result, Answer) else None
        if status in (200, 201, 204):
            claim.remove()
            self._notes.drop(name.key)
            process.outbox.drop_audio(name.key)
            self._finish(entry, "uploaded")
            if entry.receipt is not None:
                entry.receipt.update(upload="uploaded")
            process.tell("uploaded", item.call_id, "The recording is uploaded.", status)
            return
        if (
            isinstance(result, Answer)
            and _may_pass(result)
            and self._note(entry, result) <= UPLOAD_LIMIT_DAYS
        ):
            pause_s = item_backoff_s(name.attempts, process.runtime.random(), others_pass=False)
            claim.release(process.runtime.wall_s() + pause_s)
            process.wait_again(entry, pause_s)
            return
        why = result if isinstance(result, str) else _refused(result)
        with contextlib.suppress(OSError):
            at_ms = int(process.runtime.wall_s() * 1000)
            facts = {"call_id": item.call_id, "reason": "upload-failed", "message": why, "at_ms": at_ms}
            claim.bury("upload-failed", facts)
            self._notes.drop(name.key)
        self._finish(entry, "uploads_failed")
        self._failed(item, entry.receipt, why, count=False)

    def _note(self, entry: Entry, answer: Answer) -> int:
        """Note why the recording waits; return on how many different days its upload failed."""
        process = self._process
        entry.note = failed(
            entry.note or self._notes.read(entry.key),
            state="waiting",
            reason=f"http-{answer.status}" if answer.status is not None else str(answer.failure),
            message=_refused(answer),
            status=answer.status,
            now_ms=int(process.runtime.wall_s() * 1000),
        )
        if entry.memory is None:
            self._notes.write(entry.key, entry.note)
        return entry.note.days

    def _finish(self, entry: Entry, count: str) -> None:
        process = self._process
        with process.lock:
            process.schedule.drop(entry)
            setattr(process.counters, count, getattr(process.counters, count) + 1)
            process.lock.notify_all()

    def _failed(self, item: Item, receipt: Receipt | None, why: str, *, count: bool = True) -> None:
        process = self._process
        if count:
            with process.lock:
                process.counters.uploads_failed += 1
        message = f"The call is at Tuner, but its recording is not: {why} Upload it by other means."
        if receipt is not None:
            receipt.update(upload="failed", upload_message=message)
        process.log.call(logging.ERROR, "call %s: %s", item.call_id, message)
        process.tell("upload_failed", item.call_id, message)


def _may_pass(answer: Answer) -> bool:
    """Tell trouble that may pass by itself from a refusal, and from a request that cannot even be made."""
    if answer.status is None:
        return answer.failure != "internal"
    return answer.status >= 500 or answer.status in _RETRIED


def _refused(answer: Answer) -> str:
    if answer.status is not None:
        return f"The storage answered with status {answer.status}."
    if answer.failure == "internal":
        return f"Tuner's answer named a place that no request can be made to ({answer.detail})."
    return f"The storage could not be reached ({answer.detail})."
