"""Directories that finished calls may be trusted to."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from tuner_langchain.errors import OutboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuner_langchain.delivery.fs import FileSystem


def prepare(files: FileSystem, root: str, own: Sequence[str], *, fsync: bool) -> None:
    """Create `root`, what is missing above it and `own` below it, for this user alone; or check what is there.

    Raises:
        OutboxError: A directory is a link, another user's, open to others, or cannot be made.
    """
    try:
        for path in (*_missing(root), root, *own):
            try:
                status = files.lstat(path)
            except FileNotFoundError:
                _make(files, path, fsync=fsync)
                status = files.lstat(path)
            if path == root or path in own:
                _check(status, path)
    except OutboxError:
        raise
    except OSError as error:
        raise OutboxError(
            f"The outbox {root} cannot be used ({error.strerror or error}): give this user a writable directory "
            "with outbox_dir=... or TUNER_OUTBOX_DIR."
        ) from None


def _missing(root: str) -> list[str]:
    found = []
    path = root
    while not os.path.lexists(path):
        found.append(path)
        path = os.path.dirname(path)
    return found[::-1]


def _make(files: FileSystem, path: str, *, fsync: bool) -> None:
    with contextlib.suppress(FileExistsError):
        files.mkdir(path)
        if fsync:  # or a power cut could take the directory with every call in it
            files.sync_directory(os.path.dirname(path))


def _check(status: os.stat_result, path: str) -> None:
    problem = ""
    if stat.S_ISLNK(status.st_mode):
        problem = "is a link, which may lead elsewhere"
    elif not stat.S_ISDIR(status.st_mode):
        problem = "is no directory"
    elif hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        problem = "belongs to another user"
    elif os.name != "nt" and status.st_mode & 0o022:
        problem = "may be written by other users"
    if problem:
        raise OutboxError(
            f"The outbox directory {path} {problem}: calls would be neither private nor safe there. Use a directory "
            "of this user's own with mode 0700 (outbox_dir=... or TUNER_OUTBOX_DIR)."
        )
