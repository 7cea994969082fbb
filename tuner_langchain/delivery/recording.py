"""A call's recording on its way to the place Tuner names for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Recording:
    """The audio of a call, to be uploaded after Tuner has stored the call.

    Args:
        audio: A file's path, the bytes, or a file object opened for reading bytes. A path is read when the
            upload happens, so the file has to stay until then; bytes and file objects are copied into the
            outbox.
        file_extension: What the call's `recording_file_extension` says, like `wav`.
    """

    audio: str | os.PathLike[str] | bytes | BinaryIO
    file_extension: str

    def path(self) -> str | None:
        """Return the absolute path of audio that lies in a file of the user's, or None when it must be copied."""
        if isinstance(self.audio, str | os.PathLike):
            return os.path.abspath(os.fspath(self.audio))
        return None

    def chunks(self) -> Iterator[bytes]:
        """Yield audio that must be copied, a piece at a time."""
        if isinstance(self.audio, bytes | bytearray | memoryview):
            yield bytes(self.audio)
        elif not isinstance(self.audio, str | os.PathLike):
            while chunk := self.audio.read(_CHUNK_BYTES):
                yield chunk

    def __repr__(self) -> str:
        return f"Recording(<{type(self.audio).__name__}>, {self.file_extension!r})"


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
        if not isinstance(url, str) or not isinstance(form, dict):
            return None
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        if not parts.hostname or parts.scheme not in (("https", "http") if allow_http else ("https",)):
            return None
        return cls(
            url=url,
            fields={str(name): str(value) for name, value in form.items()},
            content_type=str(fields.get("content_type") or "application/octet-stream"),
            max_bytes=limit if isinstance(limit, int) and not isinstance(limit, bool) else None,
        )

    def __repr__(self) -> str:
        return "UploadTarget(***)"
