"""The ready rules for `Capture(redact=...)`: what they find, what stays, and where they look."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import pytest
from langchain_core.tools import tool

from tuner_langchain import Capture, ConfigError, Segment, redact
from tuner_langchain.testing import record, validate

CARDS = (
    "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "4111, 1111, 1111, 1111", "5555555555554444", "2223003122003222", "378282246310005", "3782 822463 10005",
    "6011 1111 1111 1117", "3530111333300000", "30569309025904", "4222222222222", "4111\u00a01111\u00a01111\u00a01111",
)  # fmt: skip
NO_CARDS = (
    "4111111111111112", "1764000000000", "12345678901234567890123", "0.4111111111111111", "2026-11-24 10:30:00",
    "a total of 1,234,567.89", "table 4 at 19:30", "550e8400-e29b-41d4-a716-446655440000", "order 4111 1111",
)  # fmt: skip
IBANS = (
    "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432",
    "NO9386011117947", "FR14 2004 1010 0505 0001 3M02 606", "NL91-ABNA-0417-1643-00",
    "D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0",
)  # fmt: skip
NO_IBANS = (
    "DE89370400440532013001",
    "DE12 is a room",
    "XX89370400440532013000",
    "the IBAN",
    "AB12345678901234567",
)
EMAILS = ("ada@example.com", "ada.l+x@mail.example.co.uk", "a_b%c@x-y.org", "ADA@EXAMPLE.COM", "ä@bücher.de")
NO_EMAILS = ("@ada", "ada@", "ada@host", "4 @ 2.50", "a @ b.de", "ada@.com")
PHONES = (
    "+15551234567", "+1 (555) 123-4567", "+49 30 1234567", "+44 20 7946 0958", "0049 30 12345678", "030 1234567",
    "0171/1234567", "(030) 1234567", "020 7946 0958", "06 12 34 56 78", "06.12.34.56.78", "0412 345 678",
    "212-555-0143",
    "(212) 555-0143", "212.555.0143", "1-212-555-0143", "2125550143", "2 1 2 5 5 5 0 1 4 3", "98765 43210",
)  # fmt: skip
NO_PHONES = (
    "2026-11-24", "24.11.2026", "01.02.2026 10:30", "01/02/2026 10 30", "19:30", "$1,234.50", "1234.56", "0.123456789",
    "1764000000", "1764000000000", "order 1234567890", "ORD-0012345678", "#0123456789", "room 101", "192.168.10.20",
    "4111 1111 1111 1111", "4539 5787 6362 1486", "2 people at 8", "555-0143", "10 000 000",
    "550e8400-e29b-41d4-a716-446655440000", "+1",
)  # fmt: skip
RULES = {
    "card": (redact.cards, CARDS, NO_CARDS),
    "iban": (redact.ibans, IBANS, NO_IBANS),
    "email": (redact.emails, EMAILS, NO_EMAILS),
    "phone": (redact.phones, PHONES, NO_PHONES),
}
FOUND = [(kind, text) for kind, (_, texts, _) in RULES.items() for text in texts]
STAYS = [(kind, text) for kind, (_, _, texts) in RULES.items() for text in texts]


def segment(**fields: Any) -> Segment:
    frame = {"role": "user", "text": "", "start_ms": 0, "end_ms": 0, "duration_ms": 0, "metadata": {}}
    return cast("Segment", {**frame, **fields})


def said(rule: Any, text: str) -> str:
    return str(rule(segment(text=text))["text"])


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_what_a_rule_finds(kind: str, text: str) -> None:
    """What a rule is for is found alone, in a sentence, in brackets and twice; nothing beside it goes."""
    rule = RULES[kind][0]

    assert said(rule, text) == f"[{kind}]"
    assert said(rule, f"It is {text}, I think.") == f"It is [{kind}], I think."
    assert said(rule, f"({text}) or: {text}.") == f"([{kind}]) or: [{kind}]."


@pytest.mark.parametrize(("kind", "text"), STAYS)
def test_what_a_rule_leaves(kind: str, text: str) -> None:
    """Dates, times, prices, amounts, ids and wrong check digits stay."""
    rule = RULES[kind][0]

    assert said(rule, text) == text
    assert said(rule, f"It is {text}, I think.") == f"It is {text}, I think."


def test_a_number_beside_a_card() -> None:
    """A number in front of a card's, or behind it, is not taken for a part of it."""
    assert said(redact.cards, "for 2 4111 1111 1111 1111 3 times") == "for 2 [card] 3 times"


@pytest.mark.parametrize("kind", sorted(RULES))
def test_all_text_of_a_row(kind: str) -> None:
    """A rule looks at all text of a row: words, tools at any depth and their keys, reasons, metadata."""
    rule: Any = RULES[kind][0]
    planted = RULES[kind][1][0]
    row = segment(
        role="agent_result",
        text=planted,
        tool={
            "name": "pay", "request_id": "r", "start_ms": 0, "params": {planted: [{"a": planted}]},
            "result": {"value": planted, "n": 5, "ok": True, "none": None}, "error": f"no {planted}",
        },
        node={"from": "a", "to": "b", "reason": planted},
        metadata={"input": {"x": planted}, "e2e_latency": 12.5},
        words=[{"word": planted, "start_ms": 1, "end_ms": 2}],
    )  # fmt: skip
    shown = rule(row)

    assert planted not in str(shown)
    assert shown["tool"]["params"] == {f"[{kind}]": [{"a": f"[{kind}]"}]}
    assert shown["tool"]["result"] == {"value": f"[{kind}]", "n": 5, "ok": True, "none": None}
    assert (shown["node"]["from"], shown["tool"]["name"]) == ("a", "pay")
    assert shown["metadata"] == {"input": {"x": f"[{kind}]"}, "e2e_latency": 12.5}
    assert planted in row["text"], "the row that was given stays as it was"


def test_a_card_spread_over_words() -> None:
    """A number in several words is replaced in each of them; their times, and the words around, stay."""
    spoken = ["It", "is", "4111", "1111", "1111", "1111.", "Thanks"]
    words = [{"word": word, "start_ms": 10 * n, "end_ms": 10 * n + 5} for n, word in enumerate(spoken)]
    shown = redact.cards(segment(text=" ".join(spoken), words=words))

    assert shown["text"] == "It is [card]. Thanks"
    assert [word["word"] for word in shown["words"]] == [
        "It", "is", "[card]", "[card]", "[card]", "[card].", "Thanks",
    ]  # fmt: skip
    assert [(word["start_ms"], word["end_ms"]) for word in shown["words"]] == [
        (word["start_ms"], word["end_ms"]) for word in words
    ]


def test_card_numbers_that_are_numbers() -> None:
    """A whole number that is a card's is replaced; another of that size stays."""
    row = segment(tool={"params": {"card": 4111111111111111, "at": 1764000000000, "n": [5, True, 0.5]}})

    assert redact.cards(row)["tool"]["params"] == {
        "card": "[card]",
        "at": 1764000000000,
        "n": [5, True, 0.5],
    }


def test_keys_that_become_the_same_stay_apart() -> None:
    """No value is lost when two keys are replaced by the same word."""
    row = segment(tool={"params": dict.fromkeys(EMAILS, 1)})

    assert list(redact.emails(row)["tool"]["params"].values()) == [1] * len(EMAILS)


def test_rules_are_combined_in_order() -> None:
    """`combine` applies each rule to what the one before left; None ends it."""
    seen = []

    def own(row: Segment) -> Segment | None:
        seen.append(row["text"])
        return None if "drop" in row["text"] else row

    def late(row: Segment) -> Segment:
        seen.append("late")
        return row

    rule = redact.combine(redact.cards, redact.emails, own, late)

    assert rule(segment(text="4111111111111111 ada@example.com")) is not None
    assert rule(segment(text="drop")) is None
    assert seen == ["[card] [email]", "late", "drop"]
    assert redact.combine()(segment(text="x")) == segment(text="x")
    with pytest.raises(ConfigError, match=r"rule 2: is a str\. Expected a function of a segment"):
        redact.combine(redact.cards, cast("Any", "emails"))


@tool
def pay(card: str) -> dict[str, Any]:
    """Pay."""
    return {"receipt_to": "ada@example.com", "card": 4111111111111111}


def test_a_call_with_all_rules() -> None:
    """A call that is redacted by all rules is a valid document without any of what they are for."""
    rules = redact.combine(redact.cards, redact.ibans, redact.emails, redact.phones)
    taken = record(capture=Capture(redact=rules), caller_phone_number="+15551234567")
    taken.add_user_turn("It is 4111 1111 1111 1111, ada@example.com.", start_ms=0, end_ms=900)
    pay.invoke({"card": "4111-1111-1111-1111"}, {"callbacks": [taken]})
    taken.finalize(collected_dynamic_variables={"account": "DE89 3704 0044 0532 0130 00"})

    assert taken.body is not None
    assert validate(taken.body) == []
    assert taken.timeline[0]["text"] == "It is [card], [email]."
    for planted in (b"4111", b"ada@", b"3704", b"5551234567"):
        assert planted not in taken.body


def test_the_package_does_not_load_the_rules() -> None:
    """`import tuner_langchain` loads no rule: they are for those who switch them on."""
    code = "import sys, tuner_langchain; print('tuner_langchain.redact' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"


def test_the_rules_are_there_by_the_packages_name() -> None:
    """`tuner_langchain.redact.cards` works after `import tuner_langchain` alone."""
    code = "import tuner_langchain; print(tuner_langchain.redact.cards.__name__)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "cards"
