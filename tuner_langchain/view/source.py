"""Where a call that somebody wants to see comes from: a file, standard input, the outbox, the local Tuner."""

from __future__ import annotations

import sys
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from tuner_langchain.errors import TunerError
from tuner_langchain.settings import is_loopback
from tuner_langchain.view import outbox
from tuner_langchain.view.documents import NoSuchCallError, from_file, read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LOCAL_TUNER_URL = "http://127.0.0.1:8321"
_TIMEOUT_S = 5.0


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
        return read_document(b"" if sys.stdin is None else sys.stdin.buffer.read(), "standard input")
    if call.startswith(("http://", "https://")):
        return _fetched(call)
    path = Path(call)
    if call and _is(Path.is_file, path):
        return outbox.document_of(path) if outbox.is_item(path) else from_file(path)
    if call and _is(Path.is_dir, path):
        return _newest_in(path)
    return _by_id(call, list(places))


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    """Say whether a path is of a kind; what is too long for a path, or lies behind a closed door, is not."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False


def _by_id(call_id: str, places: list[str]) -> dict[str, Any]:
    problems: list[str] = []
    for place in places:
        try:
            if (document := _from_place(call_id, place)) is not None:
                return document
        except TunerError as error:  # the call may be in the next place
            problems.append(f" {error}")
    looked = ", ".join(places) or "no place"
    raise NoSuchCallError(
        f"{call_id!r} is no file, and no call with this id is in: {looked}.{''.join(problems)}"
    )


def ids_in(place: str) -> list[str]:
    """Return the ids of the calls that are stored in a directory, the newest first; none for what is no directory."""
    directory = Path(place)
    found = _newest_first(directory) if place and _is(Path.is_dir, directory) else []
    return [call_id for call_id, _ in found]


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
            return _fetched(f"{place.rstrip('/')}/calls/{quote(call_id, safe='', errors='surrogatepass')}")
        except NoSuchCallError:
            return None
    root = Path(place)
    stored = (document for known, document in _stored(root) if known == call_id)
    return next(stored, None) or outbox.document(call_id, root)


def _stored(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls that a local Tuner keeps below a directory, with their ids."""
    try:
        paths = sorted([*root.glob("*.json"), *root.glob("calls/*.json")])
    except (OSError, ValueError):  # too long for a path, or behind a closed door
        return
    for path in paths:
        try:
            document = from_file(path)
        except NoSuchCallError:
            continue
        yield str(document.get("call_id")), document


class _NoRedirect(HTTPRedirectHandler):
    """Leaves a redirect as the answer it is: it could lead off this machine."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def _fetched(url: str) -> dict[str, Any]:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        raise NoSuchCallError(f"{url} is not an address.") from None
    if not is_loopback(host):
        raise NoSuchCallError(
            f"{url} is not on this machine; calls are shown from files and the local Tuner only."
        )
    try:
        request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  http and https on loopback only
        # Without the environment's proxies: the address is this machine's.
        with build_opener(ProxyHandler({}), _NoRedirect()).open(request, timeout=_TIMEOUT_S) as answer:
            return read_document(answer.read(), url)
    except HTTPError as error:
        raise NoSuchCallError(f"{url} answers {error.code}: no such call is stored there.") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NoSuchCallError(f"{url} does not answer ({getattr(error, 'reason', error)}).") from None
