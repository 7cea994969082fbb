"""Deleting what crashes left in an outbox, and nothing that a waiting call needs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.delivery.claim import Folder
    from tuner_langchain.delivery.item import ItemName
    from tuner_langchain.delivery.outbox import Outbox

# What a crash left is swept after this; a slow writer is not that slow.
LEFTOVER_S = 3600.0
# A directory's time is as coarse as the kernel's tick; a change just before the reading may look like none.
_QUIET_S = 1.0
_WITH_ITEMS: tuple[Folder, ...] = ("new", "upload", "dead")


def sweep(outbox: Outbox) -> int | None:
    """Delete old files in `tmp/`, and recordings and notes whose call is in no folder; return how many.

    None when it is not known which calls there are, because files were renamed meanwhile: try again later.
    """
    oldest_s = outbox.wall_s() - LEFTOVER_S
    swept = _unlink(outbox, "tmp", _older(outbox, "tmp", oldest_s))
    audio, notes = _older(outbox, "audio", oldest_s), _older(outbox, "why", oldest_s)
    if not audio and not notes:
        return swept
    names = all_items(outbox)
    if names is None:
        return None
    keys = {name.key for name in names}
    noted = {f"{name}.json" for name in keys | {name.destination for name in names}}
    swept += _unlink(outbox, "audio", (name for name in audio if name not in keys))
    return swept + _unlink(outbox, "why", (name for name in notes if name not in noted))


def all_items(outbox: Outbox) -> list[ItemName] | None:
    """Return every item there is, or None when the folders changed while they were read.

    A file that is renamed while its directory is read may be missed. What decides about deleting must not miss one,
    so a reading counts only when no name changed from its beginning to its end.
    """
    before = _changed_s(outbox)
    if before is None or max(before) > outbox.wall_s() - _QUIET_S:
        return None
    names = [name for folder in _WITH_ITEMS for name in outbox.names(folder)]
    return names if _changed_s(outbox) == before else None


def _changed_s(outbox: Outbox) -> list[float] | None:
    try:
        return [outbox.fs.lstat(outbox.path(folder)).st_mtime for folder in _WITH_ITEMS]
    except OSError:
        return None


def _older(outbox: Outbox, folder: str, oldest_s: float) -> list[str]:
    with contextlib.suppress(OSError):
        return [name for name, _, modified_s in outbox.fs.sizes(outbox.path(folder)) if modified_s < oldest_s]
    return []


def _unlink(outbox: Outbox, folder: str, names: Iterable[str]) -> int:
    count = 0
    for name in names:
        with contextlib.suppress(OSError):
            outbox.fs.unlink(outbox.path(folder, name))
            count += 1
    return count
