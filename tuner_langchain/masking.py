"""What looks like a secret, and its place taken by a mask. Pure.

A value is masked for the name it stands under: as a key of an object, in JSON inside a string, or as
`name=value` and `name: value` in text. Names are compared without case and punctuation, so `X-Api-Key` is
`apikey`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "[masked]"

_PARTS: Final = (
    "apikey", "accesskey", "authorization", "bearer", "cookie", "credential", "encryptionkey", "passphrase",
    "passwd", "password", "privatekey", "secret", "signingkey",
)  # fmt: skip
_WHOLE: Final = frozenset({"auth", "jwt", "pwd", "sessionid", "xauth"})
# The contract's own names for what a call used.
_FIGURES: Final = frozenset({"usagetoken", "llmtoken"})
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]+")

_NAME: Final = (
    r"[\w-]*(?:api[-_ ]?key|access[-_]?key|authorization|bearer|cookie|credentials?|encryption[-_]?key|passphrase"
    r"|passwd|password|private[-_]?key|secret|signing[-_]?key|pwd|jwt|token)(?:[-_](?:id|key|value))?"
)
# `"name": "value"` inside a string, with either quotes and however many backslashes before them.
_QUOTED: Final = rf"""(\\*["']{_NAME}\\*["']\s*:\s*)(\\*["'])(?:(?!\2).)*"""
# `name=value` and `name: value`; a scheme in front of a credential goes with it.
_PLAIN: Final = rf"\b({_NAME}\s*[=:]\s*)(?:(?:bearer|basic|token)\s+)?[^\s\"',;&\\)}}\]]+"
_BEARER: Final = r"\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}"
_KEY_SHAPES: Final = (
    r"\b(?:sk-|tr_api_|ghp_|gho_|xox[abps]-|glpat-)[A-Za-z0-9_-]{8,}|\bAKIA[0-9A-Z]{16}\b"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
# Every name and shape above contains one of these; most rows contain none, and finding that out is cheap.
_STEMS: Final = re.compile(
    rb"key|secret|pass|auth|cred|cookie|bearer|pwd|jwt|sess|sk-|_api|gh[po]_|xox|glpat|://|token(?!s)"
)


def may_hold_secrets(data: bytes) -> bool:
    """Return whether JSON is worth a careful look. May say yes for nothing, never no for what is masked."""
    return _STEMS.search(data.lower()) is not None or b"AKIA" in data


def is_secret_name(name: str) -> bool:
    """Return whether a value under this name is masked."""
    bare = _PUNCTUATION.sub("", name.lower())
    if bare in _FIGURES or bare.startswith("secretar"):
        return False
    return bare in _WHOLE or bare.endswith("token") or any(part in bare for part in _PARTS)


def mask(value: Any) -> Any:
    """Return plain JSON data with its secrets masked; null, true, false and "" are no secrets."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {key: _masked(item) if is_secret_name(key) else mask(item) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item) for item in value]
    return value


def mask_text(text: str) -> str:
    """Return text with what stands under a secret's name, and what has the shape of a key, masked."""
    if not may_hold_secrets(text.encode(errors="replace")):
        return text
    quoted, plain, bearer, key_shapes = _patterns()
    text = quoted.sub(rf"\g<1>\g<2>{MASK}", text)
    text = plain.sub(lambda found: found[0] if MASK in found[0] else found[1] + MASK, text)
    text = bearer.sub(rf"\g<1>{MASK}", text)
    return key_shapes.sub(MASK, text)


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compile what secrets look like when a text that may hold one is first met: it takes a millisecond."""
    return (
        re.compile(_QUOTED, re.IGNORECASE | re.DOTALL),
        re.compile(_PLAIN, re.IGNORECASE),
        re.compile(_BEARER, re.IGNORECASE),
        re.compile(_KEY_SHAPES),
    )


def _masked(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) or value == "" else MASK
