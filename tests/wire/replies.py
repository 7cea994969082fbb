"""What a scripted model server answers: one `Reply` for each request, in order."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call the model asks for."""

    name: str
    arguments: dict[str, Any]
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """What the reply cost. `cached` and `cache_written` are parts of the prompt, `reasoning` of the answer."""

    prompt: int = 7
    answer: int = 3
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One answer of the model.

    Attributes:
        text: What it says; streamed word by word.
        thinking: What it thinks first, where the format has a place for it.
        tools: The tools it calls, after its text.
        tokens: The usage it reports.
        model: The model's name in the answer.
        status: An HTTP error instead of an answer, with `error` as its message.
        headers: Headers of the answer.
        cut_after: Close the connection after so many streamed pieces.
        first_token: Wait for this event before the first piece; a test sets it.
        before_first_s: Wait so long before the first piece.
        between_s: Wait so long between pieces.
    """

    text: str = ""
    thinking: str = ""
    tools: tuple[ToolUse, ...] = ()
    tokens: Tokens = Tokens()
    model: str = "scripted-2026-01-01"
    status: int = 200
    error: str = "the model is not well"
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    first_token: threading.Event | None = None
    before_first_s: float = 0.0
    between_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request as the server got it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Script:
    """The replies to come, and the requests that came."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = list(replies)
        self._lock = threading.Lock()
        self.received: list[Received] = []

    def take(self, request: Received) -> Reply:
        """Note a request and return its reply; an answer that nobody scripted is a 418."""
        with self._lock:
            self.received.append(request)
            place = len(self.received) - 1
            if place < len(self._replies):
                return self._replies[place]
        return Reply(
            status=418, error=f"the script has {len(self._replies)} replies, and none for request {place + 1}"
        )


def words(text: str) -> list[str]:
    """Cut text into the pieces it is streamed in: words with the space before them."""
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)


def pieces(arguments: dict[str, Any]) -> Iterator[str]:
    """Cut a tool's arguments into pieces that are no JSON by themselves, as models stream them."""
    text = json.dumps(arguments)
    middle = len(text) // 2
    yield text[:middle]
    yield text[middle:]
