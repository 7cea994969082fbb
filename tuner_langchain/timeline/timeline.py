"""A call's timeline as people and tests look at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from tuner_langchain.segments import Segment


class Timeline(Sequence[Segment]):
    """The segments of a call, in order, with the document they belong to."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.segments: list[Segment] = document["transcript_with_tool_calls"]

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Segment]: ...
    def __getitem__(self, index: int | slice) -> Segment | Sequence[Segment]:
        return self.segments[index]

    def __len__(self) -> int:
        return len(self.segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)
