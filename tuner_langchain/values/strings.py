"""Text as a document can hold it. The work is bounded by what is kept, not by how long the text is."""

from __future__ import annotations

from typing import Final

CUT_WORDS_CHARS: Final = 80  # the words that report a cut are shorter than this


def text(value: str) -> str:
    """Return `value` without lone surrogates, which no UTF-8 document can hold (they become U+FFFD)."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def cut_text(value: str, max_chars: int) -> str:
    """Return the beginning of a text, and its whole length, when it is longer than `max_chars`."""
    length = str.__len__(value)
    if length <= max_chars:
        return str.__str__(value)
    return str.__getitem__(value, slice(max_chars)) + cut_words(length)


def cut_words(length: int) -> str:
    """Return what stands behind the beginning of a text that was cut."""
    return f"… [cut: {length:,} characters in all]"
