"""`redact` hooks of many kinds: those that users write, and those that break every rule."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from search.values import ODD

Hook = Callable[[Any], Any]


def _dropped(name: str) -> Hook:
    def redact(segment: Any) -> Any:
        for part in (segment, segment.get("tool", {}), segment.get("node", {}), segment["metadata"]):
            part.pop(name, None)
        return segment

    return redact


def _set(name: str, value: str) -> Hook:
    def redact(segment: Any) -> Any:
        for part in (segment, segment.get("tool", {}), segment.get("node", {}), segment["metadata"]):
            if name in part:
                part[name] = ODD[value]()
        return segment

    return redact


def _returns(value: str) -> Hook:
    return lambda segment: ODD[value]()


def _raises(error: BaseException) -> Hook:
    def redact(segment: Any) -> Any:
        raise error

    return redact


class Before:
    """Returns the row that it was given before."""

    def __init__(self) -> None:
        self.last: Any = {"text": "first"}

    def __call__(self, segment: Any) -> Any:
        self.last, last = segment, self.last
        return last


def _self_made(segment: Any) -> Any:
    rng = random.Random(len(segment["text"]))
    return {
        name: ODD[rng.choice(list(ODD))]() for name in ("text", "metadata", "tool", "node", "words", "role")
    }


def _cyclic(segment: Any) -> Any:
    segment["metadata"]["row"] = segment
    return segment


HOOKS: dict[str, Hook] = {
    "same": lambda segment: segment,
    "copy": lambda segment: {**segment},
    "text only": lambda segment: {"text": segment["text"]},
    "empty text": lambda segment: {**segment, "text": ""},
    "longer": lambda segment: {**segment, "text": "x" * 300},
    "all": lambda segment: None,
    "nothing": lambda segment: {},
    "a list": lambda segment: [segment],
    "nested": lambda segment: {**segment, "tool": segment, "node": segment, "words": segment},
    "cyclic": _cyclic,
    "before": Before(),
    "self-made": _self_made,
    "raises": _raises(KeyError("words")),
    "exits": _raises(SystemExit(3)),
    "closes": _raises(GeneratorExit()),
    **{
        f"drops {name}": _dropped(name)
        for name in ("params", "result", "error", "reason", "from", "metadata", "words")
    },
    **{
        f"{name} is {value}": _set(name, value)
        for name in ("params", "result", "error", "is_error", "text", "reason", "to", "words", "interrupted")
        for value in ("none", "list", "object", "no repr", "surrogate", "half made", "released", "raising enum")
    },
    **{
        f"returns {value}": _returns(value)
        for value in ("text", "dict of its own", "half a mapping", "leaving mapping", "says dict", "leaves", "released")
    },
}  # fmt: skip
