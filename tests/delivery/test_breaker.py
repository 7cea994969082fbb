"""One destination's state: when it is left alone, and how one bad call is told from a bad destination."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tuner_langchain.delivery.breaker import Breaker
from tuner_langchain.delivery.item import ItemName
from tuner_langchain.delivery.policy import HOLD_S
from tuner_langchain.delivery.schedule import Entry, Schedule


def fail(breaker: Breaker, key: str, now_s: float, **facts: Any) -> bool:
    breaker.begin(key, now_s)
    given = {"at_once": True, "retry_after_s": None, "message": "away", **facts}
    return breaker.failed(key, now_s, 0.5, **given)


def refuse(breaker: Breaker, key: str, now_s: float, *, at_once: bool) -> bool:
    breaker.begin(key, now_s)
    return breaker.refused(key, now_s, 0.0, at_once=at_once, message="wrong setting")


def test_one_probe_at_a_time_with_longer_pauses() -> None:
    """While a destination is away its pauses double, and each ends with a single probe."""
    breaker = Breaker()
    pauses = []
    now_s = 0.0
    for number in range(6):
        assert fail(breaker, f"call-{number}", now_s)
        pauses.append(breaker.pause_s(now_s))
        now_s += pauses[-1]
        assert breaker.pause_s(now_s) == 0
        breaker.begin("probe", now_s)
        assert breaker.pause_s(now_s) == float("inf")
        breaker.abandoned("probe")
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_500_needs_a_second_call_to_close_the_destination() -> None:
    """The same call again says nothing new; another one does."""
    breaker = Breaker()
    assert not fail(breaker, "poison", 0, at_once=False)
    assert not fail(breaker, "poison", 1, at_once=False)
    assert fail(breaker, "another", 2, at_once=False)


def test_a_success_in_between_clears_the_suspicion() -> None:
    """A destination that accepts is well, whoever fails."""
    breaker = Breaker()
    fail(breaker, "poison", 0, at_once=False)
    breaker.begin("good", 1)
    breaker.answered("good", 1, accepted=True)
    assert not fail(breaker, "poison-2", 2, at_once=False)


def test_retry_after_holds_everybody_and_a_flush_does_not_hurry_it() -> None:
    """A server that asks for time gets it."""
    breaker = Breaker()
    fail(breaker, "call", 0, retry_after_s=120.0)
    breaker.hurry()
    assert 120 <= breaker.pause_s(0) <= 150


def test_a_flush_hurries_an_ordinary_pause() -> None:
    """One probe may go now."""
    breaker = Breaker()
    fail(breaker, "call", 0)
    assert breaker.pause_s(0) > 0
    breaker.hurry()
    assert breaker.pause_s(0) == 0


def test_a_wrong_key_holds_at_once_and_a_404_after_a_second_call() -> None:
    """A wrong setting is probed every five minutes, whoever asks meanwhile."""
    breaker = Breaker()
    assert refuse(breaker, "call", 0, at_once=True)
    assert breaker.pause_s(0) == HOLD_S
    breaker.hurry()
    assert breaker.pause_s(0) == HOLD_S
    other = Breaker()
    assert not refuse(other, "call", 0, at_once=False)
    assert refuse(other, "call-2", 1, at_once=False)


def test_a_403_among_successes_is_the_calls_own() -> None:
    """Others were accepted with the same key a moment ago."""
    breaker = Breaker()
    breaker.begin("good", 0)
    breaker.answered("good", 0, accepted=True)
    assert not refuse(breaker, "bad", 1, at_once=True)


def test_a_straggler_does_not_lengthen_the_pause() -> None:
    """Requests that were under way when the trouble began count once."""
    breaker = Breaker()
    breaker.begin("a", 0)
    breaker.begin("b", 0)
    breaker.failed("a", 1, 0.5, at_once=True, retry_after_s=None, message="away")
    until_s = breaker.until_s
    breaker.failed("b", 1, 0.5, at_once=True, retry_after_s=None, message="away")
    assert breaker.until_s == until_s


def test_sending_resumes_slowly_and_reaches_full_speed() -> None:
    """After an outage: twenty a second, doubling every five seconds, then without a limit."""
    breaker = Breaker()
    fail(breaker, "call", 0)
    breaker.begin("probe", 1)
    assert breaker.answered("probe", 1, accepted=True)
    now_s, sent = 1.0, []
    while now_s < 40:
        pause_s = breaker.pause_s(now_s)
        if pause_s == 0:
            sent.append(now_s)
            breaker.begin("call", now_s)
            now_s += 0.0005
        else:
            now_s += pause_s
    assert 15 <= sum(when < 2 for when in sent) <= 25
    assert sum(when < 6 for when in sent) <= 5 * 40
    assert sum(39 <= when < 39.5 for when in sent) > 500


def entry(number: int) -> Entry:
    return Entry(ItemName.new(f"call-{number}", created_ms=number, destination="0" * 8, nonce="0" * 8))


@given(st.lists(st.sampled_from(["add", "offer", "take", "fail", "done"]), max_size=60))
def test_the_schedule_forgets_nobody_and_gives_nobody_twice(steps: list[str]) -> None:
    """Whatever happens in whatever order, each call is in one place until it is settled."""
    schedule, now_s, number = Schedule(), 0.0, 0
    known: set[str] = set()
    out: list[Entry] = []
    for step in steps:
        now_s += 1.0
        if step in ("add", "offer"):
            number += 1
            known.add(entry(number).key)
            if step == "add":
                schedule.add(entry(number))
            else:
                schedule.offer([entry(number), entry(number)])
        elif step == "take":
            taken = schedule.take(now_s)
            if isinstance(taken, Entry):
                assert taken.key not in [other.key for other in out]
                out.append(taken)
        elif out and step == "fail":
            schedule.back_off(out.pop(), now_s + 5)
        elif out:
            done = out.pop()
            known.discard(done.key)
            schedule.drop(done)
    assert set(schedule.entries) == known
    found = {done.key for done in out}
    while isinstance(taken := schedule.take(now_s + 100), Entry):
        found.add(taken.key)
    assert found == known
