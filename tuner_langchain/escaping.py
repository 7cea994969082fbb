"""Text from outside, made safe for a terminal or a log line."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return `text` with every character that does not print written as its escape: `\n`, `\x1b`, `\u202e`.

    A call id or a server's answer may hold line breaks that forge a line of the log, or sequences that drive the
    terminal of whoever reads it.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
