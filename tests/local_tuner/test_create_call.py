"""Create Call, as the API documents it: each status, its body, and what is kept."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from contract.example import ROWS, example, minimal

from local_tuner.posting import PATH, poster
from tuner_langchain.testing import LocalTuner, validate

if TYPE_CHECKING:
    from local_tuner.posting import Poster


def test_a_call_is_stored(tuner: LocalTuner, post: Poster) -> None:
    """A valid document is answered with its ids and kept as it was sent."""
    document = minimal()

    answer = post(document)

    assert (answer.status_code, answer.json()) == (201, {"id": 1, "provider_call_id": "c", "is_new": True})
    assert answer.headers["x-request-id"]
    assert tuner.calls() == [document]


def test_a_repeated_call_is_not_new(tuner: LocalTuner, post: Poster) -> None:
    """The same `call_id` again is success, with the first id, and the first document stays."""
    post(minimal())

    answer = post(minimal() | {"call_type": "phone_call"})

    assert (answer.status_code, answer.json()) == (200, {"id": 1, "provider_call_id": "c", "is_new": False})
    assert tuner.calls() == [minimal()]


def test_a_repeated_call_may_be_a_conflict() -> None:
    """With `repeats="conflict"` the same `call_id` again is a 409, as some deployments answer."""
    with LocalTuner(repeats="conflict") as tuner:
        statuses = [poster(tuner)(minimal()).status_code for _ in range(2)]

    assert statuses == [201, 409]


def test_the_older_form_of_answers() -> None:
    """With `answer_form="old"` the ids come under the older names."""
    with LocalTuner(answer_form="old") as tuner:
        first, again = (poster(tuner)(example()).json() for _ in range(2))

    assert first == {
        "success": True,
        "callId": "call-1",
        "tunerCallId": "tc_000001",
        "message": "Call created",
    }
    assert again == first | {"message": "Call already exists"}


def test_what_validate_refuses_is_answered_with_422(tuner: LocalTuner, post: Poster) -> None:
    """Server and `validate` say the same, each row with its place, sentence and rule."""
    document = example(call_id=None, user_sentiment="great")
    document[ROWS][1]["node"]["from"] = None

    answer = post(document)

    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [
            {"loc": ["body", *violation.location], "msg": violation.problem, "type": violation.rule}
            for violation in validate(document)
        ]
    }
    assert ["body", ROWS, 1, "node", "from"] in [row["loc"] for row in answer.json()["detail"]]
    assert tuner.calls() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"call_id": NaN}', b"\xff", b"[" * 50_000])
def test_a_body_that_is_no_document(post: Poster, body: bytes) -> None:
    """Whatever bytes come, the answer is a 422 with a row about the body."""
    answer = post(content=body, headers=_headers() | {"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert [row["loc"] for row in answer.json()["detail"]] == [["body"]]


def test_text_that_no_answer_can_carry(tuner: LocalTuner, post: Poster) -> None:
    """Lone surrogates in a call's id and in a key are refused like anything else, and can be listed."""
    import httpx

    body = json.dumps(minimal() | {"call_id": "\ud800", "call_analysis": {"\udfff": 1}})
    answer = post(content=body, headers=_headers() | {"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert [row["type"] for row in answer.json()["detail"]] == ["json_key", "json_type"]
    listed = httpx.get(tuner.base_url + "/refusals")
    assert listed.status_code == 200
    assert [row["field"] for row in listed.json()[0]["violations"]] == ['call_analysis["\\udfff"]', "call_id"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type(post: Poster, content_type: str) -> None:
    """JSON that is not sent as JSON is refused, as FastAPI refuses it."""
    answer = post(content=json.dumps(minimal()), headers=_headers() | {"Content-Type": content_type})

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "should be sent with Content-Type: application/json"


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({}, ["workspace_id", "agent_remote_identifier"]),
        ({"workspace_id": "one", "agent_remote_identifier": "local-agent"}, ["workspace_id"]),
        ({"workspace_id": "1_0", "agent_remote_identifier": "local-agent"}, ["workspace_id"]),
        ({"workspace_id": "9" * 5000, "agent_remote_identifier": "local-agent"}, ["workspace_id"]),
        ({"workspace_id": "1"}, ["agent_remote_identifier"]),
    ],
)
def test_a_wrong_query(post: Poster, params: dict[str, str], wrong: list[str]) -> None:
    """A missing or malformed query value is a 422 that names it as part of the query."""
    answer = post(minimal(), params=params)

    assert answer.status_code == 422
    assert [row["loc"] for row in answer.json()["detail"]] == [["query", name] for name in wrong]


@pytest.mark.parametrize(
    ("workspace_id", "agent_id", "status", "reason"),
    [
        (0, "local-agent", 400, "workspace_id should be 1 or more."),
        (7, "local-agent", 403, "The API key belongs to workspace 1, not to 7."),
        (1, "another", 404, "The workspace has no agent 'another'; this Tuner has 'local-agent'."),
    ],
)
def test_a_call_for_somebody_else(
    post: Poster, workspace_id: int, agent_id: str, status: int, reason: str
) -> None:
    """A wrong workspace or agent is refused with a sentence that names it."""
    answer = post(minimal(), params={"workspace_id": workspace_id, "agent_remote_identifier": agent_id})

    assert (answer.status_code, answer.json()) == (status, {"detail": reason})


def test_an_agent_id_of_any_characters() -> None:
    """The agent's id is read percent-decoded: ampersands, spaces and umlauts arrive as they are."""
    with LocalTuner(agent_id="front desk & Küche?") as tuner:
        assert poster(tuner)(minimal()).status_code == 201


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "The API key should come in the Authorization: Bearer header."),
        ({"Authorization": "Bearer wrong"}, "The API key is not this Tuner's."),
        ({"Authorization": "Bearer schlüssel".encode()}, "The API key is not this Tuner's."),
        ({"Authorization": "tr_api_local"}, "The API key should come in the Authorization: Bearer header."),
        (
            {"X-API-Key": "tr_api_local"},
            "The API key should come in the Authorization: Bearer header; the X-API-Key header is not read.",
        ),
    ],
)
def test_a_key_that_lets_nobody_in(post: Poster, headers: Any, reason: str) -> None:
    """No key, a wrong key and a key in the wrong header are 401, each with its reason."""
    answer = post(minimal(), headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"detail": reason})
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_key_in_the_older_header() -> None:
    """With `auth_header="x-api-key"` the key is read there, and nowhere else."""
    with LocalTuner(auth_header="x-api-key") as tuner:
        accepted = poster(tuner)(minimal(), headers={"X-API-Key": tuner.api_key})
        refused = poster(tuner)(minimal())

    assert (accepted.status_code, refused.status_code) == (201, 401)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_has_its_bound(chunked: bool) -> None:
    """A body over the bound is a 413, whether its length is announced or not; one at the bound is read."""
    with LocalTuner(max_body_bytes=10_000) as tuner:

        def post_bytes(size: int) -> int:
            body = b" " * size
            headers = _headers() | {"Content-Type": "application/json"}
            return poster(tuner)(content=iter([body]) if chunked else body, headers=headers).status_code

        assert (post_bytes(10_000), post_bytes(10_001)) == (422, 413)
        assert [refusal.status for refusal in tuner.refusals()] == [422, 413]


def test_who_sends_too_much_gets_to_the_answer() -> None:
    """A body far over the bound is read and dropped, so that a client that sends all of it first sees the 413."""
    import http.client

    with LocalTuner(max_body_bytes=10_000) as tuner:
        client = http.client.HTTPConnection(tuner.base_url.removeprefix("http://"), timeout=30)
        client.request("POST", PATH, body=b" " * 20_000_000, headers=_headers())
        status = client.getresponse().status
        client.close()

    assert status == 413


def test_an_endless_body_is_cut_off() -> None:
    """A body without an end does not keep the server reading for ever."""
    import httpx

    with LocalTuner(max_body_bytes=10_000) as tuner:
        endless = itertools.repeat(b" " * 1_000_000)
        headers = _headers() | {"Content-Type": "application/json"}
        try:
            status = poster(tuner)(content=endless, headers=headers).status_code
        except httpx.TransportError:  # the connection was closed before the answer was read
            status = 413

        assert status == 413
        assert [refusal.status for refusal in tuner.refusals()] == [413]


def test_another_method_or_path(tuner: LocalTuner) -> None:
    """What the API does not have is 404 or 405, in the same form as its other answers."""
    import httpx

    assert httpx.get(tuner.base_url + PATH).json() == {"detail": "Method Not Allowed"}
    assert httpx.post(tuner.base_url + "/api/v1/call").json() == {"detail": "Not Found"}


def test_refusals_say_who_and_why(tuner: LocalTuner, post: Poster) -> None:
    """Each 4xx is listed with its status, call, field and reason, for tests and at `/refusals`."""
    import httpx

    post(minimal(), headers={})
    post(minimal() | {"start_timestamp": "today"})

    unauthorised, invalid = tuner.refusals()
    assert (unauthorised.status, unauthorised.call_id, unauthorised.violations) == (401, "c", ())
    assert [str(violation) for violation in invalid.violations] == [
        "start_timestamp: should be an integer (it is a string)"
    ]
    shown = httpx.get(tuner.base_url + "/refusals").json()
    assert shown == [unauthorised.to_json(), invalid.to_json()]
    assert shown[1]["violations"][0]["field"] == "start_timestamp"


def test_scripted_answers_come_first_and_run_out(tuner: LocalTuner, post: Poster) -> None:
    """A test's answers are given in order, with their headers; then requests count again."""
    tuner.answer_next(503, times=2, headers={"Retry-After": "1"})
    tuner.answer_next(429, body="slow down")
    tuner.answer_next(200, body={"id": 7, "provider_call_id": "c", "is_new": True})

    answers = [post(minimal()) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [503, 503, 429, 200, 201]
    assert answers[0].headers["retry-after"] == "1"
    assert answers[0].json() == {"detail": "An answer scripted by the test."}
    assert (answers[2].text, answers[2].headers["content-type"]) == ("slow down", "text/plain; charset=utf-8")
    assert answers[3].json() == {"id": 7, "provider_call_id": "c", "is_new": True}
    assert tuner.refusals() == []


def test_a_server_that_fails_after_its_work(tuner: LocalTuner, post: Poster) -> None:
    """With `store=True` the call is kept although the answer says otherwise, so a retry finds it there."""
    tuner.answer_next(500, store=True)

    assert post(minimal()).status_code == 500
    assert tuner.calls() == [minimal()]
    assert post(minimal()).json()["is_new"] is False


def test_a_status_that_is_no_answer(tuner: LocalTuner) -> None:
    """A script with a status that ends no request is refused where it is written."""
    with pytest.raises(ValueError, match="100 is not a final HTTP status"):
        tuner.answer_next(100)


def _headers() -> dict[str, str]:
    return {"Authorization": "Bearer tr_api_local"}
