"""Why calls wait: noted on disk, told to a person, gone when the trouble is over; and counted in days of failing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.conftest import KEY, call_body, make_config
from delivery.server import Reply, ScriptedServer
from tuner_langchain.delivery import Delivery
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.notes import Note, failed
from tuner_langchain.delivery.policy import AGE_LIMIT_DAYS
from tuner_langchain.delivery.runtime import Runtime
from tuner_langchain.delivery.upkeep import KeptCall, Upkeep

DAY_S = 24 * 3600.0
NOWHERE = "http://127.0.0.1:9"


LATER = (("Retry-After", "60"),)  # so that a flush does not sit out a pause


class OnDay(Runtime):
    """The clock on the wall is so many days off."""

    def __init__(self, day: int) -> None:
        self.day = day

    def wall_s(self) -> float:
        return super().wall_s() + self.day * DAY_S


def kept(outbox_dir: Path) -> dict[str | None, KeptCall]:
    return {call.call_id: call for call in Upkeep(outbox_dir).calls()}


def whys(outbox_dir: Path) -> list[Path]:
    return list((outbox_dir / "v1" / "why").iterdir())


@pytest.mark.parametrize(
    ("status", "state", "reason", "word"),
    [
        (401, "held", "http-401", "TUNER_API_KEY"),
        (403, "held", "http-403", "x-api-key"),
        (503, "waiting", "http-503", "503"),
    ],
)
def test_a_later_process_can_say_why_calls_wait(
    server: ScriptedServer,
    outbox_dir: Path,
    make_delivery: Callable[..., Delivery],
    status: int,
    state: str,
    reason: str,
    word: str,
) -> None:
    """The call that was tried, and those that wait because of what it met; each with status, sentence and time."""
    server.answer = lambda request: Reply(status, headers=LATER)
    delivery = make_delivery()
    receipts = [delivery.submit(f"call-{number}", call_body(f"call-{number}")) for number in range(3)]
    delivery.flush(None)
    now_ms = time.time() * 1000
    assert {receipt.state for receipt in receipts} <= {"held", "pending"}
    delivery.close(0)
    calls = kept(outbox_dir)
    assert {(call.state, call.reason) for call in calls.values()} == {(state, reason)}
    assert all(word in str(call.message) for call in calls.values())
    assert all(0 <= now_ms - (call.since_ms or 0) < 60_000 for call in calls.values())
    assert Upkeep(outbox_dir).explanation(calls["call-0"])["status"] == status
    for path in whys(outbox_dir):
        assert path.stat().st_mode & 0o777 == 0o600
        assert KEY not in path.read_text()
        assert "confidence" not in path.read_text()


def test_404_and_no_connection_are_said_too(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """A call's own trouble is its own; another agent's calls in the same outbox keep theirs."""
    server.answer = lambda request: Reply(404)
    delivery = make_delivery()
    delivery.submit("lone", call_body("lone")).wait(10)
    other = make_delivery(make_config(NOWHERE, outbox_dir, agent_id="other"))
    other.submit("away", call_body("away"))
    other.flush(None)
    for one in (delivery, other):
        one.close(0)
    calls = kept(outbox_dir)
    assert (calls["lone"].state, calls["lone"].reason) == ("held", "http-404")
    assert (calls["away"].state, calls["away"].reason, calls["away"].agent_id) == (
        "waiting",
        "transport",
        "other",
    )


def test_notes_go_when_the_trouble_is_over(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """Also those that an earlier process wrote; since when stays the first time."""
    server.answer = lambda request: Reply(401)
    first = make_delivery()
    first.submit("call-1", call_body("call-1")).wait(10)
    first.close(0)
    since_ms = kept(outbox_dir)["call-1"].since_ms
    second = make_delivery()
    second.flush(5)
    second.close(0)
    assert kept(outbox_dir)["call-1"].since_ms == since_ms
    assert len(whys(outbox_dir)) == 2
    server.answer = None
    for path in (outbox_dir / "v1" / "new").iterdir():
        os.utime(path)
    third = make_delivery()
    assert third.flush(10).delivered == 1
    assert whys(outbox_dir) == []


def test_a_note_that_cannot_be_written_costs_nothing(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """Not the call, not its receipt, not a line in the log."""

    class NoNotes(FileSystem):
        def rename(self, source: str, target: str) -> None:
            if f"{os.sep}why{os.sep}" in target:
                raise OSError(28, "No space left on device")
            super().rename(source, target)

    server.script = [Reply(500), Reply(500)]
    delivery = make_delivery(files=NoNotes())
    assert delivery.submit("call-1", call_body("call-1")).wait(20).state == "delivered"
    assert whys(outbox_dir) == []


@given(st.binary(max_size=200) | st.sampled_from([b"{}", b"[]", b'{"state": 1}', b"[" * 5000]))
def test_no_bytes_break_the_reader_of_notes(text: bytes) -> None:
    """A note of another version or half of one is none."""
    assert Note.read(text) is None


def note_of(*days: int) -> Note:
    note = None
    for day in days:
        note = failed(
            note, state="waiting", reason="http-503", message="m", status=503, now_ms=day * 86_400_000
        )
    assert note is not None
    assert Note.read(note.write()) == note
    return note


def test_days_of_failing_are_counted_not_the_time_between() -> None:
    """A clock that jumps by months adds a day; a wrong setting's days do not count."""
    assert note_of(20_000, 20_000, 20_090, 19_000).days == 3
    held = failed(note_of(1), state="held", reason="http-401", message="m", status=401, now_ms=9 * 86_400_000)
    assert (held.days, held.since_ms) == (1, 9 * 86_400_000)


def test_a_call_written_under_a_wrong_clock_is_not_buried(
    server: ScriptedServer, make_delivery: Callable[..., Delivery]
) -> None:
    """The clock was 90 days behind when the call was finished; the next process meets an outage and waits."""

    server.answer = lambda request: Reply(503, headers=LATER)
    early = make_delivery(runtime=OnDay(-90))
    early.submit("call-1", call_body("call-1"))
    early.flush(None)
    early.close(0)
    late = make_delivery()
    late.flush(None)
    assert (late.stats().adopted_dead, len(server.requests)) == (0, 2)
    server.answer = None
    late.close(0)


def test_a_call_that_fails_on_more_than_thirty_days_is_set_aside(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """Also over many processes: the days are in its note. The reason does not say that it waits."""
    server.answer = lambda request: Reply(503, headers=LATER)
    first = make_delivery(runtime=OnDay(0))
    first.submit("call-1", call_body("call-1"))
    first.flush(None)
    first.close(0)
    for day in range(1, AGE_LIMIT_DAYS + 1):
        assert [call.state for call in kept(outbox_dir).values()] == ["waiting"]
        again = make_delivery(runtime=OnDay(day))
        again.flush(None)
        again.close(0)
    (call,) = kept(outbox_dir).values()
    assert (call.state, call.reason) == ("dead", "age")
    assert "outbox retry" in str(call.message)
    assert "is sent again" not in str(call.message)
    assert [path for path in whys(outbox_dir) if call.file.rpartition("-")[2][:8] in path.name] == []
