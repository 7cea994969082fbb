"""Listens to every logger at DEBUG and keeps what it heard, tracebacks with their locals included."""

from __future__ import annotations

import logging
import traceback
from typing import Self


class Witness(logging.Handler):
    """Every log record as the text a careless handler would write."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[int, str, str]] = []
        self._before = logging.WARNING

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage() + " " + repr(sorted(vars(record).items(), key=str))
        if record.exc_info and record.exc_info[1] is not None:
            text += "".join(with_locals(record.exc_info[1]))
        self.lines.append((record.levelno, record.name, text))

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._before = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._before)

    @property
    def texts(self) -> list[str]:
        return [text for _, _, text in self.lines]

    def about(self, needle: str, level: int = logging.DEBUG, *, ours: bool = True) -> list[str]:
        """Return the lines at a level or above that hold the needle."""
        return [
            text
            for number, name, text in self.lines
            if number >= level and needle in text and (not ours or name.startswith("tuner_langchain"))
        ]


def with_locals(error: BaseException) -> list[str]:
    """Format an exception as an error tracker does: with the locals of every frame."""
    return list(traceback.TracebackException.from_exception(error, capture_locals=True).format())
