"""What came back for one request, and what can be read from it. Pure."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from tuner_langchain.escaping import printable

# How a request can end without a status. Only "transport" and "deadline" may pass by themselves.
Failure = Literal["transport", "deadline", "certificate", "not-tls", "proxy", "internal"]

# What a refusal may leave behind in `dead/`.
DETAIL_LIMIT = 4096
_MESSAGE_LIMIT = 200


class Answer(NamedTuple):
    """The end of one request.

    Attributes:
        status: The HTTP status; None when there was none.
        body: The first 64 KiB of the answer's body.
        content_type: The answer's media type in lower case, without parameters.
        retry_after: Every `Retry-After` header, in order.
        request_id: What the server calls this request, for its support.
        failure: How it ended when there is no status.
        detail: The failure in words: no address, no header, no content.
        resent: The request went out twice, because a kept-alive connection had died; the first may have
            arrived.
    """

    status: int | None = None
    body: bytes = b""
    content_type: str = ""
    retry_after: tuple[str, ...] = ()
    request_id: str | None = None
    failure: Failure | None = None
    detail: str = ""
    resent: bool = False

    def json(self) -> Any:
        """Return the body as JSON, or None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def looks_like_json(self) -> bool:
        """Tell whether an API answered, also when its answer was cut short."""
        return self.content_type == "application/json" or self.body.lstrip()[:1] == b"{"


class Stored(NamedTuple):
    """What an accepting answer says, in either of the two documented forms."""

    tuner_id: int | str | None = None
    is_new: bool | None = None
    message: str | None = None
    success: bool | None = None
    upload_target: dict[str, Any] | None = None


def read_stored(answer: Answer) -> Stored:
    """Read `id`, `is_new`, `recording_upload`, or `tunerCallId`, `success`, `message`; anything odd is left out."""
    fields = answer.json()
    if not isinstance(fields, dict):
        return Stored()
    tuner_id = fields.get("id", fields.get("tunerCallId"))
    target = fields.get("recording_upload")
    return Stored(
        tuner_id=tuner_id if isinstance(tuner_id, int | str) and not isinstance(tuner_id, bool) else None,
        is_new=_flag(fields.get("is_new")),
        message=_short(fields["message"]) if isinstance(fields.get("message"), str) else None,
        success=_flag(fields.get("success")),
        upload_target=target if isinstance(target, dict) else None,
    )


def refusal_summary(answer: Answer) -> str:
    """Return what the server objects to in a line: field paths and reasons, never a value that was sent.

    An answer in free words may repeat what was sent, so only its structure is quoted; `refusal_detail`
    keeps the words beside the call, where the content is anyway.
    """
    errors = _errors(answer.json())
    if not errors:
        return ""
    lines = [f"{_path(error)}: {_short(str(error.get('msg', 'refused')))}" for error in errors[:3]]
    if len(errors) > 3:
        lines.append(f"and {len(errors) - 3} more")
    return "; ".join(lines)


def refusal_detail(answer: Answer) -> str:
    """Return the answer for the file beside a dead call, at most 4 KiB.

    A validator's answer repeats the input it refuses; that part is left out.
    """
    errors = _errors(answer.json())
    if errors:
        kept = [{name: error[name] for name in ("loc", "msg", "type") if name in error} for error in errors]
        return printable(json.dumps(kept, ensure_ascii=False))[:DETAIL_LIMIT]
    return printable(answer.body[:DETAIL_LIMIT].decode("utf-8", "replace"))


def _errors(fields: Any) -> list[dict[str, Any]]:
    detail = fields.get("detail") if isinstance(fields, dict) else None
    return [error for error in detail if isinstance(error, dict)] if isinstance(detail, list) else []


def _path(error: dict[str, Any]) -> str:
    place = error.get("loc")
    parts = place if isinstance(place, list) else [place]
    return _short(".".join(str(part) for part in parts)) or "body"


def _short(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
