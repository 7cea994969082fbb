"""`tuner-langchain show`, from wherever a call is kept."""

from __future__ import annotations

import io
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

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


TARGET = {
    "url": "https://storage.example.com/b",
    "fields": {"policy": "P0LICY", "x-amz-signature": "5IGNATURE"},
}


def put_upload(root: Path, folder: Literal["upload", "dead"]) -> Path:
    """Put the upload of a recording into an outbox, as delivery does when the call is at Tuner."""
    outbox = Outbox(root, files=FileSystem(), wall_s=time.time)
    outbox.prepare()
    item = Item(1, "agent", samples.STARTED, "call-7", json.dumps(TARGET).encode(), {"extension": "wav"})
    name = ItemName.new(
        "call-7", created_ms=samples.STARTED, destination=destination_of(1, "agent"), nonce="1" * 8
    )
    if folder == "dead":
        name = name._replace(reason="upload-failed")
    outbox.put(folder, str(name), [item.header(), item.body])
    return root / "v1" / folder / str(name)


UPLOADS: list[Literal["upload", "dead"]] = ["upload", "dead"]
WAYS = (
    ["show", "call-7", "--from", "{root}"], ["show", "{file}"], ["show", "{copy}"], ["show", "{copy}.json"],
    ["outbox", "ls", "--dir", "{root}"], ["outbox", "show", "call-7", "--dir", "{root}"],
    ["outbox", "show", "call-7", "--dir", "{root}", "--body"], ["outbox", "export", "{out}", "--dir", "{root}"],
    ["outbox", "export", "{out}", "call-7", "--dir", "{root}"],
)  # fmt: skip


@pytest.mark.parametrize("folder", UPLOADS)
@pytest.mark.parametrize("form", [[], ["--json"], ["--html", "{page}"]], ids=["text", "json", "html"])
@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_where_a_recording_goes_is_shown_by_nothing(
    way: list[str], form: list[str], folder: Literal["upload", "dead"], tmp_path: Path, capsys: Printed
) -> None:
    """The place that Tuner named for an upload is as good as a key: no output and no export has it."""
    file = put_upload(tmp_path / "outbox", folder)
    for copy in (tmp_path / "copy.call", tmp_path / "copy.call.json"):
        copy.write_bytes(file.read_bytes())
    words = [*way, *(form if way[0] == "show" or form == ["--json"] else [])]
    page_file, out = tmp_path / "page.html", tmp_path / "out"

    status = main(
        [
            w.format(
                root=tmp_path / "outbox", file=file, copy=tmp_path / "copy.call", page=page_file, out=out
            )
            for w in words
        ]
    )

    printed = capsys.readouterr()
    written = [path.read_text() for path in (page_file, *out.glob("*")) if path.exists()]
    for text in (printed.out, printed.err, *written):
        assert "5IGNATURE" not in text
        assert "P0LICY" not in text
        assert "storage.example.com" not in text
    if way[0] == "show":
        assert status == 1


@pytest.mark.parametrize("folder", UPLOADS)
def test_a_recordings_upload_says_what_it_is(
    folder: Literal["upload", "dead"], tmp_path: Path, capsys: Printed
) -> None:
    """Who asks for such a call learns where it is, and that the recording's place is not shown."""
    file = put_upload(tmp_path / "outbox", folder)
    for words in (
        ["show", "call-7", "--from", str(tmp_path / "outbox")],
        ["show", str(file)],
        ["outbox", "show", "call-7", "--body", "--dir", str(tmp_path / "outbox")],
        ["outbox", "export", str(tmp_path), "call-7", "--dir", str(tmp_path / "outbox")],
    ):
        assert main(words) == 1
        assert (
            "the call is at Tuner; what is kept here is where its recording goes" in capsys.readouterr().err
        )


def test_the_delivered_call_is_shown_beside_its_upload(tuner: LocalTuner, capsys: Printed) -> None:
    """While its recording waits in the first place, a call is found in the second."""
    root = tuner.directory / "outbox"
    outbox = Outbox(root, files=FileSystem(), wall_s=time.time)
    outbox.prepare()
    item = Item(
        1, "agent", samples.STARTED, "restaurant-7f3a", json.dumps(TARGET).encode(), {"extension": "wav"}
    )
    name = ItemName.new("restaurant-7f3a", created_ms=1, destination="0" * 8, nonce="1" * 8)
    outbox.put("upload", str(name), [item.header(), item.body])

    assert run("restaurant-7f3a", "--from", root, "--from", tuner.directory) == 0
    assert capsys.readouterr().out.startswith("restaurant-7f3a\n")


def test_looking_makes_no_outbox(tmp_path: Path) -> None:
    """A directory that is looked into stays as it is."""
    assert run("nobody", "--from", tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", [[], ["--json"], ["--html", "-"]], ids=["text", "json", "html"])
def test_a_signed_address_is_shown_without_its_signature(
    form: list[str], tmp_path: Path, capsys: Printed
) -> None:
    """A page that is sent around is not to open the recording: an address's query is left out."""
    address = "https://user:pw@recordings.example.com/7.wav?X-Amz-Signature=5IGNATURE&expires=1"
    document = samples.restaurant() | {"recording_url": address, "recording_multi_channel_url": address}
    (tmp_path / "call.json").write_text(json.dumps(document))

    assert run(tmp_path / "call.json", *form) == 0
    printed = capsys.readouterr().out
    assert "5IGNATURE" not in printed
    assert "user:pw" not in printed
    assert not form or "https://recordings.example.com/7.wav" in printed


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
