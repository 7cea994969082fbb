"""Power loss (C5): what a receipt called durable is on the disk when the machine comes back."""

from __future__ import annotations

import pytest
from faults.reader import kept_calls
from faults.scenarios import scenario
from faults.trial import Trial

from crash.power import PowerLossFileSystem


def _survivors(trial: Trial, files: PowerLossFileSystem, name: str) -> set[str | None]:
    after = files.after_power_loss(trial.directory / name)
    return {kept.call_id for kept in kept_calls(after) if kept.whole and kept.folder == "new"}


@scenario("C5")
def test_what_was_acknowledged_survives_a_power_loss(trial: Trial) -> None:
    """After every single receipt, also the very first into a directory that was not there."""
    files = PowerLossFileSystem(trial.outbox)
    trial.files = files
    trial.server.down()
    trial.open()
    acknowledged = set()
    for number in range(10):
        receipt = trial.submit()
        assert receipt.durable
        acknowledged.add(receipt.call_id)
        assert acknowledged <= _survivors(trial, files, f"after-{number}")


@scenario("C5")
def test_a_call_that_comes_back_is_stored_once(trial: Trial) -> None:
    """The deletion was not on the disk yet: the call is there again, is sent again, and meets its record."""
    files = PowerLossFileSystem(trial.outbox)
    trial.files = files
    receipts = [trial.submit() for _ in range(5)]
    trial.run(30)
    assert {receipt.state for receipt in receipts} == {"delivered"}
    after = files.after_power_loss(trial.directory / "after")
    trial.close()
    trial.files = type(files)(after)
    trial.open(outbox_dir=after)
    trial.run(3_600)
    assert len(trial.server.seen().calls) == 5
    assert not [kept for kept in trial.kept() if kept.folder == "new"]
    for receipt in receipts:
        trial.expect_conflict(receipt.call_id)


@scenario("C5")
def test_without_fsync_the_loss_is_the_documented_one(trial: Trial) -> None:
    """`fsync=False` survives the process and promises nothing about the host: by the letter, all may be gone."""
    files = PowerLossFileSystem(trial.outbox)
    trial.files = files
    trial.server.down()
    trial.open(fsync=False)
    receipts = [trial.submit() for _ in range(5)]
    after = files.after_power_loss(trial.directory / "after")
    assert len(trial.kept()) == len(receipts)
    assert not kept_calls(after), "the model keeps what nobody forced to the disk"


pytestmark = pytest.mark.timeout(60)
