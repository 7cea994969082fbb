"""Calls that wait in an outbox, or were refused there. The outbox's keeper reads its files; nothing here does.

What waits for the upload of a recording is no call: it is the place that Tuner named for the audio, with fields that
are as good as a key. It is never shown.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tuner_langchain.delivery.upkeep import Upkeep
from tuner_langchain.view.documents import NoSuchCallError, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from tuner_langchain.delivery.upkeep import KeptCall

NOT_SHOWN = "the call is at Tuner; what is kept here is where its recording goes, and that is not shown"


def holds_call(kept: KeptCall) -> bool:
    """Say whether an item is a call, not the upload of a recording."""
    return kept.state != "upload" and kept.reason != "upload-failed"


def document(call_id: str, root: Path) -> dict[str, Any] | None:
    """Return a call that waits in an outbox or was refused there; None when there is none, or no outbox.

    Raises:
        NoSuchCallError: Only its recording is there, or its file cannot be read.
        OutboxError: The directory cannot be trusted or used.
    """
    if not os.path.isdir(os.path.join(root, "v1")):  # to look must not make an outbox
        return None
    upkeep = Upkeep(root.absolute())
    found = [kept for kept in upkeep.calls(call_id) if kept.call_id == call_id]
    found.sort(key=holds_call, reverse=True)
    return _body(upkeep, found[0]) if found else None


def is_item(path: Path) -> bool:
    """Say whether a file is one of an outbox."""
    return path.suffix == ".call" and path.absolute().parent.parent.name == "v1"


def document_of(path: Path) -> dict[str, Any]:
    """Return the call in a file of an outbox.

    Raises:
        NoSuchCallError: It is a recording's upload, or it cannot be read.
        OutboxError: The directory cannot be trusted or used.
    """
    upkeep = Upkeep(path.absolute().parents[2])
    for kept in upkeep.calls(path.name):
        if os.path.samefile(kept.file, path):
            return _body(upkeep, kept)
    raise NoSuchCallError(f"{path} is no call that waits, and none that was refused.")


def _body(upkeep: Upkeep, kept: KeptCall) -> dict[str, Any]:
    name = f"{kept.call_id or kept.file!r}"
    if not holds_call(kept):
        raise NoSuchCallError(f"{name}: {NOT_SHOWN}.")
    body = upkeep.body(kept)
    if body is None:
        raise NoSuchCallError(
            f"{name}: its file in the outbox cannot be read; it was sent meanwhile, or is damaged."
        )
    return read_document(body, name)
