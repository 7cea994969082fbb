"""Statuses and bodies as the API forms them; what was refused; and the answers a test asks for."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuner_langchain.testing.contract import Violation
    from tuner_langchain.testing.local_tuner.calls import StoredCall

AnswerForm = Literal["new", "old"]

# Refusals are for people to read: the newest are kept, so that a loop of them fills no memory.
REFUSALS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """One 4xx answer, and why.

    Attributes:
        status: The HTTP status that was answered.
        reason: The answer's sentence; for a 422, how many fields are wrong.
        violations: Each wrong field of a 422, with its path.
        call_id: The call that was refused, if the body said it.
        received_at: When, in UTC.
    """

    status: int
    reason: str
    violations: tuple[Violation, ...] = ()
    call_id: str | None = None
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_json(self) -> dict[str, Any]:
        """Return the refusal as JSON values."""
        fields = [{"field": v.path, "reason": v.problem, "rule": v.rule} for v in self.violations]
        return {
            "received_at": self.received_at.isoformat(timespec="milliseconds"),
            "status": self.status,
            "call_id": self.call_id,
            "reason": self.reason,
            "violations": fields,
        }


class RefusedError(Exception):
    """Raised by a check of a request; the endpoint answers with it and keeps it in the list of refusals."""

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        query: tuple[Violation, ...] = (),
        body: tuple[Violation, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.violations = (*query, *body)
        self.headers = dict(headers or {})
        self._rows = [_row("query", v) for v in query] + [_row("body", v) for v in body]

    def body(self) -> dict[str, Any]:
        """Return the answer's body: rows for a 422, a sentence for any other."""
        return {"detail": self._rows or self.reason}


def _row(source: str, violation: Violation) -> dict[str, Any]:
    return {"loc": [source, *violation.location], "msg": violation.problem, "type": violation.rule}


def stored_body(call: StoredCall, is_new: bool, form: AnswerForm) -> dict[str, Any]:
    """Return the body that tells of a stored call, in the newer or the older documented form."""
    if form == "new":
        return {"id": call.id, "provider_call_id": call.call_id, "is_new": is_new}
    message = "Call created" if is_new else "Call already exists"
    return {"success": True, "callId": call.call_id, "tunerCallId": call.tuner_call_id, "message": message}


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """An answer a test asked for, given whatever the request says.

    Attributes:
        status: The HTTP status.
        headers: Headers of the answer, such as `Retry-After`.
        body: JSON values, or text as it is; None is a short `detail`.
        store: Keep the call all the same, as a server does that fails after its work is done.
    """

    status: int
    headers: Mapping[str, str]
    body: Any = None
    store: bool = False


class Script:
    """The answers to come, in order; when they are used up, requests are answered on their merits again."""

    def __init__(self) -> None:
        self._answers: deque[ScriptedAnswer] = deque()
        self._lock = threading.Lock()

    def add(self, answer: ScriptedAnswer, times: int) -> None:
        """Give this answer to the next `times` requests, after those already scripted."""
        with self._lock:
            self._answers.extend([answer] * times)

    def next(self) -> ScriptedAnswer | None:
        """Return the next scripted answer and forget it; None when there is none."""
        with self._lock:
            return self._answers.popleft() if self._answers else None
