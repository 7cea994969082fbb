"""Secrets inside a text: after their names, in addresses, in blocks, and by their shape. Pure.

One search finds where a secret may begin; what it is, and where it ends, is read from there. No pattern looks back
or ahead further than a fixed length, except over what is masked then: the time grows with the text's length, whatever
it holds. `re` holds the interpreter while it searches, so a long text is searched in pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from tuner_langchain.masking.names import is_secret_name, is_spaced_name, secret_kind
from tuner_langchain.masking.table import KEY_SHAPES, MASK, NAME_KEYS, VALUE_KEYS
from tuner_langchain.masking.values import (
    Found,
    address,
    command_value,
    pem_block,
    string_at,
    user_value,
    value_at,
)

_PIECE: Final = 16_384
_OVERLAP: Final = 2_048  # longer than what any head of a secret is
_LOOK_BACK: Final = 96
_FLAGS: Final = re.IGNORECASE | re.ASCII

# Where a secret may begin. The name of a group is the form that reads on from there.
_FORMS: Final = {
    "address": r"://",
    "assigned": r"=[=>]?|:=?|%3[ad]",
    "element": r"<(?=[a-z])",
    "flag": r"(?<![\w-])--?[a-z][\w-]{0,40}(?=[ \t=\"'\\])",
    "pair": r"[\[(]\s{0,4}(?=\\{0,8}[\"'][a-z])",
    "pem": r"-----begin [a-z0-9 ]{0,40}private key[a-z ]{0,10}-----",
}
_HEADS: Final = re.compile("|".join(f"(?P<{form}>{head})" for form, head in _FORMS.items()), _FLAGS)
_SHAPES: Final = re.compile(
    rf"(?<![A-Za-z0-9])(?:{'|'.join(KEY_SHAPES.values())}"
    r"|(?P<bearer>(?i:bearer)\s{1,8})[A-Za-z0-9._~+/=-]{8,})",
    re.ASCII,
)
# The name in front of a sign, read backwards from it: the bracket of `headers["x"] =`, a quote, up to three words.
_NAME: Final = re.compile(
    r"[ \t]{0,40}\]?(?P<quote>[\"'`]\\{0,8}|[27]2%)?(?P<name>[\w.-]+)(?P<words>(?: [\w.-]{1,24}){0,2})",
    re.ASCII,
)
_Q: Final = r"\\{0,8}[\"']"
_SOME_NAME: Final = rf"{_Q}(?P<name>[\w.-]{{1,64}}){_Q}"
_NAMED_VALUE: Final = re.compile(
    rf"\s{{0,8}}{_SOME_NAME}\s{{0,8}},\s{{0,40}}{_Q}(?:{'|'.join(VALUE_KEYS)}){_Q}\s{{0,8}}:", _FLAGS
)
_VALUE_NAMED: Final = re.compile(
    rf"\\{{0,8}}[\"']?\s{{0,8}},\s{{0,40}}{_Q}(?:{'|'.join(NAME_KEYS)}){_Q}\s{{0,8}}:\s{{0,8}}{_SOME_NAME}",
    _FLAGS,
)
_LONGEST_VALUE_BEFORE_NAME: Final = 4_096
_PAIR: Final = re.compile(rf"(?P<q>{_Q})(?P<name>[\w.-]{{1,64}})(?P=q)\s{{0,4}},", _FLAGS)
_PAIR_END: Final = re.compile(r"\\{0,8}[\"']\s{0,8}[\])]")
_ELEMENT: Final = re.compile(
    r"(?P<name>[a-z][\w:.-]{0,63})(?:\s[^<>]*+)?>(?:<!\[CDATA\[)?(?P<value>[^<]++)", _FLAGS
)


def masked_text(text: str) -> str:
    """Return a text with its secrets masked."""
    text = _replaced(text, _HEADS, lambda head: _READERS[str(head.lastgroup)](text, head))
    return _replaced(text, _SHAPES, _shape)


def _replaced(text: str, heads: re.Pattern[str], read: Callable[[re.Match[str]], Found | None]) -> str:
    parts: list[str] = []
    done = at = 0
    while (head := _next(text, heads, at)) is not None:
        found = read(head)
        at = head.end()
        if found is not None:
            parts += text[done : found.start], found.shown
            done = found.end
            at = max(at, done)
    return "".join([*parts, text[done:]]) if parts else text


def _next(text: str, heads: re.Pattern[str], at: int) -> re.Match[str] | None:
    """Return the next head of a secret, searched for piece by piece."""
    while at < len(text):
        limit = at + _PIECE
        found = heads.search(text, at, limit)
        if found is not None:
            # What ends with the piece may go on behind it.
            return found if found.end() < limit else heads.match(text, found.start()) or found
        at = limit - _OVERLAP if limit < len(text) else limit
    return None


class _Name(NamedTuple):
    """A name in front of a sign, and the quote that closes it."""

    name: str
    quote: str
    spaced: str


def _name_before(text: str, end: int) -> _Name | None:
    found = _NAME.match(text[max(0, end - _LOOK_BACK) : end][::-1])
    if found is None:
        return None
    name, words, quote = found["name"][::-1], found["words"][::-1], (found["quote"] or "")[::-1]
    if text[end - found.end("name") - 1 : end - found.end("name")] == "%":
        name = name[2:]  # `%22api_key%22`: the rest of an escape stands in front
    return _Name(name, quote, words + name)


def _assigned(text: str, head: re.Match[str]) -> Found | None:
    before = _name_before(text, head.start())
    if before is None:
        return None
    kind = secret_kind(before.name)
    if kind is None and is_spaced_name(before.spaced):
        kind = "whole"
    if kind is not None:
        return value_at(text, head.end(), before.name, before.quote, kind)
    low = before.name.lower()
    if before.quote and low in NAME_KEYS:
        named = _NAMED_VALUE.match(text, head.end())
        if named is not None and is_secret_name(named["name"]):
            return value_at(text, named.end(), named["name"], before.quote, "whole")
    elif before.quote and low in VALUE_KEYS:
        return _value_before_name(text, head.end(), before.quote)
    return None


def _value_before_name(text: str, at: int, quote: str) -> Found | None:
    found = value_at(text[at : at + _LONGEST_VALUE_BEFORE_NAME], 0, "", quote, "whole")
    named = _VALUE_NAMED.match(text, at + found.end) if found is not None else None
    if found is None or named is None or not is_secret_name(named["name"]):
        return None
    return Found(at + found.start, at + found.end, found.shown)


def _pair(text: str, head: re.Match[str]) -> Found | None:
    """Read `["X-API-Key", "..."]`; a list of several names is no pair."""
    named = _PAIR.match(text, head.end())
    if named is None or not is_secret_name(named["name"]):
        return None
    found = string_at(text, named.end())
    return found if found is not None and _PAIR_END.match(text, found.end) else None


def _element(text: str, head: re.Match[str]) -> Found | None:
    found = _ELEMENT.match(text, head.end())
    if found is None or not is_secret_name(found["name"]) or not found["value"].strip():
        return None
    return Found(found.start("value"), found.end("value"), MASK)


def _flag(text: str, head: re.Match[str]) -> Found | None:
    """Read `--api-key V` and `-u user:V`; `--api-key=V` is an assignment."""
    flag = head[0]
    if flag.lower() in ("-u", "--user", "--proxy-user"):
        return user_value(text, head.end())
    return command_value(text, head.end()) if is_secret_name(flag.lstrip("-")) else None


def _shape(head: re.Match[str]) -> Found | None:
    start = head.end("bearer") if head["bearer"] else head.start()
    return Found(start, head.end(), MASK)


_READERS: Final[dict[str, Callable[[str, re.Match[str]], Found | None]]] = {
    "address": lambda text, head: address(text, head.start(), head.end()),
    "assigned": _assigned,
    "element": _element,
    "flag": _flag,
    "pair": _pair,
    "pem": lambda text, head: pem_block(text, head.start(), head.end()),
}
