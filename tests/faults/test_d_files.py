"""Group D, files that nobody should have put there, and files that somebody takes away."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from faults import script as s
from faults.scenarios import scenario
from faults.trial import Trial

HOUR_S = 3_600.0


def _nothing_on_disk(trial: Trial) -> None:
    assert not trial.kept()


def _break_zero(path: Path) -> None:
    path.write_bytes(b"")


def _break_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 5)


def _break_bit(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 0x10
    path.write_bytes(bytes(raw))


def _break_huge(path: Path) -> None:
    os.truncate(path, 3 * 1024**3)


def _break_foreign(path: Path) -> None:
    path.write_bytes(b"\x7fELF" + os.urandom(300))


def _break_header(path: Path) -> None:
    path.write_bytes(b'{"format": 1}\n{}')


BREAKS = [_break_zero, _break_short, _break_bit, _break_huge, _break_foreign, _break_header]


@pytest.mark.parametrize("damage", BREAKS, ids=lambda damage: damage.__name__.removeprefix("_break_"))
@scenario("D9")
def test_broken_files(trial: Trial, damage: object) -> None:
    """A broken file is put aside with one log line and never read again; the good ones pass."""
    trial.server.down()
    trial.open()
    broken, good = trial.submit(), trial.submit()
    trial.close()
    [path] = [kept.path for kept in trial.kept() if kept.call_id == broken.call_id]
    damage(path)  # type: ignore[operator]  # a list of functions
    trial.server.up()
    trial.broken(broken.call_id)
    trial.witness.lines.clear()
    trial.open()
    trial.run(3 * HOUR_S)
    assert good.call_id in trial.server.seen().calls
    assert not path.exists()
    [put_aside] = trial.folder("dead").glob("*.call")
    put_aside.unlink()  # what was broken is as large as the test made it
    assert len(trial.warnings("", logging.ERROR)) == 1
    assert len(trial.posts()) == 1


@scenario("D9")
def test_things_that_are_no_calls(trial: Trial) -> None:
    """Directories, links, pipes and names that are no text neither stop nor break the sender, nor are they followed."""
    trial.server.down()
    trial.submit()
    [kept] = trial.kept()
    new, destination = kept.path.parent, kept.path.name.split("-")[2]

    def named(number: int) -> Path:
        return new / f"1767225600000-0-{destination}-{number:032x}-00000000.call"

    outside = trial.directory / "outside.txt"
    outside.write_text("not to be sent")
    outside.chmod(0o600)
    named(1).mkdir()
    named(2).symlink_to(outside)
    os.mkfifo(named(3))
    (new / "notes.txt").write_text("hello")
    Path(os.fsdecode(bytes(new) + b"/\xff\xfe.call")).write_bytes(b"\xff")
    trial.witness.lines.clear()
    trial.server.up()
    receipts = [trial.submit() for _ in range(5)]
    trial.run(1.5 * HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}
    assert len(trial.server.seen().calls) == 6
    assert len(trial.warnings("left alone")) == 4
    assert (new / "notes.txt").read_text() == "hello"
    assert outside.read_text() == "not to be sent"
    trial.remove_foreign()


@scenario("D10")
def test_leftovers_of_dead_writers(trial: Trial) -> None:
    """Half-written files of writers that died are swept when they are old; a young one may be in use."""
    trial.open()
    trial.submit()
    trial.run(5)
    tmp = trial.folder("tmp")
    old, young = tmp / "old", tmp / "young"
    for path in (old, young):
        path.write_bytes(b"half a call")
        path.chmod(0o600)
    os.utime(old, (trial.clock.wall_s() - 2 * HOUR_S,) * 2)
    os.utime(young, (trial.clock.wall_s(),) * 2)
    trial.reopen()
    trial.submit()
    trial.run(60)
    assert not old.exists()
    assert young.exists()


@scenario("D12")
def test_a_call_of_a_newer_version(trial: Trial) -> None:
    """Left alone for the version that wrote it, with one warning."""
    trial.server.down()
    trial.open()
    receipt = trial.submit()
    trial.close()
    [kept] = trial.kept()
    header = {**kept.header, "format": 99}
    kept.path.write_bytes(json.dumps(header).encode() + b"\n" + kept.body)
    trial.server.up()
    trial.witness.lines.clear()
    trial.open()
    trial.run(3 * HOUR_S)
    assert [call.call_id for call in trial.kept()] == [receipt.call_id]
    assert not trial.posts()
    assert len(trial.warnings("newer", logging.WARNING)) == 1


@scenario("D13")
def test_an_operator_deletes_a_call_that_is_being_sent(trial: Trial) -> None:
    """The answer still counts, and the missing file is no exception."""
    trial.server.script(s.rule(s.read(), s.gate("sending"), s.honest()))
    receipt = trial.submit()
    trial.server.wait_requests(1)
    for path in trial.folder("new").iterdir():
        path.unlink()
    trial.server.open_gate("sending")
    trial.run(60)
    assert receipt.state == "delivered"
    assert len(trial.posts()) == 1
