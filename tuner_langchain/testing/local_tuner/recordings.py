"""A recording's upload target, as a presigned POST of object storage: every field first, the file last."""

from __future__ import annotations

import base64
import hmac
import json
import mimetypes
import re
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.sax.saxutils import escape

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tuner_langchain.testing.local_tuner.answers import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

UPLOAD_PATH = "/recordings"

# What a form may hold beside the file: its fields, boundaries and headers.
FORM_OVERHEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where one recording may be sent, and the fields that prove it."""

    key: str
    fields: dict[str, str]
    content_type: str
    max_bytes: int

    def to_json(self, base_url: str) -> dict[str, Any]:
        """Return the `recording_upload` object of an answer."""
        url = base_url.rstrip("/") + UPLOAD_PATH
        target = {"key": self.key, "fields": self.fields, "content_type": self.content_type}
        return {"url": url, **target, "max_bytes": self.max_bytes}


class UploadError(Exception):
    """An upload that object storage would refuse, with its error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Recordings:
    """The targets that were given out, and the files that came."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._targets: dict[str, UploadTarget] = {}

    def target(self, number: int, extension: str) -> UploadTarget:
        """Return the upload target of a stored call; the same one when it is asked for again."""
        suffix = re.sub(r"[^A-Za-z0-9]+", "", extension)[:16] or "audio"
        key = f"{number:06d}.{suffix}"
        if key not in self._targets:
            content_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
            fields = {"key": key, "Content-Type": content_type, "policy": self._policy(key, content_type)}
            fields["x-amz-signature"] = secrets.token_hex(32)
            self._targets[key] = UploadTarget(key, fields, content_type, self._max_bytes)
        return self._targets[key]

    def _policy(self, key: str, content_type: str) -> str:
        conditions = [{"key": key}, {"Content-Type": content_type}]
        rules = {"conditions": [*conditions, ["content-length-range", 0, self._max_bytes]]}
        return base64.b64encode(json.dumps(rules).encode()).decode()

    def file(self, key: str) -> Path:
        """Return where the recording with this key is, once it has come."""
        return self._directory / key

    async def receive(self, request: Request) -> None:
        """Take one upload.

        Raises:
            UploadError: It is too large or not in the form that object storage asks for.
        """
        self._check_length(request.headers.get("content-length"))
        async with request.form(max_files=1, max_fields=20, max_part_size=16 * 1024) as form:
            items = form.multi_items()
            target = self._target_of([(name, v) for name, v in items if isinstance(v, str)])
            if not items or items[-1][0] != "file" or not isinstance(items[-1][1], UploadFile):
                raise UploadError(400, "InvalidArgument", "The last part should be the one named file.")
            upload = items[-1][1]
            if (upload.size or 0) > target.max_bytes:
                raise UploadError(400, "EntityTooLarge", f"The file has more than {target.max_bytes} bytes.")
            self._keep(target.key, upload.file)

    def _check_length(self, length: str | None) -> None:
        if length is None:
            raise UploadError(411, "MissingContentLength", "Send a Content-Length header.")
        if int(length) > self._max_bytes + FORM_OVERHEAD_BYTES:
            raise UploadError(400, "EntityTooLarge", f"The file has more than {self._max_bytes} bytes.")

    def _target_of(self, given: list[tuple[str, str]]) -> UploadTarget:
        fields = dict(given)
        target = self._targets.get(fields.get("key", ""))
        if target is None:
            raise UploadError(403, "AccessDenied", "The field key names no upload that was given out.")
        for name, expected in target.fields.items():
            if not hmac.compare_digest(fields.get(name, "").encode(), expected.encode()):
                raise UploadError(403, "AccessDenied", f"The field {name} is missing or not as given out.")
        return target

    def _keep(self, key: str, file: BinaryIO) -> None:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        unfinished = self._directory / f"{key}.unfinished"
        with unfinished.open("wb") as kept:
            shutil.copyfileobj(file, kept)
        unfinished.replace(self.file(key))


async def upload_recording(request: Request) -> Response:
    """`POST /recordings`: 204 when the file is kept, and the storage's XML when it is not."""
    desk = request.app.state.desk
    try:
        await desk.recordings.receive(request)
    except UploadError as error:
        refused = error
    except (HTTPException, FormParserError) as error:
        refused = UploadError(400, "MalformedPOSTRequest", f"The form cannot be read: {error}")
    else:
        return Response(status_code=204)
    desk.refusals.append(Refusal(refused.status, f"Recording: {refused}"))
    return _xml_error(refused)


def _xml_error(error: UploadError) -> Response:
    body = f"<Error><Code>{error.code}</Code><Message>{escape(str(error))}</Message></Error>"
    return Response(body, status_code=error.status, media_type="application/xml")
