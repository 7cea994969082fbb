"""Whether a name is a secret's, and whether JSON may hold a secret at all. Pure."""

from __future__ import annotations

import functools
import re
from typing import Final, Literal

from tuner_langchain.masking.table import (
    ENDINGS,
    PARTS,
    PEOPLE,
    QUALIFIERS,
    STAYS,
    TEXT_ONLY,
    TEXT_ONLY_ALONE,
    WORDS,
)

# `whole`: everything under the name is masked; `text`: numbers stay and objects are looked into.
Kind = Literal["whole", "text"] | None

_LONGEST_CACHED: Final = 64
_FLAGS: Final = re.IGNORECASE | re.ASCII  # no letter beyond ASCII counts as one of ours, as in `_GATE`
_JOINT: Final = r"[-_. ]{0,2}"


def _joined(rows: tuple[str, ...]) -> str:
    return "|".join(row.replace(" ", _JOINT) for row in rows)


_TAIL: Final = rf"(?:{_JOINT}(?:{_joined(QUALIFIERS)}))?[^A-Za-z]{{0,4}}$"
_SECRET: Final = rf"{_joined(PARTS)}|(?:{_joined(ENDINGS)}){_TAIL}|(?:^|[^A-Za-z])(?:{_joined(WORDS)}){_TAIL}"
_TEXT_ONLY: Final = (
    rf"(?:(?:^|[^A-Za-z])(?:{_joined(TEXT_ONLY)})|^(?:{_joined(TEXT_ONLY_ALONE)}))[^A-Za-z]{{0,4}}$"
)
_FIGURE: Final = rf"^[^A-Za-z]*(?:{_joined(STAYS)})[^A-Za-z]*$"
# In prose, several words are a name only where the row ends it: `API key: x`, not `password reset link: x`.
_SPACED: Final = rf"(?<![A-Za-z])(?:{_joined(PARTS)}|(?:{_joined(WORDS)}) (?:{_joined(QUALIFIERS)}))s?$"

# Every row of the table contains one of these. Each begins with a letter that is rare in JSON: rows that hold none
# are most of all rows, and finding that out is what masking costs them.
_ENDS: Final = rb"(?:code|value|number|string|hash|key|id)?(?![a-z])"
_STEMS: Final = {
    b"k": rb"ey|(?<=tok)en|(?<=cook)ie|(?<=ak)ia|(?<=sk)-|(?<=gsk)_|(?<=[srp]k)_(?:live|test)"
          rb"|(?<=slack)\.com/services",
    b"p": rb"ass|wd|in(?=ENDS)|(?<=otp)(?=ENDS)|(?<=glp)at-|ypi-",
    b"c": rb"red|v[vc]|ard|(?<=sec)(?:ret|urity)",
    b"v": rb"erification",
    b"m": rb"(?<=tim)e[-_. ]{0,2}code|fa[-_. ]{0,2}code",
    b"u": rb"(?<=au)th|(?<=-u)(?:ser)?[\s\"'=\\]",
    b"b": rb"earer|(?<=-b)egin",
    b"s": rb"ess|sn(?=ENDS)|ig(?:nature)?(?=ENDS)|g\.|(?<=as)ia[0-9a-z]{16}|(?<=whs)ec|v2_",
    b"j": rb"wt|(?<=eyj)",
    b"x": rb"ox[a-z]-|app-|ai-|(?<=gocspx)-",
    b"z": rb"(?<=aiz)a",
    b"y": rb"a29",
    b"/": rb"(?<=:/)/",
    b"_": rb"(?<=gh[pousr]_)|(?<=hf_)|(?<=npm_)|(?<=pat_)|(?<=tr_)api|(?<=do[por]_)v1",
}  # fmt: skip
_GATE: Final = re.compile(
    b"|".join(first + b"(?:" + rest.replace(b"ENDS", _ENDS) + b")" for first, rest in _STEMS.items())
)
_PIECE_BYTES: Final = 65_536  # one search holds the interpreter; a longer text is looked through in pieces
_OVERLAP_BYTES: Final = 64


def may_hold_secrets(data: bytes) -> bool:
    """Return whether JSON is worth a careful look. May say yes for nothing, never no for what is masked."""
    low = data.lower()
    if len(low) <= _PIECE_BYTES:
        return _GATE.search(low) is not None
    starts = range(0, len(low), _PIECE_BYTES)
    return any(_GATE.search(low[at : at + _PIECE_BYTES + _OVERLAP_BYTES]) for at in starts)


def is_secret_name(name: str) -> bool:
    """Return whether a value under this name is masked."""
    return secret_kind(name) is not None


def secret_kind(name: str) -> Kind:
    """Return how much of what stands under a name is masked."""
    return _cached_kind(name) if len(name) <= _LONGEST_CACHED else _kind(name)


def is_spaced_name(words: str) -> bool:
    """Return whether words of a text end in the name of a secret that is written with spaces."""
    return _patterns()[3].search(words) is not None


def _kind(name: str) -> Kind:
    secret, text_only, figure, _ = _patterns()
    split = _HUMP.sub("_", name)  # camelCase
    # The name as it is too: `apiKey` is split, `PassWord` is not two words.
    spellings = (split, name) if split != name else (name,)
    if any(text_only.search(spelling) for spelling in spellings):
        return "text"
    if any(figure.search(spelling) for spelling in spellings):
        return None
    return "whole" if any(secret.search(_PEOPLE.sub("", spelling)) for spelling in spellings) else None


_cached_kind = functools.lru_cache(2048)(_kind)

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PEOPLE: Final = re.compile(PEOPLE, _FLAGS)


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compile the names when one is first asked about: it takes a millisecond."""
    return tuple(re.compile(pattern, _FLAGS) for pattern in (_SECRET, _TEXT_ONLY, _FIGURE, _SPACED))
