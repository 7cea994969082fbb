"""Ready rules for `Capture(redact=...)`: card numbers, bank accounts, e-mail addresses and phone numbers. Pure.

```python
from tuner_langchain import Capture, redact

capture = Capture(redact=redact.combine(redact.cards, redact.emails))
```

A rule sees all text of a row: what was said and its words, a tool's arguments, result and error, why a node ran, the
metadata, and each text among the call facts. Each takes time that grows with the length of the text, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from tuner_langchain.errors import ConfigError
from tuner_langchain.masking import unused_key
from tuner_langchain.values import type_words

if TYPE_CHECKING:
    from tuner_langchain.capture import Redact
    from tuner_langchain.segments import Segment

__all__ = ["cards", "combine", "emails", "ibans", "phones"]

# Where something stands in a text that is to be replaced: start and end.
Spans = Iterable[tuple[int, int]]
Find = Callable[[str], Spans]


def cards(segment: Segment) -> Segment:
    """Put `[card]` in the place of payment card numbers: 13 to 19 digits whose check digit (Luhn) is right.

    Single spaces, hyphens or commas may stand between the digits. Whole numbers in tools and metadata count too.
    """
    return _redacted(segment, _cards, "[card]", numbers=True)


def ibans(segment: Segment) -> Segment:
    """Put `[iban]` in the place of bank account numbers (IBAN) whose check digits (mod 97) are right."""
    return _redacted(segment, _ibans, "[iban]")


def emails(segment: Segment) -> Segment:
    """Put `[email]` in the place of e-mail addresses."""
    return _redacted(segment, _emails, "[email]")


def phones(segment: Segment) -> Segment:
    """Put `[phone]` in the place of phone numbers.

    Found are numbers with a country code (`+` or `00`, 8 to 15 digits), those that begin with 0 (9 to 12 digits), and
    those of North America and India with 10. Shorter ones, dates, times, prices and amounts stay.
    """
    return _redacted(segment, _phones, "[phone]")


def combine(*rules: Redact) -> Redact:
    """Return one rule that applies each in order; the row is left out when one of them returns None.

    Raises:
        ConfigError: A rule cannot be called.
    """
    for number, rule in enumerate(rules, 1):
        if not callable(rule):
            raise ConfigError(f"rule {number}: is {type_words(rule)}. Expected a function of a segment.")

    def combined(segment: Segment) -> Segment | None:
        current: Segment | None = segment
        for rule in rules:
            if current is None:
                return None
            current = rule(current)
        return current

    return combined


# --- all text of a segment -----------------------------------------------------------------------------------


def _redacted(segment: Segment, find: Find, label: str, *, numbers: bool = False) -> Segment:
    rule = _Rule(find, label, numbers=numbers)
    row: dict[str, Any] = dict(segment)
    if isinstance(row.get("text"), str):
        row["text"] = rule.text(row["text"])
    if isinstance(row.get("words"), list):
        row["words"] = rule.words(row["words"])
    if isinstance(row.get("metadata"), Mapping):
        row["metadata"] = rule.values(row["metadata"])
    tool, node = row.get("tool"), row.get("node")
    if isinstance(tool, Mapping):
        free = {name: rule.value(tool[name]) for name in ("params", "result", "error") if name in tool}
        row["tool"] = {**tool, **free}
    if isinstance(node, Mapping) and isinstance(node.get("reason"), str):
        row["node"] = {**node, "reason": rule.text(node["reason"])}
    return cast("Segment", row)


class _Rule:
    """Replaces what one rule finds, in text and in plain JSON data."""

    def __init__(self, find: Find, label: str, *, numbers: bool) -> None:
        self._find, self._label, self._numbers = find, label, numbers

    def text(self, text: str) -> str:
        parts: list[str] = []
        done = 0
        for start, end in self._find(text):
            parts += text[done:start], self._label
            done = end
        return "".join([*parts, text[done:]]) if parts else text

    def words(self, words: list[Any]) -> list[Any]:
        """Replace what is spread over several words in each of them: what was said when stays true."""
        spoken = [str(word["word"]) if isinstance(word, Mapping) and "word" in word else "" for word in words]
        spans = list(self._find(" ".join(spoken)))
        shown, at, first = [], 0, 0
        for word, said in zip(words, spoken, strict=True):
            end = at + len(said)
            while first < len(spans) and spans[first][1] <= at:
                first += 1
            inside = _within(spans, first, at, end)
            shown.append({**word, "word": self._put(said, inside)} if inside else word)
            at = end + 1
        return shown

    def _put(self, said: str, spans: Spans) -> str:
        for start, end in reversed(list(spans)):
            said = f"{said[:start]}{self._label}{said[end:]}"
        return said

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.values(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self._number(value) if self._numbers and isinstance(value, int | float) else value

    def values(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key, item in fields.items():
            shown[unused_key(self.text(key), shown)] = self.value(item)
        return shown

    def _number(self, value: float) -> Any:
        """Replace a number that is a card's as a whole."""
        if not 10**12 <= value < 10**19 or value != int(value):
            return value
        digits = str(int(value))
        return self._label if list(self._find(digits)) == [(0, len(digits))] else value


def _within(spans: list[tuple[int, int]], first: int, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    for begin, stop in spans[first:]:
        if begin >= end:
            break
        found.append((max(begin, start) - start, min(stop, end) - start))
    return found


# --- cards ---------------------------------------------------------------------------------------------------

_JOINT: Final = r"(?:[ \xa0\u2009\u202f\u2010-\u2013-]|, ?)"
_DIGITS: Final = re.compile(rf"(?<![.\d])\d++(?:{_JOINT}\d++)*+")
_GROUP: Final = re.compile(r"\d+")
# How many digits a card has, by its first one.
_CARD_LENGTHS: Final = {
    "2": (16,),
    "3": (16, 15, 14),
    "4": (19, 16, 13),
    "5": (16,),
    "6": (19, 18, 17, 16),
    "8": (16,),
}
_MOST_DIGITS: Final = 19


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for run in _DIGITS.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, run.start(), run.end())]
        at = 0
        while at < len(groups):
            last = _card_from(text, groups, at)
            if last is not None:
                yield groups[at][0], groups[last][1]
                at = last
            at += 1


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Return the last group of digits of a card number that begins with a group, the longest there is."""
    lengths = _CARD_LENGTHS.get(text[groups[first][0]], ())
    digits, found = "", None
    for index in range(first, min(first + _MOST_DIGITS, len(groups)) if lengths else first):
        start, end = groups[index]
        if len(digits) + end - start > _MOST_DIGITS:
            break
        digits += text[start:end]
        if len(digits) in lengths and _luhn(digits):
            found = index
    return found


_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _luhn(digits: str) -> bool:
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


# --- bank accounts -------------------------------------------------------------------------------------------

_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH CR HR LI LV", 22: "BG BH DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_SHORTEST_IBAN: Final = min(_IBAN_LENGTHS.values())
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z](?P<all>[ -]?[A-Za-z](?:[ -]?[0-9]){2}"
    rf"(?:[ -]?[A-Za-z0-9]){{{_SHORTEST_IBAN - 4},29}}))"
)


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    done = 0
    for found in _IBAN.finditer(text):
        end = _iban_end(text, found.start(), found.end("all")) if found.start() >= done else None
        if end is not None:
            yield found.start(), end
            done = end


def _iban_end(text: str, start: int, limit: int) -> int | None:
    """Return where the account number that begins here ends: its country says how long it is."""
    places = [at for at in range(start, limit) if text[at].isalnum()]
    bare = "".join(text[at] for at in places).upper()
    length = _IBAN_LENGTHS.get(bare[:2], 0)
    if not 0 < length <= len(bare):
        return None
    end = places[length - 1] + 1
    if text[end : end + 1].isalnum() or not _mod_97(bare[:length]):
        return None
    return end


def _mod_97(iban: str) -> bool:
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


# --- e-mail addresses and phone numbers ----------------------------------------------------------------------

_EMAIL: Final = re.compile(
    r"(?<![\w.+%-])(?=[\w+%])[\w.+%-]++@[^\W_][\w-]{0,62}(?:\.[^\W_][\w-]{0,62}){1,8}(?<![-_])"
)
_PHONE: Final = re.compile(
    # with a country code
    r"(?<![\w+])\+[1-9](?:[ ./-]?\(?\d\)?){6,14}(?!\d)(?![.-]\d)"
    r"|(?<!\d)(?<!\d[ .,/-])(?<![\w.,#-])00[1-9](?:[ ./-]?\d){8,13}(?![ ./-]?\d)"
    # with a leading 0: an area code or a mobile
    r"|(?<!\d)(?<!\d[ .,/:-])(?<![\w.,#+-])\(?0[1-9]\)?(?:[ ./-]{0,2}\d\)?){7,10}(?![ ./-]?\d)"
    # North America: in its three groups, in one, digit by digit
    r"|(?<!\d)(?<!\d[.-])(?<![\w.,#-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?!\d)(?![.,-]\d)"
    r"|(?<!\d[ .,-])(?<![\w.,#-])1?[2-9]\d\d[2-9]\d{6}(?!\w)(?![ .,-]\d)"
    r"|(?<!\d[ .,-])(?<![\w.,#-])[2-9] \d \d [2-9](?: \d){6}(?!\w)(?! \d)"
    # India
    r"|(?<!\d[ .,-])(?<![\w.,#-])[6-9]\d{4}[ -]\d{5}(?!\w)(?![ .,-]\d)"
)
_DATE: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:\d{4}(?!\d)|\d\d(?!\d|\1\d))")


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _EMAIL.finditer(text))


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for found in _PHONE.finditer(text):
        shown = found[0].removesuffix(")")  # a bracket around the number is none of an area code
        begin = int(shown.startswith("(") and ")" not in shown)
        if not _DATE.match(shown):
            yield found.start() + begin, found.start() + len(shown)
