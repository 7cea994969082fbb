"""Where a call that somebody wants to see comes from: a file, standard input, the outbox, the local Tuner."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from tuner_langchain.errors import TunerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOCAL_TUNER_URL = "http://127.0.0.1:8321"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TIMEOUT_S = 5.0


class NoSuchCallError(TunerError, LookupError):
    """No call is where it was looked for. The message says where that was."""


def find_document(call: str, places: Iterable[str] = ()) -> dict[str, Any]:
    """Return the document that `call` names.

    Args:
        call: A document's file, `-` for standard input, a stored call's address at the local Tuner, a
            directory for the newest call in it, or a call's id.
        places: Where to look for an id: outboxes, the local Tuner's directories or its address.

    Raises:
        NoSuchCallError: It is in none of them, or what is there is no document.
    """
    if call == "-":
        return read_document(sys.stdin.buffer.read(), "standard input")
    if call.startswith(("http://", "https://")):
        return _fetched(call)
    path = Path(call)
    if path.is_file():
        return _from_file(path)
    if path.is_dir():
        return _newest_in(path)
    places = list(places)
    for place in places:
        if (document := _from_place(call, place)) is not None:
            return document
    looked = ", ".join(places) or "no place"
    raise NoSuchCallError(f"{call!r} is no file, and no call with this id is in: {looked}.")


def read_document(data: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object in `data`; a waiting call's file has a line of its own before it.

    Raises:
        NoSuchCallError: It is no JSON object.
    """
    for text in (data, data.partition(b"\n")[2]):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            continue
        # The line before a waiting call's body is an object too; what follows it is the document.
        if isinstance(document, dict):
            return document
    raise NoSuchCallError(f"{name} holds no call: it is not a JSON object.")


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return read_document(path.read_bytes(), str(path))
    except OSError as error:
        raise NoSuchCallError(f"{path} cannot be read: {error.strerror}.") from None


def ids_in(directory: Path) -> list[str]:
    """Return the ids of the calls that are stored in a directory, the newest first."""
    return [call_id for call_id, _ in _newest_first(directory)]


def _newest_in(directory: Path) -> dict[str, Any]:
    for _, document in _newest_first(directory):
        return document
    raise NoSuchCallError(f"{directory} holds no stored call.")


def _newest_first(directory: Path) -> list[tuple[str, dict[str, Any]]]:
    return sorted(_stored(directory), key=lambda found: _began(found[1]), reverse=True)


def _began(document: dict[str, Any]) -> float:
    began = document.get("start_timestamp")
    return began if isinstance(began, int | float) else 0.0


def _from_place(call_id: str, place: str) -> dict[str, Any] | None:
    if place.startswith(("http://", "https://")):
        try:
            return _fetched(f"{place.rstrip('/')}/calls/{quote(call_id, safe='')}")
        except NoSuchCallError:
            return None
    root = Path(place)
    return _waiting(call_id, root) or next((d for known, d in _stored(root) if known == call_id), None)


def _waiting(call_id: str, root: Path) -> dict[str, Any] | None:
    """Return a call that waits in an outbox, or was refused there; its file's name holds the id's hash."""
    digest = sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    for folder in ("new", "upload", "dead"):
        for path in (root / "v1" / folder).glob(f"*-{digest}-*.call"):
            return _from_file(path)
    return None


def _stored(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls that a local Tuner keeps below a directory, with their ids."""
    for path in sorted([*root.glob("*.json"), *root.glob("calls/*.json")]):
        try:
            document = _from_file(path)
        except NoSuchCallError:
            continue
        yield str(document.get("call_id")), document


class _NoRedirect(HTTPRedirectHandler):
    """Leaves a redirect as the answer it is: it could lead off this machine."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def _fetched(url: str) -> dict[str, Any]:
    host = urlsplit(url).hostname or ""
    if host not in _LOOPBACK and not host.endswith(".localhost"):
        raise NoSuchCallError(
            f"{url} is not on this machine; calls are shown from files and the local Tuner only."
        )
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  http and https on loopback only
    try:
        # Without the environment's proxies: the address is this machine's.
        with build_opener(ProxyHandler({}), _NoRedirect()).open(request, timeout=_TIMEOUT_S) as answer:
            return read_document(answer.read(), url)
    except HTTPError as error:
        raise NoSuchCallError(f"{url} answers {error.code}: no such call is stored there.") from None
    except (URLError, OSError) as error:
        raise NoSuchCallError(f"{url} does not answer ({getattr(error, 'reason', error)}).") from None
