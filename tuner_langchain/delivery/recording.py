"""The audio of a call, as the application gives it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

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
