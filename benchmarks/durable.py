"""Where the benchmarks' finished calls are written durably."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner_langchain.delivery import Receipt


class Files:
    """An outlet that writes each document as a file, forced to the disk, and sends nothing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def submit(self, call_id: str, body: bytes, **_: Any) -> Receipt:
        from tuner_langchain.delivery import Receipt

        path = self._directory / call_id
        with path.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        return Receipt.empty(call_id, "Written: this is a benchmark.")


@contextmanager
def durable_outlet() -> Iterator[Files]:
    """Yield an outlet over a temporary directory."""
    with tempfile.TemporaryDirectory() as directory:
        yield Files(Path(directory))
