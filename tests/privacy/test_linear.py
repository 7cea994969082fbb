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

# A long text is longer than the pieces in which it is searched.
SIZES = [
    (1_000, 40_000),
    pytest.param((2_000, 200_000), marks=[pytest.mark.soak, pytest.mark.timeout(600)], id="2000-200000"),
]
# Forty times the text takes about forty times as long; squared it would be forty times that.
MARGIN: Final = 4
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
    """Return the least processor time of several, or the first that is under a limit; other programs do not count."""
    best = float("inf")
    for _ in range(4):
        began = time.thread_time()
        work(text)
        best = min(best, time.thread_time() - began)
        if best < most_s:
            break
    return best


def grows_with_the_length(work: Callable[[str], Any], kind: str, sizes: tuple[int, int]) -> bool:
    """Tell whether a long text takes at most its own length's share of time more than a short one."""
    short, long = (text_of(kind, size) for size in sizes)
    work(short)  # what is made once is made
    base = max(seconds(work, short, 0), LEAST_S)
    most_s = MARGIN * base * sizes[1] / sizes[0]
    return seconds(work, long, most_s) < most_s


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"{sizes[0]}-{sizes[1]}")
@pytest.mark.parametrize("kind", [*PIECES, "uuids", "base64url"])
def test_time_grows_with_the_length(kind: str, sizes: tuple[int, int]) -> None:
    """A text that is so many times longer takes about so many times as long, whatever is done with it."""
    assert [name for name, work in WORK.items() if not grows_with_the_length(work, kind, sizes)] == []


def test_the_growth_test_can_fail() -> None:
    """Work that grows with the square of the length is found out."""
    squared = cast("Any", lambda text: [text.count("a", at) for at in range(0, len(text), 20)])

    assert not grows_with_the_length(squared, "hyphens", (1_000, 40_000))


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
