"""The judge is judged: each thing the reader must find is put before it."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from faults import documents, reader
from faults.control import Seen
from faults.reader import Findings, Promise

NAME = "1767225600000-{attempts}-0badcafe-{hash:032x}-00000001{reason}.call"


def _put(outbox: Path, folder: str, call_id: str, *, number: int = 1, reason: str = "") -> Path:
    body = documents.body(call_id)
    header = {"format": 1, "call_id": call_id, "length": len(body), "crc32": zlib.crc32(body)}
    place = outbox / "v1" / folder
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place / NAME.format(attempts=0, hash=number, reason=reason)
    path.write_bytes(json.dumps(header).encode() + b"\n" + body)
    path.chmod(0o600)
    return path


def _seen(*call_ids: str, nonce: str | None = None) -> Seen:
    calls = {call_id: {"call_id": call_id, "nonce": nonce or call_id} for call_id in call_ids}
    return Seen(calls=calls, changed_bodies=[], requests=[], uploads=[])


def _problems(outbox: Path, promises: list[Promise], seen: Seen, **more: bool) -> list[str]:
    findings = Findings()
    reader.check_calls(findings, promises, outbox, seen, settled=more.get("settled", False))
    return findings.problems


def test_a_call_that_is_nowhere_is_found(tmp_path: Path) -> None:
    """The one thing that must not happen."""
    promises = [Promise("kept", durable=True), Promise("gone", durable=True), Promise("said", durable=False)]
    _put(tmp_path, "new", "kept")
    assert _problems(tmp_path, promises, _seen()) == ["gone was durable and is nowhere"]


def test_a_half_written_file_is_no_call(tmp_path: Path) -> None:
    """A file that was cut keeps no promise."""
    path = _put(tmp_path, "new", "half")
    path.write_bytes(path.read_bytes()[:-30])
    assert _problems(tmp_path, [Promise("half", durable=True)], _seen())


def test_a_call_in_two_places_is_found(tmp_path: Path) -> None:
    """Stored and dead at once, or, when all is settled, stored and waiting."""
    _put(tmp_path, "new", "waits", number=1)
    _put(tmp_path, "dead", "dead", number=2, reason=".http-422")
    promises = [Promise("waits", durable=True), Promise("dead", durable=True)]
    assert _problems(tmp_path, promises, _seen("waits", "dead")) == ["dead is in server and dead"]
    assert len(_problems(tmp_path, promises, _seen("waits", "dead"), settled=True)) == 2


def test_a_dead_call_without_a_reason_is_found(tmp_path: Path) -> None:
    """`dead/` always says why."""
    _put(tmp_path, "dead", "silent")
    assert _problems(tmp_path, [Promise("silent", durable=True)], _seen()) == [
        "silent is dead without a reason"
    ]


def test_one_call_under_two_ids_is_found(tmp_path: Path) -> None:
    """A call_id that changed between attempts makes a second record."""
    assert _problems(tmp_path, [], _seen("first", "second", nonce="same")) == [
        "1 calls are stored under two call_ids"
    ]


def test_other_bytes_under_the_same_id_are_found(tmp_path: Path) -> None:
    """Every attempt sends the same bytes."""
    seen = Seen(calls={}, changed_bodies=["a"], requests=[], uploads=[])
    assert _problems(tmp_path, [], seen) == ["sent again with other bytes: ['a']"]


@pytest.mark.parametrize(("path", "mode"), [("v1/new", 0o755), ("v1/new/file", 0o640)])
def test_open_modes_are_found(tmp_path: Path, path: str, mode: int) -> None:
    """Directories beyond 0700 and files beyond 0600."""
    outbox = tmp_path / "outbox"
    (outbox / "v1" / "new").mkdir(parents=True)
    (outbox / "v1" / "new" / "file").touch()
    for part in [outbox, *outbox.rglob("*")]:
        part.chmod(0o700 if part.is_dir() else 0o600)
    findings = Findings()
    reader.check_modes(findings, outbox)
    assert not findings.problems
    (outbox / path).chmod(mode)
    reader.check_modes(findings, outbox)
    assert findings.problems


def test_the_key_is_found_in_files_and_texts(tmp_path: Path) -> None:
    """Whatever it hides in."""
    (tmp_path / "log").write_bytes(b"\0" * 100 + documents.KEY.encode())
    findings = Findings()
    reader.check_files_for(findings, [tmp_path], documents.KEY, "the key")
    reader.check_secrets(findings, documents.KEY, {"texts": ["fine", f"Bearer {documents.KEY}"]})
    assert len(findings.problems) == 2
