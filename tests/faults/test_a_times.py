"""Group A, how often Tuner is asked: held destinations, pauses, outages."""

from __future__ import annotations

import logging

import pytest

from faults import script as s
from faults.scenarios import scenario
from faults.trial import Trial

HOUR_S = 3_600.0
CONFLICT = "already had a record"


@scenario("A10")
def test_a_bad_key_holds_the_backlog(trial: Trial) -> None:
    """An hour of 401: few probes, nothing dead, everything delivered when the key works."""
    trial.server.script(s.rule(*s.status(401), times=None))
    receipts = [trial.submit() for _ in range(500)]
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"held"}
    assert len(trial.posts()) <= 13
    trial.server.script()
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}
    assert not trial.dead_reasons()


@pytest.mark.parametrize("code", [400, 403, 404])
@scenario("A11")
def test_a_refused_destination_is_held(trial: Trial, code: int) -> None:
    """A wrong workspace or agent is a setting, not the calls' fault."""
    trial.server.script(s.rule(*s.status(code), times=None))
    receipts = [trial.submit() for _ in range(5)]
    trial.run(2 * 24 * HOUR_S)
    assert {receipt.state for receipt in receipts} == {"held"}
    trial.server.script()
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}


@scenario("A11")
def test_one_refused_call_among_successes_dies_after_a_day(trial: Trial) -> None:
    """When others are accepted the fault is the call's own, but it gets a day."""
    call_id = trial.new_call_id()
    trial.server.script(s.rule(*s.status(400), times=None, call_id=call_id))
    bad = trial.submit(call_id)
    trial.run(60)
    for _ in range(27):
        assert trial.submit_and_run(HOUR_S).state == "delivered"
    assert bad.state == "dead"
    assert len([text for text in trial.warnings(bad.call_id, logging.ERROR) if "dead/" in text]) == 1


@scenario("A12")
def test_retry_after_holds_the_destination(trial: Trial) -> None:
    """Nothing at all goes to a destination that asked for two minutes."""
    trial.server.script(s.rule(*s.status(429, retry_after="120")))
    first = trial.submit()
    trial.run(0)
    second = trial.submit()
    trial.run(119.5)
    assert len(trial.posts()) == 1
    trial.run(31)
    assert len(trial.posts()) >= 2
    trial.run(60)
    assert (first.state, second.state) == ("delivered", "delivered")


IGNORED = (0.0, 1.1)
RETRY_AFTER = {
    "seconds": ("7", (7.0, 12.0)),
    "date": ("DATE+100", (98.0, 140.0)),
    "past date": ("DATE-100", (0.0, 2.1)),
    "negative": ("-5", IGNORED),
    "infinite": ("1e999", IGNORED),
    "not a number": ("nan", IGNORED),
    "word": ("abc", IGNORED),
    "huge": ("1000000000000", (3_600.0, 4_600.0)),
}


@pytest.mark.parametrize("case", RETRY_AFTER)
@scenario("A13")
def test_odd_retry_after_values(trial: Trial, case: str) -> None:
    """Seconds and dates are minimum waits of at most an hour; nonsense is as if it were not there."""
    value, (earliest_s, latest_s) = RETRY_AFTER[case]
    if value.startswith("DATE"):
        value = trial.http_date(float(value[4:]))
    trial.server.script(s.rule(*s.status(429, retry_after=value)))
    receipt = trial.submit()
    trial.run(0)
    assert len(trial.posts()) == 1
    trial.run(max(earliest_s - 0.5, 0))
    assert len(trial.posts()) == (1 if earliest_s else len(trial.posts()))
    trial.run(latest_s - max(earliest_s - 0.5, 0))
    assert len(trial.posts()) == 2
    assert receipt.state == "delivered"


@scenario("A13")
def test_of_two_retry_after_headers_the_first_valid_one_counts(trial: Trial) -> None:
    """A broken header does not hide a good one."""
    headers = [["Retry-After", "soon"], ["Retry-After", "50"]]
    trial.server.script(s.rule(s.read(), s.answer(429, b"", headers)))
    receipt = trial.submit()
    trial.run(45)
    assert len(trial.posts()) == 1
    trial.run(30)
    assert receipt.state == "delivered"


@scenario("A14")
def test_429_without_retry_after_backs_off(trial: Trial) -> None:
    """Too many requests is transient with or without the header."""
    trial.server.script(s.rule(*s.status(429), times=3))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert len(trial.posts()) == 4


@scenario("A15")
def test_five_500s_make_exactly_six_posts(trial: Trial) -> None:
    """One POST per attempt: there is no second layer of retries."""
    trial.server.script(s.rule(*s.status(500), times=5))
    receipt = trial.submit()
    trial.run(120)
    assert receipt.state == "delivered"
    assert len(trial.posts()) == 6
    assert receipt.attempts == 6


@scenario("A16")
def test_a_poison_call_does_not_hold_the_others(trial: Trial) -> None:
    """99 good calls pass the one that always fails; it keeps its own slow lane."""
    poison = trial.new_call_id()
    trial.server.script(s.rule(*s.status(500), times=None, call_id=poison))
    bad = trial.submit(poison)
    good = [trial.submit() for _ in range(99)]
    trial.run(60)
    assert {receipt.state for receipt in good} == {"delivered"}
    for _ in range(24):
        assert trial.submit_and_run(HOUR_S).state == "delivered"
    assert bad.state == "pending"
    assert len(trial.server.seen().posts_of(poison)) <= 30


@pytest.mark.parametrize(
    "calls", [300, pytest.param(5_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
@scenario("A17")
def test_a_long_outage(trial: Trial, calls: int) -> None:
    """Three hours of 503: a probe per interval, then a slow beginning, and hardly a wasted POST."""
    trial.server.script(s.rule(*s.status(503), times=None))
    receipts = []
    for _ in range(calls):
        receipts.append(trial.submit())
        trial.run(3 * HOUR_S / calls)
    during = len(trial.posts())
    assert during <= 3 * 60
    trial.server.script()
    first_seconds = trial.posts_each_second(until=during + 2, seconds=5)
    assert max(first_seconds) <= 45
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}
    assert len(trial.posts()) - during <= 1.2 * calls
