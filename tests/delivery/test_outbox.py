"""The files: what a name says, what a damaged one costs, and who may send what."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_langchain.delivery.claim import Claim, Unclaimed
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.item import (
    CorruptItemError,
    Item,
    ItemName,
    NewerItemError,
    destination_of,
    read_header,
)
from tuner_langchain.delivery.outbox import Outbox
from tuner_langchain.delivery.policy import LEASE_S
from tuner_langchain.delivery.sweep import sweep

HERE = destination_of(42, "desk")


class NoLocks(FileSystem):
    """A file system that knows no kernel locks."""

    def flock(self, fd: int) -> bool:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def open_outbox(root: Path, files: FileSystem | None = None, ahead_s: float = 0.0) -> Outbox:
    outbox = Outbox(root, files=files or FileSystem(), wall_s=lambda: time.time() + ahead_s)
    outbox.prepare()
    return outbox


def put(outbox: Outbox, call_id: str = "call-1", created_ms: int = 1000) -> ItemName:
    name = ItemName.new(call_id, created_ms=created_ms, destination=HERE, nonce="0123abcd")
    item = Item(42, "desk", created_ms, call_id, b'{"call_id": "x"}')
    outbox.put("new", str(name), [item.header(), item.body])
    return name


def claimed(outbox: Outbox, name: ItemName) -> Claim:
    claim = outbox.claim("new", str(name))
    assert isinstance(claim, Claim)
    return claim


@given(st.text(), st.text(min_size=1), st.integers(1, 10**9), st.binary(max_size=2000))
def test_an_item_is_read_as_it_was_written(
    call_id: str, agent_id: str, workspace_id: int, body: bytes
) -> None:
    """Whatever the ids hold, also lone surrogates; the body byte for byte."""
    item = Item(workspace_id, agent_id, 1_767_225_600_000, call_id, body)
    line = item.header()
    header = read_header(line + body)
    assert line.count(b"\n") == 1
    assert header.size == len(line)
    assert header.item(body) == item


@given(st.text(), st.integers(0, 10**13 - 1), st.integers(0, 10**6 - 1))
def test_a_name_is_read_as_it_was_written(call_id: str, created_ms: int, attempts: int) -> None:
    """A name holds no part of the call_id, and sorts by age."""
    name = ItemName.new(call_id, created_ms=created_ms, destination=HERE, nonce="0123abcd")
    tried = ItemName(name.created_ms, attempts, HERE, name.call_hash, name.nonce, "http-422")
    assert ItemName.parse(str(tried)) == tried
    assert tried.key == name.key
    assert "/" not in str(tried)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(start: bytes) -> None:
    """What is no header is said to be none."""
    with pytest.raises((CorruptItemError, NewerItemError)):
        read_header(start).item(b"")


@pytest.mark.parametrize("damage", ["cut", "flip", "longer", "empty", "header"])
def test_a_damaged_file_goes_to_dead_with_its_reason(damage: str, tmp_path: Path) -> None:
    """It is never sent, never read again, and keeps its bytes."""
    outbox = open_outbox(tmp_path / "o")
    name = put(outbox)
    path = Path(outbox.path("new", str(name)))
    whole = path.read_bytes()
    broken = {
        "cut": whole[:-1],
        "flip": whole[:-1] + bytes([whole[-1] ^ 1]),
        "longer": whole + b"x",
        "empty": b"",
        "header": b"{}\n",
    }[damage]
    path.write_bytes(broken)
    refused = outbox.claim("new", str(name))
    assert isinstance(refused, Unclaimed)
    assert refused.why == "corrupt"
    assert not path.exists()
    assert Path(outbox.path("dead", str(name.dead("corrupt")))).read_bytes() == broken


def test_a_later_versions_file_is_left_alone(tmp_path: Path) -> None:
    """Its own version sends it."""
    outbox = open_outbox(tmp_path / "o")
    name = put(outbox)
    path = Path(outbox.path("new", str(name)))
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2'))
    refused = outbox.claim("new", str(name))
    assert isinstance(refused, Unclaimed)
    assert refused.why == "newer"
    assert path.exists()


def test_an_item_has_one_sender_at_a_time(tmp_path: Path) -> None:
    """The second claim is refused until the first ends; a deleted item is gone for both."""
    outbox, other = open_outbox(tmp_path / "o"), open_outbox(tmp_path / "o")
    name = put(outbox)
    claim = claimed(outbox, name)
    assert other.claim("new", str(name)) == Unclaimed("busy")
    claim.release()
    again = claimed(other, name)
    again.remove()
    assert outbox.claim("new", str(name)) == Unclaimed("gone")


def test_attempts_are_in_the_name_before_anything_is_sent(tmp_path: Path) -> None:
    """A stale name is nobody's, so nobody sends what another has renamed."""
    outbox = open_outbox(tmp_path / "o")
    name = put(outbox)
    claim = claimed(outbox, name)
    assert claim.begin_attempt()
    assert [found.attempts for found in outbox.names("new")] == [1]
    claim.release(time.time() + 60)
    assert outbox.claim("new", str(name)) == Unclaimed("gone")
    later = outbox.claim("new", str(name.tried_once_more()))
    assert isinstance(later, Unclaimed)
    assert later.why == "later"
    assert isinstance(outbox.claim("new", str(name.tried_once_more()), due_only=False), Claim)


def test_a_due_time_of_another_clock_is_ignored(tmp_path: Path) -> None:
    """A file dated years ahead waits for nobody."""
    outbox = open_outbox(tmp_path / "o")
    name = put(outbox)
    claim = claimed(outbox, name)
    claim.begin_attempt()
    claim.release(time.time() + 10**9)
    claimed(outbox, name.tried_once_more()).release()


def test_without_locks_a_lease_stands_in(tmp_path: Path) -> None:
    """Between the attempt and its end nobody else takes it; after five minutes somebody does."""
    root = tmp_path / "o"
    one, two = open_outbox(root, NoLocks()), open_outbox(root, NoLocks())
    name = put(one)
    claim = claimed(one, name)
    rival = claimed(two, name)
    assert claim.begin_attempt()
    assert not rival.begin_attempt()
    rival.release()
    tried = str(name.tried_once_more())
    assert isinstance(two.claim("new", tried), Unclaimed)
    later = open_outbox(root, NoLocks(), ahead_s=LEASE_S + 1)
    assert isinstance(later.claim("new", tried), Claim)


def test_leftovers_are_swept_by_age(tmp_path: Path) -> None:
    """What a crash left in tmp/ goes after an hour; recordings stay as long as their call is anywhere."""
    outbox = open_outbox(tmp_path / "o", ahead_s=2 * 3600.0)
    name = put(outbox)
    Path(outbox.path("tmp", "half")).write_bytes(b"x")
    outbox.put_audio(name.key, [b"RIFF"])
    outbox.put_audio("nobody's", [b"RIFF"])
    assert sweep(outbox) == 2
    assert [path.name for path in Path(outbox.path("audio")).iterdir()] == [name.key]
    young = open_outbox(tmp_path / "o")
    Path(young.path("tmp", "half")).write_bytes(b"x")
    assert sweep(young) == 0


def test_the_oldest_come_first_a_batch_at_a_time(tmp_path: Path) -> None:
    """However many wait, no more than a batch is held."""
    outbox = open_outbox(tmp_path / "o")
    names = [str(put(outbox, f"call-{number}", created_ms=number)) for number in (5, 3, 1, 4, 2)]
    first = outbox.oldest("new", HERE, after="", limit=2)
    assert first == sorted(names)[:2]
    assert outbox.oldest("new", HERE, after=first[-1], limit=9) == sorted(names)[2:]
    assert outbox.oldest("new", destination_of(7, "desk"), after="", limit=9) == []


def test_a_failed_sync_is_not_trusted_again(tmp_path: Path) -> None:
    """After EIO a new file is written; twice EIO is an error, and nothing is left to be found later."""

    class BadDisk(FileSystem):
        def __init__(self, failures: int) -> None:
            self.failures = failures
            self.created = 0

        def create(self, path: str) -> int:
            self.created += 1
            return super().create(path)

        def fsync(self, fd: int) -> None:
            self.failures -= 1
            if self.failures >= 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync(fd)

    once = BadDisk(1)
    put(open_outbox(tmp_path / "once", once))
    assert once.created == 2
    outbox = open_outbox(tmp_path / "twice", BadDisk(2))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        put(outbox)
    assert [path for path in (tmp_path / "twice").rglob("*") if path.is_file()] == []
