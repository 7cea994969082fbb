"""`tuner-langchain show`, from wherever a call is kept."""

from __future__ import annotations

import io
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner_langchain.cli import main, show
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.item import Item, ItemName, destination_of
from tuner_langchain.delivery.outbox import Outbox
from tuner_langchain.testing import LocalTuner
from tuner_langchain.view.html import page
from tuner_langchain.view.outline import timeline_text
from view import samples

Printed = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def run(*arguments: object) -> int:
    """Run the command as the command line does."""
    return main(["show", *map(str, arguments)])


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    path = tmp_path / "call.json"
    path.write_text(json.dumps(samples.restaurant()))
    return path


@pytest.fixture(name="outbox")
def _outbox(tmp_path: Path) -> Path:
    """An outbox as delivery writes it, with one waiting call."""
    outbox = Outbox(tmp_path / "outbox", files=FileSystem(), wall_s=time.time)
    outbox.prepare()
    document = samples.restaurant() | {"call_id": "waiting/1"}
    item = Item(1, "agent", samples.STARTED, "waiting/1", json.dumps(document).encode())
    name = ItemName.new(
        "waiting/1", created_ms=samples.STARTED, destination=destination_of(1, "agent"), nonce="0" * 8
    )
    outbox.put("new", str(name), [item.header(), item.body])
    return tmp_path / "outbox"


@pytest.fixture(name="tuner")
def _tuner(tmp_path: Path) -> Iterator[LocalTuner]:
    """A local Tuner that has stored the restaurant's call."""
    with LocalTuner(tmp_path / "tuner") as tuner:
        query = f"workspace_id={tuner.workspace_id}&agent_remote_identifier={tuner.agent_id}"
        url = f"{tuner.base_url}/api/v1/public/call?{query}"
        headers = {"Authorization": f"Bearer {tuner.api_key}", "Content-Type": "application/json"}
        body = json.dumps(samples.restaurant()).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            assert answer.status == 201
        yield tuner


def test_a_file_is_shown_in_the_terminal(file: Path, capsys: Printed, monkeypatch: Patch) -> None:
    """The text is that of the whole call, as wide as the terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    assert run(file) == 0
    assert capsys.readouterr().out.rstrip() == timeline_text(samples.restaurant()).rstrip()


def test_standard_input_is_shown(capsys: Printed, monkeypatch: Patch) -> None:
    """`-` reads a document that another program writes."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(samples.other_sdk()).encode())))
    assert run("-") == 0
    assert "Where is my parcel?" in capsys.readouterr().out


def test_json_is_what_the_views_draw(file: Path, capsys: Printed) -> None:
    """A pipe gets turns, bars and totals without parsing text."""
    assert run(file, "--json") == 0
    story = json.loads(capsys.readouterr().out)
    assert story["totals"]["slowest_own_ms"] == 2990
    assert story["bars"][story["totals"]["slowest"]]["name"] == "reserve"


def test_html_is_written_to_a_file(file: Path, tmp_path: Path, capsys: Printed) -> None:
    """The page is the page; the address to open is printed."""
    target = tmp_path / "call page.html"
    assert run(file, "--html", target) == 0
    assert target.read_text() == page(samples.restaurant())
    assert capsys.readouterr().out == f"Open {target.as_uri()}\n"


def test_a_waiting_call_is_shown_by_its_id(outbox: Path, capsys: Printed) -> None:
    """A call that has not been sent yet is read from the outbox, which stays as it is."""
    before = sorted(path.stat().st_mtime_ns for path in outbox.rglob("*.call"))
    assert run("waiting/1", "--from", outbox) == 0
    assert capsys.readouterr().out.startswith("waiting/1\n")
    assert sorted(path.stat().st_mtime_ns for path in outbox.rglob("*.call")) == before


def test_the_usual_outbox_is_looked_in_when_nothing_is_said(
    outbox: Path, capsys: Printed, monkeypatch: Patch
) -> None:
    """The outbox is found as the handler finds it, without any other setting."""
    monkeypatch.setenv("TUNER_OUTBOX_DIR", str(outbox))
    assert run("waiting/1") == 0
    assert capsys.readouterr().out.startswith("waiting/1\n")


def test_a_waiting_calls_file_is_shown(outbox: Path, capsys: Printed) -> None:
    """The file's first line is delivery's; the call is what follows."""
    (path,) = (outbox / "v1" / "new").glob("*.call")
    assert run(path) == 0
    assert capsys.readouterr().out.startswith("waiting/1\n")


@pytest.mark.parametrize("place", ["{0.base_url}", "{0.directory}"])
def test_a_stored_call_is_shown_by_its_id(tuner: LocalTuner, place: str, capsys: Printed) -> None:
    """From the local Tuner that runs, and from the directory of one that does not."""
    assert run("restaurant-7f3a", "--from", place.format(tuner)) == 0
    assert capsys.readouterr().out.startswith("restaurant-7f3a\n")


@pytest.mark.parametrize("address", ["{0.base_url}/calls/restaurant-7f3a", "{0.directory}"])
def test_a_stored_call_is_shown_by_where_it_is(tuner: LocalTuner, address: str, capsys: Printed) -> None:
    """Its address, or the directory that holds it alone."""
    assert run(address.format(tuner)) == 0
    assert capsys.readouterr().out.startswith("restaurant-7f3a\n")


def test_the_newest_call_of_a_directory_is_shown(tmp_path: Path, capsys: Printed) -> None:
    """Of several calls it is the one that began last; the others are named beside it, not in the output."""
    for name, call_id, later_ms in [("1", "first", 0), ("2", "last", 9_000), ("3", "second", 5_000)]:
        document = samples.restaurant() | {"call_id": call_id, "start_timestamp": samples.STARTED + later_ms}
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    (tmp_path / "4.json").write_text(json.dumps({"call_id": "no call", "start_timestamp": "soon"}))

    assert run(tmp_path) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("last\n")
    assert printed.err == (
        f"The newest of 4 calls; the others are shown with --from {tmp_path}: second, first, no call\n"
    )


def test_a_call_that_is_nowhere_is_a_clear_no(tmp_path: Path, capsys: Printed) -> None:
    """Exit status 1, and the places that were looked in."""
    assert run("nobody", "--from", tmp_path) == 1
    assert capsys.readouterr().err == (
        f"tuner-langchain show: 'nobody' is no file, and no call with this id is in: {tmp_path}.\n"
    )


def test_a_file_that_is_no_document_is_a_clear_no(tmp_path: Path, capsys: Printed) -> None:
    """What cannot be read says so, without a traceback."""
    (tmp_path / "x.json").write_text("[1, 2")
    assert run(tmp_path / "x.json") == 1
    assert "is not a JSON object" in capsys.readouterr().err


def test_no_other_machine_is_asked(capsys: Printed) -> None:
    """An address elsewhere is refused before anything is sent."""
    assert run("https://calls.example.com/calls/1") == 1
    assert "is not on this machine" in capsys.readouterr().err


def test_the_package_holds_the_pages_files() -> None:
    """What the page is made of lies beside the code, in the package."""
    assets = Path(show.__file__).parents[1] / "view" / "assets"
    assert {"page.html", "page.css", "main.js", "list.html", "list.css", "list.js"} <= {
        p.name for p in assets.iterdir()
    }
