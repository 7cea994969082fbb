"""Group D, disks: full, failing, forbidden, and files that nobody should have put there."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults import disk
from faults.clients import file_size_limited
from faults.processes import Zygote
from faults.scenarios import scenario
from faults.trial import Trial
from tuner_langchain.errors import TunerError

HOUR_S = 3_600.0


def _nothing_on_disk(trial: Trial) -> None:
    assert not trial.kept()


@scenario("D1")
def test_the_disk_fills_in_the_middle_of_a_write(trial: Trial) -> None:
    """The call is not durable and says so; it is sent from memory, and no part of it stays on the disk."""
    trial.open()
    trial.fs.on("write", disk.full_after(300))
    receipt = trial.submit(size_bytes=5_000)
    assert not receipt.durable
    trial.run(5)
    assert receipt.state == "delivered"
    assert trial.warnings("", logging.ERROR)
    _nothing_on_disk(trial)


@scenario("D2")
def test_a_full_disk_drains(trial: Trial) -> None:
    """Calls leave a full disk without needing a byte of new space."""
    with disk.small_filesystem(trial.directory / "small", size="16m") as small:
        trial.open(outbox_dir=small / "outbox")
        trial.server.down()
        receipts = [trial.submit() for _ in range(1_000)]
        assert all(receipt.durable for receipt in receipts)
        filler = disk.fill(small)
        trial.server.up()
        trial.run(HOUR_S)
        assert {receipt.state for receipt in receipts} == {"delivered"}
        assert not trial.kept()
        filler.unlink()
        trial.finish()


@scenario("D3")
def test_no_inodes(trial: Trial) -> None:
    """A file system without inodes refuses new files: the call is sent from memory, loudly."""
    with disk.small_filesystem(trial.directory / "small", inodes=40) as small:
        trial.open(outbox_dir=small / "outbox")
        trial.server.down()
        receipts = [trial.submit() for _ in range(60)]
        assert {receipt.durable for receipt in receipts} == {True, False}
        trial.server.up()
        trial.run(HOUR_S)
        assert {receipt.state for receipt in receipts} == {"delivered"}
        assert trial.warnings("", logging.ERROR)
        trial.finish()


@scenario("D3")
def test_quota(trial: Trial) -> None:
    """A used-up quota is as a full disk."""
    trial.open()
    trial.fs.fail("write", errno.EDQUOT)
    receipt = trial.submit()
    assert not receipt.durable
    trial.run(5)
    assert receipt.state == "delivered"
    _nothing_on_disk(trial)


@scenario("D3")
def test_file_size_limit(trial: Trial, zygote: Zygote) -> None:
    """A process whose files may not grow (RLIMIT_FSIZE) lives and sends from memory."""
    zygote.start(file_size_limited, **trial.client("a")).finish()
    trial.promise_from(["a"])
    assert [promise.durable for promise in trial.promises] == [False]
    assert len(trial.server.seen().calls) == 1


@scenario("D4")
def test_fsync_fails_once(trial: Trial) -> None:
    """The kernel may have dropped the pages: a new file is written, the old descriptor is never synced again."""
    trial.open()
    trial.fs.fail("fsync", errno.EIO, times=1)
    receipt = trial.submit()
    assert receipt.durable
    created = [call for call in trial.fs.calls if call[0] == "create"]
    assert len(created) == 2
    trial.run(5)
    assert receipt.state == "delivered"


@scenario("D4")
def test_fsync_fails_again(trial: Trial) -> None:
    """A disk that cannot sync is no place for a call: memory, and an ERROR."""
    trial.open()
    trial.fs.fail("fsync", errno.EIO)
    receipt = trial.submit()
    assert not receipt.durable
    trial.run(5)
    assert receipt.state == "delivered"
    assert trial.warnings("", logging.ERROR)
    _nothing_on_disk(trial)


@scenario("D5")
def test_short_writes(trial: Trial) -> None:
    """The file is whole although each write takes one byte."""
    trial.server.down()
    trial.open()
    trial.fs.on("write", disk.short_write)
    receipt = trial.submit()
    assert receipt.durable
    [kept] = trial.kept()
    assert kept.body == trial.bodies[receipt.call_id]
    trial.server.up()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"


@pytest.mark.parametrize("call", ["create", "write", "fsync", "rename"])
@scenario("D5")
def test_interrupted_calls(trial: Trial, call: str) -> None:
    """A signal in a system call loses nothing."""
    trial.open()
    trial.fs.on(call, disk.interrupted, times=1)
    receipt = trial.submit()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"


@scenario("D6")
def test_a_read_only_file_system(trial: Trial) -> None:
    """New calls go through memory while the disk is read-only; what waits on it goes when attempts can be noted."""
    with disk.small_filesystem(trial.directory / "small") as small:
        trial.open(outbox_dir=small / "outbox")
        trial.server.down()
        before = trial.submit()
        disk.remount(small, "ro")
        during = trial.submit()
        assert (before.durable, during.durable) == (True, False)
        trial.server.up()
        trial.run(HOUR_S)
        assert during.state == "delivered"
        assert trial.warnings("", logging.ERROR)
        disk.remount(small, "rw")
        after = trial.submit()
        trial.run(2 * HOUR_S)
        assert after.durable
        assert (before.state, after.state) == ("delivered", "delivered")
        trial.finish()


@scenario("D6")
def test_a_removed_directory_comes_back(trial: Trial) -> None:
    """Somebody deletes the outbox: the next call makes it again."""
    trial.open()
    first = trial.submit()
    trial.run(5)
    shutil.rmtree(trial.outbox)
    second = trial.submit()
    trial.run(HOUR_S)
    assert (first.state, second.state) == ("delivered", "delivered")
    assert second.durable or trial.warnings("", logging.ERROR)
    third = trial.submit()
    assert third.durable
    trial.run(HOUR_S)


@scenario("D6")
def test_permission_lost_and_found(trial: Trial) -> None:
    """Without permission to write calls go through memory; afterwards they are durable again."""
    trial.open()
    trial.fs.fail("create", errno.EACCES)
    lost = trial.submit()
    assert not lost.durable
    trial.run(5)
    assert lost.state == "delivered"
    trial.fs.heal()
    trial.run(HOUR_S)
    found = trial.submit()
    assert found.durable
    trial.run(5)


@pytest.mark.parametrize("kind", ["link", "open to all", "other owner"])
@scenario("D7")
def test_directories_that_cannot_be_trusted(trial: Trial, kind: str) -> None:
    """Refused when the delivery is built, with a message that names the directory."""
    trial.outbox.mkdir(mode=0o700)
    target = trial.outbox
    if kind == "link":
        target = trial.directory / "link"
        target.symlink_to(trial.outbox)
    elif kind == "open to all":
        target.chmod(0o777)
    else:
        if os.getuid() != 0:
            pytest.skip("only root can give a directory away")
        os.chown(target, 65_534, 65_534)
    with pytest.raises(TunerError) as raised:
        trial.open(outbox_dir=target)
    assert str(target) in str(raised.value)
    shutil.rmtree(trial.directory / "outbox")
    (trial.directory / "link").unlink(missing_ok=True)


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o777])
@scenario("D8")
def test_umasks(trial: Trial, mask: int) -> None:
    """Files are 0600 and directories 0700 whatever the umask says."""
    trial.server.down()
    with _umask(mask):
        trial.open()
        receipt = trial.submit()
    assert receipt.durable
    trial.clock.settle()
    for folder, names, files in os.walk(trial.outbox):
        for name in names:
            assert stat.S_IMODE(Path(folder, name).stat().st_mode) == 0o700
        for name in files:
            assert stat.S_IMODE(Path(folder, name).stat().st_mode) == 0o600
    trial.server.up()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"


@scenario("D11")
def test_the_soft_bound_is_loud_and_refuses_nothing(trial: Trial) -> None:
    """Beyond the bound calls are still taken in and are durable; one ERROR an interval says so."""
    trial.server.down()
    trial.open(outbox_max_bytes=20_000)
    receipts = [trial.submit(size_bytes=1_000) for _ in range(22)]
    assert all(receipt.durable for receipt in receipts)
    trial.run(1)
    trial.delivery._here().process.drain_events(5)  # events come from a thread of their own
    assert len([event for event in trial.events if event.kind == "outbox_full"]) == 1
    assert trial.warnings("outbox_max_bytes", logging.ERROR)
    trial.server.up()
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}


@scenario("D11")
def test_the_hard_floor_keeps_calls_in_memory(trial: Trial) -> None:
    """At twice the bound calls are no longer written: they say so, go out from memory, or reach the disk again."""
    trial.server.down()
    trial.open(outbox_max_bytes=5_000)
    receipts = [trial.submit(size_bytes=1_000) for _ in range(20)]
    assert {receipt.durable for receipt in receipts} == {True, False}
    trial.server.up()
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}


@scenario("D11")
def test_beyond_the_floor_a_call_is_lost_aloud(trial: Trial) -> None:
    """No disk and no memory left: CRITICAL, counted, and the callback receives the bytes."""
    trial.server.down()
    trial.open()
    trial.fs.fail("create", errno.ENOSPC)
    receipts = [trial.submit(size_bytes=15_000_000) for _ in range(6)]
    lost = [receipt for receipt in receipts if receipt.state == "lost"]
    assert lost
    assert len(trial.warnings("lost", logging.CRITICAL)) == len(lost)
    trial.fs.heal()
    trial.server.up()
    trial.run(HOUR_S)
    told = {event.call_id: event.body for event in trial.events if event.kind == "lost"}
    assert told == {receipt.call_id: trial.bodies[receipt.call_id] for receipt in lost}
    assert trial.delivery.stats().lost == len(lost)
