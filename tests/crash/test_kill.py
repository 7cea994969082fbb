"""kill -9 at random moments (C1, C3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from faults.control import ServerProcess
from faults.processes import Zygote
from faults.scenarios import scenario

from crash.trials import kill_senders, kill_writers

SEED = 4_711

pytestmark = pytest.mark.timeout(240)  # many short processes: a busy machine takes its time


@pytest.mark.parametrize(
    "trials", [200, pytest.param(2_000, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])]
)
@scenario("C1")
def test_no_acknowledged_call_dies_with_its_writer(
    zygote: Zygote,
    server: ServerProcess,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    trials: int,
) -> None:
    """Every call a killed writer had acknowledged arrives, once."""
    count = kill_writers(zygote, server, tmp_path, trials, SEED)
    record_property("kill -9 of writers", count.show())
    assert count.killed == trials
    assert count.acknowledged > trials // 4, "the writers died before they wrote anything: this shows nothing"
    assert (count.lost, count.doubled) == (0, 0)


@pytest.mark.parametrize(
    "trials", [60, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])]
)
@scenario("C3")
def test_no_call_dies_with_its_sender(
    zygote: Zygote,
    server: ServerProcess,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    trials: int,
) -> None:
    """Senders die against a server that stores and then resets; nothing is lost, nothing stored twice."""
    count = kill_senders(zygote, server, tmp_path, trials, SEED)
    record_property("kill -9 of senders", count.show())
    assert count.killed == trials
    assert count.stored >= count.acknowledged > 0
    assert (count.lost, count.doubled) == (0, 0)
