"""What the tests of privacy share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def every_log() -> Iterator[list[str]]:
    """All that any logger says, whatever its level, with its exception."""
    told: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(logging.Formatter().format(record))

    handler, root = Keep(0), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(0)
    yield told
    root.removeHandler(handler)
    root.setLevel(before)
