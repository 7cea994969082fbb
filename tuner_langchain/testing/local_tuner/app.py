"""The endpoints: Create Call as the API documents it, and the stored calls for people and tests."""

from __future__ import annotations

import hmac
import json
import re
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tuner_langchain.testing.contract import NotJsonError, Violation, parse, validate
from tuner_langchain.testing.local_tuner import answers, recordings
from tuner_langchain.testing.local_tuner.answers import Refusal, RefusedError, ScriptedAnswer
from tuner_langchain.testing.local_tuner.guard import (
    AccessLog,
    BodyTooLargeError,
    LoopbackOnly,
    bounded_body,
    from_a_page,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.requests import Request

    from tuner_langchain.config import AuthHeader
    from tuner_langchain.testing.local_tuner.calls import CallStore

CREATE_CALL_PATH = "/api/v1/public/call"

# What a browser may do with the pages: nothing from anywhere else, whatever a caller said.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What the endpoints work with: who is let in, how answers are formed, and where things are kept."""

    api_key: str
    workspace_id: int
    agent_id: str
    auth_header: AuthHeader
    answer_form: answers.AnswerForm
    repeats: Literal["accept", "conflict"]
    max_body_bytes: int
    calls: CallStore
    recordings: recordings.Recordings
    script: answers.Script = field(default_factory=answers.Script)
    refusals: deque[Refusal] = field(default_factory=lambda: deque(maxlen=answers.REFUSALS_KEPT))


def build_app(desk: Desk, on_ready: Callable[[], None] = lambda: None) -> Starlette:
    """Return the ASGI application; `on_ready` is called when it serves."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        on_ready()
        yield

    routes = [
        Route(CREATE_CALL_PATH, create_call, methods=["POST"]),
        Route(recordings.UPLOAD_PATH, recordings.upload_recording, methods=["POST"]),
        Route("/", lambda _: RedirectResponse("/calls")),
        Route("/calls", list_calls),
        Route("/calls/{call_id:path}", show_call),
        Route("/refusals", list_refusals),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(AccessLog), Middleware(LoopbackOnly)],
        exception_handlers={HTTPException: _plain_refusal},
        lifespan=lifespan,
    )
    app.state.desk = desk
    return app


async def _plain_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # what it is registered for
    return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


# --- Create Call --------------------------------------------------------------------------------------------


async def create_call(request: Request) -> Response:
    """`POST /api/v1/public/call`: check the key, the query and the body, store the call, answer."""
    desk: Desk = request.app.state.desk
    body = b""
    try:
        try:
            body = await bounded_body(request, desk.max_body_bytes)
        except BodyTooLargeError:
            raise RefusedError(
                413, f"The body has more than {desk.max_body_bytes} bytes.", headers={"Connection": "close"}
            ) from None
        if not from_a_page(request) and (scripted := desk.script.next()):
            return _as_scripted(desk, scripted, body)
        check_key(desk, request)
        document = check_request(desk, request, body)
    except RefusedError as refused:
        if not from_a_page(request):
            desk.refusals.append(
                Refusal(refused.status, refused.reason, refused.violations, _call_id_in(body))
            )
        return _json(refused.body(), refused.status, refused.headers)
    return _store(desk, document, body, str(request.base_url))


def check_key(desk: Desk, request: Request) -> None:
    """Let in who sends this Tuner's key, in the header that this Tuner reads."""
    bearer, x_api_key = request.headers.get("authorization"), request.headers.get("x-api-key")
    if desk.auth_header == "bearer":
        scheme, _, key = (bearer or "").partition(" ")
        given, other = key.strip() if scheme.lower() == "bearer" else "", x_api_key
        header, other_header = "Authorization: Bearer", "X-API-Key"
    else:
        given, other = x_api_key or "", bearer
        header, other_header = "X-API-Key", "Authorization"
    challenge = {"WWW-Authenticate": "Bearer"}
    if not given:
        hint = f"; the {other_header} header is not read" if other else ""
        raise RefusedError(401, f"The API key should come in the {header} header{hint}.", headers=challenge)
    if not hmac.compare_digest(given.encode(), desk.api_key.encode()):
        raise RefusedError(401, "The API key is not this Tuner's.", headers=challenge)


def check_request(desk: Desk, request: Request, body: bytes) -> dict[str, Any]:
    """Return the document of a request that is right in form and meant for this workspace and agent."""
    workspace_id, query = _workspace_id(request)
    agent_id = request.query_params.get("agent_remote_identifier")
    if agent_id is None:
        query = (*query, Violation(("agent_remote_identifier",), "is required", "missing"))
    violations = _content_type(request) or tuple(validate(body))
    if query or violations:
        count = len(query) + len(violations)
        reason = "1 field is wrong" if count == 1 else f"{count} fields are wrong"
        raise RefusedError(422, reason, query=query, body=violations)
    if workspace_id < 1:
        raise RefusedError(400, "workspace_id should be 1 or more.")
    if workspace_id != desk.workspace_id:
        raise RefusedError(
            403, f"The API key belongs to workspace {desk.workspace_id}, not to {workspace_id}."
        )
    if agent_id != desk.agent_id:
        raise RefusedError(404, f"The workspace has no agent {agent_id!r}; this Tuner has {desk.agent_id!r}.")
    return dict(parse(body))


def _workspace_id(request: Request) -> tuple[int, tuple[Violation, ...]]:
    given = request.query_params.get("workspace_id")
    if given is None:
        return 0, (Violation(("workspace_id",), "is required", "missing"),)
    if not re.fullmatch(r"-?[0-9]{1,18}", given):
        return 0, (Violation(("workspace_id",), "should be an integer", "int_parsing"),)
    return int(given), ()


def _content_type(request: Request) -> tuple[Violation, ...]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        return ()
    return (Violation((), "should be sent with Content-Type: application/json", "content_type"),)


def _store(desk: Desk, document: dict[str, Any], body: bytes, base_url: str) -> Response:
    call, is_new = desk.calls.add(document, body)
    if not is_new and desk.repeats == "conflict":
        return JSONResponse({"detail": "A call with this call_id already exists."}, status_code=409)
    answer = answers.stored_body(call, is_new, desk.answer_form)
    extension = document.get("recording_file_extension")
    if extension is not None and desk.answer_form == "new":
        answer["recording_upload"] = desk.recordings.target(call.id, extension).to_json(base_url)
    return JSONResponse(answer, status_code=201 if is_new else 200)


def _as_scripted(desk: Desk, scripted: ScriptedAnswer, body: bytes) -> Response:
    if scripted.store and not validate(body):
        desk.calls.add(dict(parse(body)), body)
    if isinstance(scripted.body, str):
        return Response(scripted.body, scripted.status, scripted.headers, media_type="text/plain")
    answer = {"detail": "An answer scripted by the test."} if scripted.body is None else scripted.body
    return JSONResponse(answer, scripted.status, scripted.headers)


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer in ASCII: what a refused request said may be no text that UTF-8 can carry."""
    return Response(json.dumps(content), status, headers, media_type="application/json")


def _call_id_in(body: bytes) -> str | None:
    try:
        document = parse(body)
    except NotJsonError:
        return None
    call_id = document.get("call_id") if isinstance(document, dict) else None
    return call_id if isinstance(call_id, str) else None


# --- The stored calls ---------------------------------------------------------------------------------------


async def list_calls(request: Request) -> Response:
    """`GET /calls`: one line for each stored call, the first received first."""
    desk: Desk = request.app.state.desk
    return _shown(request, "calls", [call.summary() for call in desk.calls.all()])


async def show_call(request: Request) -> Response:
    """`GET /calls/{call_id}`: the document as it was received."""
    desk: Desk = request.app.state.desk
    call = desk.calls.get(request.path_params["call_id"])
    if call is None:
        raise HTTPException(404, "No call with this id is stored.")
    return _shown(request, "call", call.document())


async def list_refusals(request: Request) -> Response:
    """`GET /refusals`: the 4xx answers, with each field and the reason."""
    desk: Desk = request.app.state.desk
    return _shown(request, "refusals", [refusal.to_json() for refusal in list(desk.refusals)])


def _shown(request: Request, page: str, content: Any) -> Response:
    """Answer with a page to who asks for HTML, as browsers do, and with JSON to everyone else."""
    if "text/html" not in request.headers.get("accept", ""):
        return _json(content)
    from tuner_langchain.view import pages  # noqa: PLC0415 - only a browser needs them

    html: str = getattr(pages, page)(content)
    return HTMLResponse(html, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})
