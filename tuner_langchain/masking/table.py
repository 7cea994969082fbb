"""The table of what is masked: names of secrets, and shapes of keys. docs/privacy.md shows it.

A name is written as its words. In a program's text the words may be joined by `-`, `_`, `.`, a space or nothing,
in any case. `names` has a quick look for every row of it: a new row needs its rarest letters there.
"""

from __future__ import annotations

from typing import Final

MASK: Final = "[masked]"

# Masked wherever they stand in a name: `x-api-key`, `openai_api_key_2`, `DB_PASSWORD_FILE`.
PARTS: Final = (
    "access key", "account key", "api key", "auth key", "authorization", "bearer", "card number", "cookie",
    "credential", "credit card", "encryption key", "master key", "mfa code", "one time code", "pass phrase",
    "passwd", "password", "private key", "secret", "security code", "shared key", "signing key",
    "social security", "ssh key", "subscription key", "verification code",
)  # fmt: skip
# Masked as the last word of a name: `user_pin`, `dbPass`, `X-Auth`; a qualifier may follow: `pin_code`.
WORDS: Final = (
    "auth", "cvc", "cvv", "jwt", "otp", "pass", "passcode", "pin", "pwd", "session", "sig", "signature", "ssn",
    "totp", "xauth",
)  # fmt: skip
# Masked at the end of a name, also without a joint: `accesstoken`.
ENDINGS: Final = ("token",)
QUALIFIERS: Final = ("id", "key", "value", "code", "number", "string", "hash")
# Under these only text is masked: the same names stand for counts and for objects of all kinds.
TEXT_ONLY: Final = (
    "session", "access tokens", "api tokens", "auth tokens", "id tokens", "refresh tokens", "session tokens",
)  # fmt: skip
# The same, where it is the whole name: `input_tokens` is always a count.
TEXT_ONLY_ALONE: Final = ("tokens",)
# Names that hold a row above and are no secret's: figures of the contract, and people.
STAYS: Final = ("usage token", "llm token")
PEOPLE: Final = r"secretar(?:y|ies|iat|ial)"
# An object that says its value's name beside it: {"name": "api_key", "value": ...}.
NAME_KEYS: Final = ("name", "key", "header", "field", "param", "parameter", "variable", "label")
VALUE_KEYS: Final = ("value", "values", "val", "default")  # not `content`: a message has a name beside it

# Where a key begins and what it is made of. All are bounded, or end where their alphabet does.
KEY_SHAPES: Final = {
    "sk-...": r"sk-[A-Za-z0-9_-]{8,}",
    "sk_live_..., rk_live_..., pk_test_...": r"[srp]k_(?:live|test)_[A-Za-z0-9]{8,}",
    "whsec_...": r"whsec_[A-Za-z0-9+/=_-]{8,}",
    "tr_api_...": r"tr_api_[A-Za-z0-9_-]{8,}",
    "github_pat_...": r"github_pat_\w{16,}",
    "ghp_..., gho_..., ghu_..., ghs_..., ghr_...": r"gh[pousr]_[A-Za-z0-9_-]{8,}",
    "glpat-...": r"glpat-[A-Za-z0-9_-]{8,}",
    "xoxb-..., xapp-...": r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{8,}",
    "hooks.slack.com/services/...": r"hooks\.slack\.com/services/[A-Za-z0-9/]{8,}",
    "AKIA..., ASIA...": r"A[KS]IA[0-9A-Z]{16}(?![0-9A-Za-z])",
    "AIza...": r"AIza[A-Za-z0-9_-]{20,}",
    "ya29....": r"ya29\.[A-Za-z0-9_.-]{8,}",
    "GOCSPX-...": r"GOCSPX-[A-Za-z0-9_-]{16,}",
    "SG....": r"SG\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "hf_...": r"hf_[A-Za-z0-9]{16,}",
    "npm_...": r"npm_[A-Za-z0-9]{16,}",
    "pypi-...": r"pypi-Ag[A-Za-z0-9_-]{14,}",
    "dop_v1_...": r"do[por]_v1_[A-Za-z0-9]{16,}",
    "gsk_...": r"gsk_[A-Za-z0-9]{16,}",
    "xai-...": r"xai-[A-Za-z0-9]{16,}",
    "lsv2_...": r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{16,}",
    "eyJ... (a JSON Web Token)": r"(?<![\w-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*",
}
