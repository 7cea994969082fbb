"""The content of a message, read: what of it is spoken text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from tuner_langchain.values import tolerant

# What is no text and no thought of the model's is named in its place, never embedded.
_NAMED: Final = {
    "image": "[image]",
    "image_url": "[image]",
    "input_image": "[image]",
    "audio": "[audio]",
    "input_audio": "[audio]",
    "video": "[video]",
    "file": "[file]",
    "input_file": "[file]",
    "document": "[file]",
    "text-plain": "[file]",
}


_MAX_BLOCKS: Final = 10_000


def content_text(content: Any) -> str:
    """Return the text of a message's content: its text blocks joined, other media named.

    Reasoning, tool calls and blocks that only the provider understands are not spoken and leave nothing.
    """
    if isinstance(content, str):
        return str.__str__(content)
    if not isinstance(content, list):
        return ""
    return "".join(map(_block_text, content[:_MAX_BLOCKS]))


@tolerant("")
def spoken_part(token: Any) -> str:
    """Return the text in one streamed token: a string, or a list of content blocks."""
    if isinstance(token, str):
        return str.__str__(token)
    return "".join(_texts(token[:_MAX_BLOCKS])) if isinstance(token, list) else ""


def looks_like_data(text: str) -> bool:
    """Return whether a text begins as a JSON object does, which nobody says to a caller."""
    return _unfenced(text).startswith(("{", "[{"))


def is_data(text: str) -> bool:
    """Return whether a whole text is a JSON object or a list of them: data, not words."""
    if not looks_like_data(text):
        return False
    try:
        orjson.loads(_unfenced(text))
    except ValueError:
        return False
    return True


def _unfenced(text: str) -> str:
    begun = text.strip()
    if not begun.startswith("```"):
        return begun
    return begun.removeprefix("```json").removeprefix("```").removesuffix("```").strip()


def _block_text(block: Any) -> str:
    if isinstance(block, str):
        return block
    if not isinstance(block, Mapping):
        return ""
    kind = block.get("type")
    if kind == "text":
        text = block.get("text")
        return text if isinstance(text, str) else ""
    return _NAMED.get(kind, "") if isinstance(kind, str) else ""


def _texts(blocks: Iterable[Any]) -> Iterable[str]:
    for block in blocks:
        if isinstance(block, str):
            yield block
        elif (
            isinstance(block, Mapping) and block.get("type") == "text" and isinstance(block.get("text"), str)
        ):
            yield block["text"]


@tolerant("")
def event_text(event: Any) -> str:
    """Return the text in one protocol event of a streaming model, empty for every other event."""
    if event["event"] != "content-block-delta":
        return ""
    text = event["delta"]["text"]  # other deltas have none
    return text if isinstance(text, str) else ""
