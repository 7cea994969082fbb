"""Where a value inside a text begins and ends, once something says that it is a secret. Pure.

In doubt a value ends later: a word too much that is masked costs less than half a password that is not.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tuner_langchain.masking.table import MASK

_FLAGS: Final = re.IGNORECASE | re.ASCII
_OPENED: Final = re.compile(r"[burf]{0,2}(?P<slashes>\\{0,16})(?P<quote>[\"'`])", _FLAGS)
# A quote that rather closes what stands before it, as in {"label": "Password:", ...}.
_CLOSES: Final = re.compile(r"\s{0,8}(?:[,}\])]|$)")
_SCHEME: Final = r"(?:(?:bearer|basic|token|digest|negotiate|apikey)\s{1,8}+)?"
_PLAIN: Final = (
    r"(?:[^\s\"'`,;&)}\]<>\\%]"
    r"|%(?!2[267c]|7d)"
    r"|\\++(?![\"'])"
    r"|[\"'`)}\]](?=\w)"
    r"|[,;](?=\w)(?!\w[\w.-]{0,40}[=:]))++"
)
_UNQUOTED: Final = re.compile(rf"{_SCHEME}(?:\d++(?:[ -]\d++)++(?!\w)|{_PLAIN})", _FLAGS)
_REST_OF_LINE: Final = re.compile(r"(?:[^\r\n\"'\\]|\\(?![\"'nr]))++")
_LITERALS: Final = frozenset({"null", "true", "false", "none"})
_SPACE: Final = re.compile(r"[ \t]*+")
_WHITE: Final = re.compile(r"\s*+")
_USER: Final = re.compile(r"[ \t=]{0,8}\\{0,8}[\"']?(?:,\s{0,4}\\{0,8}[\"'])?[^\s:\"'\\@/]{1,64}:")
_ARGUMENT: Final = re.compile(r"[ \t]{1,8}(?![-\s])|\\{0,8}[\"'],\s{0,8}(?=\\{0,8}[\"'])")
_IN_ADDRESS: Final = re.compile(r"(?:[^\s\"'<>`\\:]|:(?!//))*+")
_PORT: Final = re.compile(r"\d{1,5}$", re.ASCII)
_BODY: Final = re.compile(r"(?:[^-]|-(?!----END))*+(?:-----END[A-Z0-9 ]{0,60}-----)?", re.IGNORECASE)
_QUOTES: Final = re.compile(r"(?<!\\)(\\*+)([\"'`])|[\r\n]")
_BRACKETS: Final = re.compile(r"(?<!\\)\\*+[\"'`]|[\[\]{}]")


class Found(NamedTuple):
    """A stretch of a text, and what is shown in its place."""

    start: int
    end: int
    shown: str


def value_at(text: str, at: int, name: str, name_quote: str, kind: str) -> Found | None:
    """Return the value that begins behind a name and its sign; None where nothing is to be masked."""
    at = _after(_WHITE if name_quote else _SPACE, text, at)
    encoded = text[at : at + 3] in ("%22", "%27")
    opened = _OPENED.match(text, at)
    if opened is not None:
        return _quoted(text, opened, kind)
    if text[at : at + 1] in ("[", "{"):
        return _bracketed(text, at, name_quote, kind)
    at += 3 * encoded
    if text.startswith(MASK, at):
        return None
    pattern = _REST_OF_LINE if "cookie" in name.lower() and not encoded and not name_quote else _UNQUOTED
    found = pattern.match(text, at)
    if found is None or found[0].lower() in _LITERALS or (kind == "text" and _is_count(found[0])):
        return None
    return Found(at, found.end(), MASK if encoded or not name_quote else _as_quoted(name_quote))


def _after(space: re.Pattern[str], text: str, at: int) -> int:
    found = space.match(text, at)
    return at if found is None else found.end()


def string_at(text: str, at: int) -> Found | None:
    """Return the quoted value that begins here."""
    opened = _OPENED.match(text, _after(_WHITE, text, at))
    return None if opened is None else _quoted(text, opened, "whole")


def _as_quoted(quote: str) -> str:
    """Show a number or a list in JSON as a string: the text stays JSON."""
    return MASK if quote.startswith("%") else f"{quote}{MASK}{quote}"


def _is_count(value: str) -> bool:
    return value.rstrip(".").isdecimal()


def _quoted(text: str, opened: re.Match[str], kind: str) -> Found | None:
    if _CLOSES.match(text, opened.end()):
        return None
    start = opened.end()
    end = _closing(text, start, len(opened["slashes"]), opened["quote"])
    if end == start or (kind == "text" and _is_count(text[start:end])):
        return None
    return Found(start, end, MASK)


def _closing(text: str, at: int, slashes: int, quote: str) -> int:
    r"""Return where a quoted value ends: before its quote; without one, at the end of the line.

    In JSON inside of JSON a quote has 1, 3, 7, ... backslashes at the depth 1, 2, 3, ...; one with twice as many in
    front, and more, belongs to the value.
    """
    step = 2 * (slashes + 1)
    for found in _QUOTES.finditer(text, at):
        if found[2] is None:
            if slashes == 0 and quote != "`":
                return found.start()
        elif found[2] == quote and len(found[1]) >= slashes and (len(found[1]) - slashes) % step == 0:
            return found.end() - 1 - slashes
    return len(text)


def _bracketed(text: str, at: int, name_quote: str, kind: str) -> Found | None:
    """Return a list or an object under a secret's name; where only text is masked, an object is read on instead."""
    if text.startswith(MASK, at) or (kind == "text" and text[at] == "{"):
        return None
    end = _bracket_end(text, at)
    if kind == "text" and not any(map(str.isalpha, text[at:end])):
        return None
    return Found(at, end, _as_quoted(name_quote) if name_quote else MASK)


def _bracket_end(text: str, at: int) -> int:
    depth, inside = 0, ""
    for found in _BRACKETS.finditer(text, at):
        sign = found[0]
        if sign[-1] in "\"'`":
            if not inside:
                inside = sign
            elif sign[-1] == inside[-1] and (len(sign) - len(inside)) % (2 * len(inside)) == 0:
                inside = ""
        elif not inside:
            depth += 1 if sign in "[{" else -1
            if depth == 0:
                return found.end()
    return len(text)


def command_value(text: str, at: int) -> Found | None:
    """Return the argument that follows a flag of a command line."""
    found = _ARGUMENT.match(text, at)
    return None if found is None else value_at(text, found.end(), "", "", "whole")


def user_value(text: str, at: int) -> Found | None:
    """Return the password in `-u user:password`."""
    found = _USER.match(text, at)
    value = _UNQUOTED.match(text, found.end()) if found is not None else None
    return (
        None
        if value is None or text.startswith(MASK, value.start())
        else Found(value.start(), value.end(), MASK)
    )


def pem_block(text: str, start: int, at: int) -> Found:
    """Return a private key's block to its end, and to the end of the text where it was cut."""
    body = _BODY.match(text, at)
    return Found(start, body.end() if body is not None else len(text), MASK)


def address(text: str, colon: int, at: int) -> Found | None:
    """Return who is named in front of an address's host, with the password: all of it, or a key alone."""
    run = _IN_ADDRESS.match(text, at)
    rest = run[0] if run is not None else ""
    if "@" not in rest:
        return None
    scheme = re.search(r"[a-z0-9+.-]{0,20}$", text[max(0, colon - 20) : colon].lower())
    size = _userinfo_size(rest, scheme[0] if scheme is not None else "")
    return Found(at, at + size, MASK) if size > 0 and rest[:size] != MASK else None


def _userinfo_size(rest: str, scheme: str) -> int:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    is_web = scheme in ("http", "https", "ws", "wss")
    if "@" in authority:
        user = authority.rpartition("@")[0]
        if ":" not in user:
            return 0 if scheme.endswith(("ssh", "sftp")) else len(user)  # git@ is a user, a key stands alone
        return _last_at(rest)
    host, colon, port = authority.partition(":")
    if not colon or host.startswith("[") or (is_web and _PORT.match(port)):
        return 0
    return _last_at(rest)


def _last_at(rest: str) -> int:
    """Return where the host begins: a password may hold @, /, ? and #, and a query an @ of its own."""
    before_query = re.split(r"[?#]", rest, maxsplit=1)[0].rfind("@")
    return before_query if before_query > 0 else rest.rfind("@")
