"""Group A, what Tuner answers: the outcome of every kind of answer, and how often it is asked."""

from __future__ import annotations

import logging

import pytest

from faults import script as s
from faults.scenarios import scenario
from faults.trial import Trial

HOUR_S = 3_600.0
CONFLICT = "already had a record"


@scenario("A1")
def test_a_stored_call_whose_answer_was_lost_is_delivered_once(trial: Trial) -> None:
    """The second POST meets what the first one stored, and that is no conflict."""
    trial.server.script(s.rule(s.read(), s.store(), s.reset()))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert [post["stored"] for post in trial.posts()] == [True, False]
    assert not trial.warnings(CONFLICT)


@scenario("A1")
def test_is_new_false_after_a_lost_answer_is_no_conflict(trial: Trial) -> None:
    """The newer form of "already there" is read in the same way."""
    trial.server.options(is_new_for_known=True)
    trial.server.script(s.rule(s.read(), s.store(), s.reset()))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert not trial.warnings(CONFLICT)


@scenario("A2")
def test_a_reset_in_the_body_is_tried_again(trial: Trial) -> None:
    """A half-sent body stores nothing; the same bytes go out once more."""
    trial.server.script(s.rule(s.read(2_000), s.reset()))
    receipt = trial.submit(size_bytes=400_000)
    trial.run(60)
    assert receipt.state == "delivered"
    assert len(trial.posts()) == 2


@scenario("A3")
def test_a_close_without_an_answer_is_transient(trial: Trial) -> None:
    """A fresh connection that ends without a byte costs one attempt."""
    trial.server.script(s.rule(s.read(), s.close()))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert receipt.attempts == 2


@scenario("A4")
def test_an_idle_connection_that_was_closed_is_replaced_at_once(trial: Trial) -> None:
    """The end of a kept-alive connection is nobody's failure: no attempt, no warning, no wait."""
    first = trial.submit()
    trial.run(1)
    trial.server.order("drop")
    second = trial.submit()
    trial.run(0)
    assert (first.state, second.state) == ("delivered", "delivered")
    assert second.attempts == 1
    assert not trial.warnings("", logging.WARNING)


@scenario("A4", "A7")
def test_a_reused_connection_that_dies_after_the_store_is_no_conflict(trial: Trial) -> None:
    """The request was sent twice within one attempt: that the second meets the first is not the application's fault."""
    trial.submit()
    trial.run(1)
    trial.server.script(s.rule(s.read(), s.store(), s.close()))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert [post["stored"] for post in trial.server.seen().posts_of(receipt.call_id)] == [True, False]
    assert not trial.dead_reasons()


@scenario("A5")
def test_a_cut_201_is_delivered(trial: Trial) -> None:
    """The status says it all; a body cut short changes nothing."""
    trial.server.script(s.rule(s.read(), s.store(), s.answer(201, b'{"id": 7', length=400), s.close()))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert len(trial.posts()) == 1


@scenario("A6")
def test_not_new_on_the_first_attempt_is_a_conflict(trial: Trial) -> None:
    """The call_id was used before: said aloud, and our payload is kept."""
    trial.server.options(is_new_for_known=True)
    call_id = trial.store_elsewhere()
    receipt = trial.submit(call_id)
    trial.run(60)
    assert receipt.state == "delivered_duplicate"
    assert [text for text in trial.warnings(CONFLICT) if call_id in text]
    assert call_id in trial.dead_reasons()
    trial.expect_conflict(call_id)


@scenario("A7")
def test_409_on_the_first_attempt_is_a_conflict(trial: Trial) -> None:
    """The older form of "already there" warns in the same way."""
    call_id = trial.store_elsewhere()
    receipt = trial.submit(call_id)
    trial.run(60)
    assert receipt.state == "delivered_duplicate"
    assert [text for text in trial.warnings(CONFLICT) if call_id in text]
    assert call_id in trial.dead_reasons()
    trial.expect_conflict(call_id)


@scenario("A7")
def test_409_after_an_unanswered_attempt_is_silent(trial: Trial) -> None:
    """After a lost answer 409 is what one expects."""
    trial.server.script(s.rule(s.read(), s.store(), s.close()))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert trial.posts()[-1]["status"] == 409
    assert not trial.dead_reasons()


VALIDATION = {
    "detail": [{"loc": ["body", "start_timestamp"], "msg": "value is not an integer", "type": "int_type"}]
}


@scenario("A8")
def test_422_is_refused_for_good_and_says_why(trial: Trial) -> None:
    """One ERROR with the field; never sent again; the next call passes."""
    trial.server.script(s.rule(*s.status(422, VALIDATION)))
    refused = trial.submit()
    trial.run(1)
    good = trial.submit()
    trial.run(24 * HOUR_S)
    assert (refused.state, good.state) == ("dead", "delivered")
    assert len(trial.warnings(refused.call_id, logging.ERROR)) == 1
    assert "start_timestamp" in (refused.message or "")
    assert "start_timestamp" in trial.dead_reasons()[refused.call_id]
    assert len(trial.posts()) == 2


@scenario("A9")
def test_a_refused_call_can_be_retried_by_hand(trial: Trial) -> None:
    """`outbox retry` puts the call back, and it is delivered."""
    trial.server.script(s.rule(*s.status(422, VALIDATION)))
    refused = trial.submit()
    trial.run(1)
    trial.retry_dead(refused.call_id)
    trial.run(2 * HOUR_S)
    assert refused.call_id in trial.server.seen().calls
    assert not trial.dead_reasons()


@scenario("A18")
def test_redirects_are_not_followed(trial: Trial) -> None:
    """A redirect is a refusal; the key goes nowhere else."""
    elsewhere = trial.server.listen("elsewhere")
    trial.server.script(
        s.rule(*s.status(302, location="/ok")),
        s.rule(*s.status(307, location=f"http://localhost:{elsewhere}/ok"), times=None),
    )
    receipt = trial.submit()
    trial.run(900)
    assert trial.state_of(receipt) == "held"
    seen = trial.server.seen()
    assert {entry["listener"] for entry in seen.requests} == {"api"}
    assert not [entry for entry in seen.requests if entry["target"].startswith("/ok")]
    trial.server.script()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"


@scenario("A19")
def test_a_captive_portal_is_not_the_api(trial: Trial) -> None:
    """A web page with status 200 stored nothing."""
    page = s.answer(200, "<html>Welcome to the airport</html>", [["Content-Type", "text/html"]])
    trial.server.script(s.rule(s.read(), page, times=None))
    receipt = trial.submit()
    trial.run(HOUR_S)
    assert trial.state_of(receipt) == "pending"
    trial.server.script()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"
    assert trial.warnings("", logging.ERROR)


@scenario("A20")
def test_413_before_the_upload_ends(trial: Trial) -> None:
    """An early refusal is read although the body could not be sent."""
    trial.server.script(s.rule(s.read(1_000), s.answer(413, b"too large"), s.close(), times=None))
    receipt = trial.submit(size_bytes=6_000_000)
    trial.run(HOUR_S)
    assert receipt.state == "dead"
    assert len(trial.posts()) <= 3


@scenario("A22")
def test_one_hanging_request_does_not_hold_the_others(trial: Trial) -> None:
    """While the very first answer trickles, other calls are delivered in the background."""
    trial.server.script(
        s.rule(s.read(), s.trickle(b"HTTP/1.1 201 Created\r\nx-a: b\r\n" + b"x" * 5_000, 0.05))
    )
    trial.open_real()
    trial.submit()
    trial.server.wait_requests(1)
    others = [trial.submit() for _ in range(5)]
    assert {receipt.wait(8).state for receipt in others} == {"delivered"}


@scenario("A23")
def test_a_late_store_of_the_first_try_makes_no_second_record(trial: Trial) -> None:
    """A timed out request may be stored afterwards; the second attempt meets it."""
    trial.timeouts(read_s=0.2)
    trial.server.script(s.rule(s.read(), s.gate("late"), s.store(), s.answer(201, {"id": 1}), s.close()))
    receipt = trial.submit()
    trial.run(0)
    trial.server.open_gate("late")
    trial.server.wait_calls(1)
    trial.run(60)
    assert receipt.state == "delivered"
    assert len(trial.posts()) == 2


@scenario("A24")
def test_an_answer_leaves_nothing_behind(trial: Trial) -> None:
    """Cookies of an answer do not come back, and the agent's name arrives as it was written."""
    trial.server.script(s.rule(*s.status(500, set_cookie="session=1; Path=/")))
    receipt = trial.submit()
    trial.run(60)
    seen = trial.server.seen()
    assert not seen.sent_header("cookie")
    assert seen.calls[receipt.call_id]["agent_remote_identifier"] == "front desk & co"


ODD_ANSWERS = {
    "100 and 103": [
        s.read(),
        s.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"),
        s.store(),
        s.answer(201, {"id": 3, "is_new": True}),
    ],
    "chunked": [s.store(), s.answer(201, {"id": 3, "is_new": True}, chunked=True)],
    "lower case": [s.store(), s.answer(201, {"id": 3, "is_new": True}, [["x-request-id", "req-9"]])],
    "http 1.0": [s.store(), s.answer(201, {"id": 3, "is_new": True}, version="HTTP/1.0"), s.close()],
}


@pytest.mark.parametrize("case", ODD_ANSWERS)
@scenario("A24")
def test_unusual_but_correct_answers(trial: Trial, case: str) -> None:
    """What HTTP allows is understood."""
    trial.server.script(s.rule(*ODD_ANSWERS[case]))
    receipt = trial.submit()
    trial.run(5)
    assert receipt.state == "delivered"
    assert receipt.tuner_id in (3, "3")
    assert len(trial.posts()) == 1
    if case == "lower case":
        assert receipt.request_id == "req-9"
