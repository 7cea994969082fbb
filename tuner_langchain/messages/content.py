"""The content of a message, read: what of it is spoken text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

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


def content_text(content: Any) -> str:
    """Return the text of a message's content: its text blocks joined, other media named.

    Reasoning, tool calls and blocks that only the provider understands are not spoken and leave nothing.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(map(_block_text, content))


def spoken_part(token: Any) -> str:
    """Return the text in one streamed token: a string, or a list of content blocks."""
    if isinstance(token, str):
        return token
    try:
        return "".join(_texts(token)) if isinstance(token, list) else ""
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return ""


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


def event_text(event: Any) -> str:
    """Return the text in one protocol event of a streaming model, empty for every other event."""
    try:
        if event["event"] != "content-block-delta":
            return ""
        text = event["delta"]["text"]
    except Exception:  # noqa: BLE001 - other deltas have no text, and a program's own may raise anything
        return ""
    return text if isinstance(text, str) else ""
