"""What an answer means, decided without a network."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_langchain.delivery.answer import Answer, read_stored, refusal_detail, refusal_summary
from tuner_langchain.delivery.policy import (
    BACKOFF_CAP_S,
    POISON_CAP_S,
    after_retry_after_s,
    backoff_s,
    item_backoff_s,
)
from tuner_langchain.delivery.verdict import RETRY_AFTER_CAP_S, judge, retry_after_s

JSON = "application/json"
NEW = Answer(201, b'{"id": 7, "is_new": true}', content_type=JSON)
OLD_FORM = Answer(
    200, b'{"success": true, "callId": "c", "tunerCallId": "tc_9", "message": "stored"}', content_type=JSON
)
KNOWN = Answer(200, b'{"id": 7, "is_new": false}', content_type=JSON)

OUTCOMES = [
    (NEW, True, "delivered"),
    (OLD_FORM, True, "delivered"),
    (KNOWN, True, "duplicate"),
    (KNOWN, False, "delivered"),
    (Answer(201, b'{"id": 7, "is_n'), True, "delivered"),
    (Answer(201, b""), True, "delivered"),
    (Answer(200, b'{"id": 7, "is_n'), True, "delivered"),
    (Answer(200, b"<html>", content_type="text/html"), True, "retry"),
    (Answer(200, b""), True, "retry"),
    (Answer(204, b""), True, "retry"),
    (Answer(200, b'{"success": false, "message": "later"}', content_type=JSON), True, "retry"),
    (Answer(409), True, "duplicate"),
    (Answer(409), False, "delivered"),
    (Answer(409, resent=True), True, "delivered"),
    (Answer(301), True, "hold"),
    (Answer(302), True, "hold"),
    (Answer(307), True, "hold"),
    (Answer(400), True, "hold"),
    (Answer(401), True, "hold"),
    (Answer(403), True, "hold"),
    (Answer(404), True, "hold"),
    (Answer(407), True, "hold"),
    (Answer(402), True, "dead"),
    (Answer(405), True, "dead"),
    (Answer(410), True, "dead"),
    (Answer(413), True, "dead"),
    (Answer(415), True, "dead"),
    (Answer(418), True, "dead"),
    (Answer(422), True, "dead"),
    (Answer(408), True, "retry"),
    (Answer(425), True, "retry"),
    (Answer(429), True, "retry"),
    (Answer(500), True, "retry"),
    (Answer(502), True, "retry"),
    (Answer(503), True, "retry"),
    (Answer(504), True, "retry"),
    (Answer(599), True, "retry"),
    (Answer(failure="transport"), True, "retry"),
    (Answer(failure="deadline"), True, "retry"),
    (Answer(failure="internal"), True, "retry"),
    (Answer(failure="certificate"), True, "hold"),
    (Answer(failure="not-tls"), True, "hold"),
    (Answer(failure="proxy"), True, "hold"),
]


@pytest.mark.parametrize(("answer", "first", "outcome"), OUTCOMES)
def test_each_answer_has_one_outcome(answer: Answer, first: bool, outcome: str) -> None:
    """The table of outcomes, row by row; each trouble says in a sentence what to do."""
    verdict = judge(answer, unsent=first, wall_s=0)
    assert verdict.outcome == outcome
    assert verdict.reason
    assert (verdict.message != "") == (outcome != "delivered")


RETRY_AFTER = [
    (("7",), 7.0),
    (("0",), 0.0),
    (("2.5",), 2.5),
    ((" 12 ",), 12.0),
    (("-5",), None),
    (("1e999",), None),
    (("nan",), None),
    (("inf",), None),
    (("abc",), None),
    (("",), None),
    ((str(10**12),), RETRY_AFTER_CAP_S),
    (("abc", "9"), 9.0),
    (("Thu, 01 Jan 1970 00:16:50 GMT",), 10.0),
    (("Thu, 01 Jan 1970 00:16:30 GMT",), 0.0),
    (("Thursday, 01-Jan-70 00:16:50 GMT",), 10.0),
    (("Thu, 99 Jan 1970 00:16:50 GMT",), None),
    (("Fri, 31 Dec 9999 23:59:59 GMT",), RETRY_AFTER_CAP_S),
    ((), None),
]


@pytest.mark.parametrize(("values", "expected_s"), RETRY_AFTER)
def test_retry_after_is_a_number_or_a_date_within_an_hour(
    values: tuple[str, ...], expected_s: float | None
) -> None:
    """Unusable values count as not sent; the first usable one holds."""
    assert retry_after_s(values, wall_s=1000.0) == expected_s


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_parser(value: str) -> None:
    """Whatever a server sends, the pause is between nothing and an hour."""
    seconds = retry_after_s((value,), wall_s=1000.0)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_CAP_S


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.booleans())
def test_pauses_stay_below_their_caps(attempts: int, chance: float, others_pass: bool) -> None:
    """Full jitter from zero to the window; only suspected poison waits longer than five minutes."""
    assert 0 <= backoff_s(attempts, chance) < BACKOFF_CAP_S
    cap_s = POISON_CAP_S if others_pass and attempts >= 10 else BACKOFF_CAP_S
    assert 0 <= item_backoff_s(attempts, chance, others_pass=others_pass) < cap_s


@given(st.floats(0, RETRY_AFTER_CAP_S), st.floats(0, 1))
def test_a_server_that_asks_for_time_gets_it(pause_s: float, chance: float) -> None:
    """Jitter is on top of what was asked for, and at most half a minute."""
    assert pause_s <= after_retry_after_s(pause_s, chance) <= pause_s + 30


def test_both_documented_answers_are_read() -> None:
    """The newer and the older form name Tuner's id differently."""
    assert (read_stored(NEW).tuner_id, read_stored(NEW).is_new) == (7, True)
    old = read_stored(OLD_FORM)
    assert (old.tuner_id, old.is_new, old.message) == ("tc_9", None, "stored")


@pytest.mark.parametrize("body", [b"[]", b"null", b"\xff", b'{"id": {}, "is_new": 1}', b"[" * 5000])
def test_odd_answers_are_read_as_nothing(body: bytes) -> None:
    """A success stays a success, whatever its body is."""
    assert read_stored(Answer(201, body)) == read_stored(Answer(201, b""))


def test_a_refusal_names_the_field_and_never_what_was_sent() -> None:
    """A validator repeats its input; neither the message nor the file beside the call does."""
    errors = [
        {"loc": ["body", "call_id"], "msg": "too long", "type": "string", "input": "said in confidence"}
    ]
    answer = Answer(422, json.dumps({"detail": errors}).encode(), content_type=JSON)
    assert refusal_summary(answer) == "body.call_id: too long"
    assert "confidence" not in refusal_detail(answer)
    assert "too long" in refusal_detail(answer)


def test_a_refusal_in_free_words_is_kept_but_not_quoted() -> None:
    """Free words may hold anything: at most 4 KiB of them, and only beside the call."""
    answer = Answer(422, b"you said: in confidence" + b"x" * 10_000, content_type="text/plain")
    assert refusal_summary(answer) == ""
    assert len(refusal_detail(answer)) == 4096
    assert "confidence" not in judge(answer, unsent=True, wall_s=0).message
