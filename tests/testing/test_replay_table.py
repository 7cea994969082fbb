"""Every program of the table of graphs can be recorded and replayed: the replay has the rows of the live call."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from graphs.drive import drive
from graphs.play import CASES, Case, play_of
from graphs.test_table import _skip_without

from tuner_langchain.testing import EventLog, ManualClock, record, replay

if TYPE_CHECKING:
    from pathlib import Path

MODES = ("invoke", "astream_messages")
# A repr in a value: another object's address in another run of the same program.
ADDRESS = re.compile(r"0x[0-9a-f]+")


def cases() -> list[Any]:
    return [
        pytest.param(case, mode, id=f"{case.name}-{mode}")
        for case in CASES
        for mode in MODES
        if mode in case.modes
    ]


@pytest.mark.parametrize(("case", "mode"), cases())
def test_a_replay_is_the_call(case: Case, mode: str, tmp_path: Path) -> None:
    """Rows, reasons, statuses, tools, words and the call's metadata are those that the live handler found."""
    _skip_without(case)
    clock = ManualClock()
    live = record(clock=clock)
    with EventLog(tmp_path / "call.jsonl", clock=clock) as log:
        live.raise_error = log.raise_error = True
        drive(mode, play_of(case.build()), [live, log])

    again = replay(tmp_path / "call.jsonl")

    assert _told(again.segments, case) == _told(live.timeline.segments, case)
    assert _plain(again.document["metadata"]) == _plain(live.document["metadata"])


def _told(rows: Any, case: Case) -> list[str]:
    told = [_plain(row) for row in rows]
    return sorted(told) if case.unordered else told


def _plain(value: Any) -> str:
    return ADDRESS.sub("0x", json.dumps(value, sort_keys=True))
