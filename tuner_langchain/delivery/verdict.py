"""What each answer means for the call and for the destination. Pure: the time comes in as an argument."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

from tuner_langchain.delivery.answer import Answer, read_stored, refusal_summary

# A forged or mistaken Retry-After must not switch delivery off.
RETRY_AFTER_CAP_S = 3600.0

Outcome = Literal["delivered", "duplicate", "retry", "hold", "dead"]


class Verdict(NamedTuple):
    """What one answer means for the call and for the destination.

    Attributes:
        outcome: What becomes of the call; "duplicate" means that the record at Tuner is not this call's.
        reason: One word for file names and counters, like `http-422`.
        message: A sentence with the way out, free of content.
        destination: The trouble is the destination's at once, without a second call for contrast.
        retry_after_s: No request to the destination before.
        suspicious: A success that Tuner cannot have sent.
    """

    outcome: Outcome
    reason: str = ""
    message: str = ""
    destination: bool = False
    retry_after_s: float | None = None
    suspicious: bool = False


def judge(answer: Answer, *, unsent: bool, wall_s: float) -> Verdict:
    """Return what `answer` means.

    Args:
        answer: How the request ended.
        unsent: No earlier request with these bytes can have reached the server, from here or from elsewhere.
        wall_s: Now in Unix seconds, for a `Retry-After` that is a date.
    """
    if answer.status is None:
        return _judge_failure(answer)
    status = answer.status
    unsent = unsent and not answer.resent
    if 200 <= status < 300:
        return _judge_success(answer, unsent)
    if status == 409:
        return _CONFLICT if unsent else Verdict("delivered", "http-409")
    reason = f"http-{status}"
    if status in _SETTINGS_AT_FAULT or 300 <= status < 400:
        message = _SETTINGS_AT_FAULT.get(status, _REDIRECTED).format(status=status)
        return Verdict("hold", reason, message, destination=status in (401, 403, 407))
    if status in (408, 425, 429) or status >= 500:
        pause = retry_after_s(answer.retry_after, wall_s)
        message = f"Tuner answered {status}; the call waits in the outbox and is sent again."
        return Verdict("retry", reason, message, status in (429, 503), pause)
    summary = refusal_summary(answer) or _REFUSED.get(status, "no reason in a form that can be quoted")
    return Verdict(
        "dead",
        reason,
        f"Tuner refused the call for good ({status}: {summary}). It is kept in the outbox's dead/ folder: see it with "
        "`tuner-langchain outbox show`, and after a fix send it with `tuner-langchain outbox retry`.",
    )


_CONFLICT = Verdict(
    "duplicate",
    "conflict",
    "Tuner already had a record with this call_id before this call was first sent: the application used the id twice. "
    "The record at Tuner is the other call's; this one is kept in the outbox's dead/ folder. Give each call its own "
    "call_id, or set shared_call_ids=True where several places send the same call.",
)
_SETTINGS_AT_FAULT = {
    400: "Tuner answered 400: check TUNER_WORKSPACE_ID and TUNER_AGENT_ID. Calls are kept and tried every few minutes.",
    401: "Tuner answered 401: check TUNER_API_KEY. Calls are kept and tried every few minutes.",
    403: "Tuner answered 403: TUNER_API_KEY may belong to another workspace than TUNER_WORKSPACE_ID, or the deployment "
    "may want auth_header='x-api-key'. Calls are kept and tried every few minutes.",
    404: "Tuner answered 404: check TUNER_AGENT_ID, TUNER_WORKSPACE_ID and TUNER_BASE_URL. Calls are kept and tried "
    "every few minutes.",
    407: "The proxy answered 407: it wants a user name and password (HTTPS_PROXY). Calls are kept and tried every few "
    "minutes.",
}
_REDIRECTED = (
    "The server answered {status}, a redirect, which is never followed with a key: set TUNER_BASE_URL to the address "
    "it leads to. Calls are kept and tried every few minutes."
)
_REFUSED = {413: "the call is too large", 415: "it does not take this content type", 422: "it is not valid"}


def _judge_success(answer: Answer, unsent: bool) -> Verdict:
    stored = read_stored(answer)
    if answer.status != 201 and (not answer.looks_like_json() or stored.success is False):
        return Verdict(
            "retry",
            "not-tuner",
            f"Something that is not Tuner answered {answer.status} (a captive portal, a proxy's page?): check "
            "TUNER_BASE_URL and the network in between. Calls are kept and sent again.",
            destination=True,
            suspicious=True,
        )
    if stored.is_new is False and unsent:
        return _CONFLICT
    return Verdict("delivered", f"http-{answer.status}")


def _judge_failure(answer: Answer) -> Verdict:
    if answer.failure == "internal":
        return Verdict("retry", "internal", f"The call could not be turned into a request: {answer.detail}.")
    if answer.failure in ("certificate", "not-tls", "proxy"):
        return Verdict(
            "hold",
            answer.failure,
            f"No safe connection to Tuner ({answer.detail}): check TUNER_BASE_URL, SSL_CERT_FILE and the proxy's "
            "settings. Calls are kept and tried every few minutes.",
            destination=True,
        )
    return Verdict(
        "retry",
        answer.failure or "transport",
        f"Tuner cannot be reached ({answer.detail}); the call waits in the outbox and is sent again.",
        destination=True,
    )


def retry_after_s(values: tuple[str, ...], wall_s: float) -> float | None:
    """Return the first usable `Retry-After` in seconds, between 0 and an hour; None when there is none.

    A number or an HTTP date (RFC 9110, 10.2.3). Negative, infinite and unreadable values are as if not sent.
    """
    for value in values:
        seconds = _seconds(value.strip(), wall_s)
        if seconds is not None:
            return min(max(seconds, 0.0), RETRY_AFTER_CAP_S)
    return None


def _seconds(value: str, wall_s: float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return _seconds_until(value, wall_s)
    return number if math.isfinite(number) and number >= 0 else None


def _seconds_until(value: str, wall_s: float) -> float | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp() - wall_s
