"""A document out of bytes or a file, or the error that says why there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tuner_langchain.errors import TunerError

if TYPE_CHECKING:
    from pathlib import Path


class NoSuchCallError(TunerError, LookupError):
    """No call is where it was looked for. The message says where that was."""


def read_document(data: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object in `data`.

    Raises:
        NoSuchCallError: It is no JSON object.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise NoSuchCallError(f"{name} holds no call: it is not a JSON object.")
    return document


def from_file(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        NoSuchCallError: The file cannot be read, or is no JSON object.
    """
    try:
        return read_document(path.read_bytes(), str(path))
    except (OSError, MemoryError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is too large"
        raise NoSuchCallError(f"{path} cannot be read: {why}.") from None
