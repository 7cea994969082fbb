"""No text, however long or odd, takes more than time that grows with its length."""

from __future__ import annotations

import base64
import random
import time
import uuid
from collections.abc import Callable
from typing import Any, Final, cast

import pytest

from tuner_langchain import redact
from tuner_langchain.delivery.answer import _short
from tuner_langchain.masking import mask, mask_text, may_hold_secrets
from tuner_langchain.runs import SpokenTurn
from tuner_langchain.timeline.lines import Line
from tuner_langchain.timeline.spoken import with_spoken
from tuner_langchain.view.figures import printable
from tuner_langchain.view.html import data_block
from tuner_langchain.view.lines import cut, wrap

SHORT, LONG = 2_000, 200_000
# A hundred times the text takes about a hundred times as long; squared it would be ten thousand times.
MOST_TIMES_LONGER: Final = 400
LEAST_S: Final = 0.0001  # what is over sooner is not compared

PIECES = {
    "hyphens": "a-", "hyphenated": "password-", "prefixes": "sk-", "addresses": "://", "address": "x://a:",
    "user in an address": "https://a@", "user": "user:", "at": "@", "names": "key=", "pem": "-----BEGIN ",
    "private key": "-----BEGIN PRIVATE KEY-----", "backslashes": "\\", "escaped quotes": '\\"', "quotes": '"',
    "apostrophes": "'", "token": "token ", "quoted names": '"token":"', "opened": "token='", "json": '{"token":{"a":[',
    "deep": '{\\"token\\": \\"', "values": '"value":"', "named": '"name":"', "pairs": '["token",', "flags": "--token ",
    "users": "-u a:", "elements": "<token ", "element": "<token>", "jwt": "eyJ-", "jwts": "eyJaaaaaa.",
    "SG": "SG.aaaaaaaa",
    "bearer": "bearer ", "spaces": "token=   ", "only spaces": " ", "cards": "4 1 1 1 ", "digits": "4111-", "long": "4",
    "phones": "+1 ", "zeros": "0 ", "iban": "DE89 ", "letters and digits": "a1", "emails": "a.b@", "dots": "a.",
    "email": "a@b.", "encoded": "token%3D", "colons": ": ", "cookies": "cookie: a;", "brackets": "token=[",
    "commas": "token=a,", "ticks": "`token`:`", "newlines": "token: \n", "accents": "\u0301", "wide": "日",
    "marks": "a\u0301 ",
    "controls": "\x1b[", "markup": "<&>", "numbers": "password=1 ",
}  # fmt: skip


def text_of(kind: str, size: int) -> str:
    """A text of one kind; its first word has the quick look pass it on."""
    numbers = random.Random(1)
    if kind == "uuids":
        body = "-".join(str(uuid.UUID(int=numbers.getrandbits(128))) for _ in range(size // 37 + 1))
    elif kind == "base64url":
        body = base64.urlsafe_b64encode(numbers.randbytes(size)).decode()
    else:
        body = PIECES[kind] * (size // len(PIECES[kind]) + 1)
    return f"token {body}"[:size]


def segment(text: str) -> Any:
    return {"role": "user", "text": text, "metadata": {}}


def join(text: str) -> Any:
    turn = SpokenTurn(
        "agent", f"{text} z", start_ms=0, end_ms=9, words=[], extra={}, interrupted=None, heard=None
    )
    return with_spoken([Line("agent", f"y {text}", 0, 9, 1)], [turn], [0])


WORK: dict[str, Callable[[str], Any]] = {
    "mask": mask_text,
    "mask a list": lambda text: mask(text.split(" ")),
    "gate": lambda text: may_hold_secrets(text.encode()),
    "cards": lambda text: redact.cards(segment(text)),
    "ibans": lambda text: redact.ibans(segment(text)),
    "emails": lambda text: redact.emails(segment(text)),
    "phones": lambda text: redact.phones(segment(text)),
    "join with what was spoken": join,
    "wrap": lambda text: list(wrap(text, 80)),
    "cut": lambda text: cut(text, 80),
    "escape for a terminal": printable,
    "escape for a page": data_block,
    "shorten an answer": _short,
}


def seconds(work: Callable[[str], Any], text: str, most_s: float) -> float:
    """Return the least of several times, or the first that is under a limit."""
    best = float("inf")
    for _ in range(4):
        began = time.perf_counter()
        work(text)
        best = min(best, time.perf_counter() - began)
        if best < most_s:
            break
    return best


@pytest.mark.parametrize("kind", [*PIECES, "uuids", "base64url"])
def test_time_grows_with_the_length(kind: str) -> None:
    """A hundred times the text takes no more than about a hundred times as long, whatever is done with it."""
    short, long = text_of(kind, SHORT), text_of(kind, LONG)
    for name, work in WORK.items():
        work(short)  # what is made once is made
        base = max(min(seconds(work, short, 0) for _ in range(2)), LEAST_S)
        most_s = MOST_TIMES_LONGER * base
        assert seconds(work, long, most_s) < most_s, name


def test_the_growth_test_can_fail() -> None:
    """Work that grows with the square of the length is found out."""
    with pytest.raises(AssertionError):
        work = cast("Any", lambda text: [text.count("a", at) for at in range(0, len(text), 20)])
        short, long = text_of("hyphens", SHORT), text_of("hyphens", LONG // 2)
        base = seconds(work, short, 0)
        assert seconds(work, long, MOST_TIMES_LONGER * base) < MOST_TIMES_LONGER * base


def test_many_keys_that_become_the_same() -> None:
    """Keys that are masked to one word are told apart in time that grows with their number."""

    def keys(number: int) -> dict[str, int]:
        return {f"sk-{at:012}": at for at in range(number)}

    few, many = keys(3_000), keys(30_000)  # more than are remembered
    base = min(seconds(cast("Any", mask), cast("Any", few), 0) for _ in range(2))

    assert seconds(cast("Any", mask), cast("Any", many), 40 * base) < 40 * base
    assert len(mask(many)) == len(many)


def test_secrets_across_the_pieces_of_a_long_text() -> None:
    """A secret behind, and across, the pieces in which a long text is searched is masked as well."""
    for size in (16_300, 16_384, 32_768, 65_536, 200_000):
        for shift in range(0, 30, 3):
            text = "x " * ((size - shift) // 2) + "password=hunter2-PLANTED sk-" + "a1" * 5_000 + " z"
            shown = mask_text(text)
            assert "PLANTED" not in shown
            assert shown.endswith("password=[masked] [masked] z")
