"""The stored calls: on disk, over HTTP, and in the hands of a test."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from contract.example import ROWS, example, minimal

from local_tuner.posting import poster
from tuner_langchain.testing import LocalTuner, validate

if TYPE_CHECKING:
    from local_tuner.posting import Poster


def test_one_file_a_call_exactly_as_it_was_sent(tmp_path: Path) -> None:
    """A call is a file of its own, readable by its owner only, with the very bytes of the request."""
    body = json.dumps(minimal(), indent=3).encode()
    with LocalTuner(tmp_path) as tuner:
        headers = {"Authorization": "Bearer tr_api_local", "Content-Type": "application/json"}
        poster(tuner)(content=body, headers=headers)

    (path,) = (tmp_path / "calls").iterdir()
    assert path.read_bytes() == body
    assert validate(path.read_bytes()) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("call_id", ["../../etc/passwd", "a/b?c=d", "Anruf 7 ☎", "." * 200, "\x00\n"])
def test_a_call_id_of_any_characters(tuner: LocalTuner, post: Poster, call_id: str) -> None:
    """Whatever a call is called, it is kept inside the directory and found again."""
    post(minimal() | {"call_id": call_id})

    assert tuner.call(call_id)["call_id"] == call_id
    (path,) = (tuner.directory / "calls").iterdir()
    assert path.resolve().parent == (tuner.directory / "calls").resolve()


def test_a_directory_keeps_its_calls(tmp_path: Path) -> None:
    """A Tuner on the same directory has the calls again, knows repeats, and goes on counting."""
    with LocalTuner(tmp_path) as tuner:
        poster(tuner)(minimal())
        poster(tuner)(example())

    with LocalTuner(tmp_path) as again:
        assert [call["call_id"] for call in again.calls()] == ["c", "call-1"]
        assert poster(again)(minimal()).json() == {"id": 1, "provider_call_id": "c", "is_new": False}
        assert poster(again)(minimal() | {"call_id": "d"}).json()["id"] == 3


def test_a_file_that_is_no_call_is_left_alone(tmp_path: Path) -> None:
    """What a crash or a person left in the directory stops nothing, and is not touched."""
    strange = {"notes.json": b"my notes", "000001-x.json": b"[]", "000002-y.unfinished": b"{"}
    (tmp_path / "calls").mkdir()
    for name, content in strange.items():
        (tmp_path / "calls" / name).write_bytes(content)

    with LocalTuner(tmp_path) as tuner:
        assert tuner.calls() == []
        assert poster(tuner)(minimal()).status_code == 201

    for name, content in strange.items():
        assert (tmp_path / "calls" / name).read_bytes() == content


def test_the_list_says_what_a_person_looks_for(tuner: LocalTuner, post: Poster) -> None:
    """Each line has the call's kind, start, length, turns, errors and outcome, the first received first."""
    post(minimal())
    post(example())

    lines = httpx.get(tuner.base_url + "/calls").json()

    assert [line["call_id"] for line in lines] == ["c", "call-1"]
    assert lines[0]["duration_ms"] == 1000
    assert lines[0]["start_timestamp_ms"] == 1767225600000
    assert {name: lines[1][name] for name in ("id", "turns", "errors", "rows", "duration_ms")} == {
        "id": 2,
        "turns": 1,
        "errors": 1,
        "rows": 5,
        "duration_ms": 12500,
    }
    assert lines[1]["disconnection_reason"] == "user_hangup"
    assert lines[1]["received_at"].endswith("+00:00")


def test_one_call_over_http(tuner: LocalTuner, post: Poster) -> None:
    """A stored call is its document; one that is not stored is a 404."""
    post(example())

    assert httpx.get(tuner.base_url + "/calls/call-1").json() == example()
    assert httpx.get(tuner.base_url + "/calls/call-2").status_code == 404


@pytest.mark.parametrize("path", ["/calls", "/calls/call-1", "/refusals"])
def test_a_browser_gets_a_page(tuner: LocalTuner, post: Poster, path: str) -> None:
    """Who asks for HTML gets a page that loads nothing from elsewhere; who does not gets JSON."""
    post(example())

    page = httpx.get(tuner.base_url + path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.text.lstrip().lower().startswith("<!doctype html>")
    data = httpx.get(tuner.base_url + path, headers={"Accept": "*/*"})
    assert data.headers["content-type"] == "application/json"


def test_the_front_door_leads_to_the_calls(tuner: LocalTuner) -> None:
    """The bare address, as a person types it, shows the list of calls."""
    assert httpx.get(tuner.base_url, follow_redirects=True).json() == []


def test_a_missing_call_says_what_there_is(tuner: LocalTuner, post: Poster) -> None:
    """Asking a test's Tuner for a call that is not there tells what came and what was refused."""
    post(minimal())
    post(minimal() | {ROWS: []})

    with pytest.raises(KeyError, match="'d' is not stored; stored: 'c'; refused: 422 1 field is wrong"):
        tuner.call("d")


def test_waiting_for_a_call(tuner: LocalTuner, post: Poster) -> None:
    """A call that is there is returned at once; one that does not come is a `TimeoutError` that says so."""
    post(minimal())

    assert tuner.wait_for_call("c") == minimal()
    with pytest.raises(TimeoutError, match=r"'d' has not come within 0\.01 s; stored: 'c'"):
        tuner.wait_for_call("d", timeout_s=0.01)


def test_a_directory_with_anything_in_it_is_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever lies among the calls is passed over with one line each; the calls are there, and more can come."""
    with LocalTuner(tmp_path) as tuner:
        poster(tuner)(example(call_id="kept"))
    (stored,) = (tmp_path / "calls").iterdir()
    whole = json.loads(stored.read_bytes())
    odd = {
        "000007-deep.json": "[" * 100_000, "000008-half.json": stored.read_text()[:50], "000009-empty.json": "",
        "000010-list.json": "[]", "000011-number.json": "5", "000012-id.json": json.dumps(whole | {"call_id": [1]}),
        "000013-rows.json": json.dumps(whole | {ROWS: [5, None]}), "no-number.json": json.dumps(whole),
        "000014-times.json": json.dumps(whole | {"start_timestamp": "soon"}),
        "000015-\x1b[31m.json": "{}", "000016-tool.json": json.dumps(whole | {ROWS: [{"role": "agent", "tool": 5}]}),
    }  # fmt: skip
    for name, text in odd.items():
        (tmp_path / "calls" / name).write_text(text)
    (tmp_path / "calls" / "000017-bytes.json").write_bytes(b"\xff\x00")
    (tmp_path / "calls" / "x.json").mkdir()
    (tmp_path / "calls" / "000018-nowhere.json").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "calls" / "000019-pipe.json")

    with LocalTuner(tmp_path) as tuner:
        assert [call["call_id"] for call in tuner.calls()] == ["kept"]
        assert poster(tuner)(example(call_id="more")).status_code == 201

    lines = [
        record.getMessage() for record in caplog.records if "is not a stored call" in record.getMessage()
    ]
    assert len(lines) == len(odd) + 4
    assert not [line for line in lines if "\x1b" in line]
