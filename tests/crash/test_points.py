"""Crash points, enumerated: the process dies before and after every single call (C2, C4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import clients
from faults.control import ServerProcess
from faults.processes import Zygote
from faults.reader import Findings, Promise, check_calls, check_modes, kept_calls
from faults.scenarios import scenario

from crash import points
from crash.trials import drain_all

Died = Callable[..., None]


class Enumeration:
    """Runs a process once for its calls, then again and again to die at each of them."""

    def __init__(self, zygote: Zygote, server: ServerProcess, directory: Path) -> None:
        self._zygote = zygote
        self.server = server
        self.directory = directory
        self.names: list[str] = []

    def run(self, target: Died, prepare: Callable[[Path], None], **arguments: Any) -> int:
        """Return how many deaths were died; every one of them was checked."""
        self.names = self._die(target, prepare, 0, False, arguments)
        for number in range(1, len(self.names) + 1):
            for after in (False, True):
                self._die(target, prepare, number, after, arguments)
        return 2 * len(self.names)

    def _die(
        self,
        target: Died,
        prepare: Callable[[Path], None],
        number: int,
        after: bool,
        arguments: dict[str, Any],
    ) -> list[str]:
        place = self.directory / f"{number}-{'after' if after else 'before'}"
        place.mkdir()
        self.server.order("clear")
        prepare(place)
        before = {kept.call_id for kept in kept_calls(place / "outbox")}
        client = self._zygote.start(
            target,
            url=self.server.url,
            outbox=str(place / "outbox"),
            acks=str(place / "acks"),
            number=number,
            after=after,
            names=str(place / "names"),
            **arguments,
        )
        status = client.wait()
        assert status == (points.DIED if number else 0), (
            f"call {number}: ended with {status}: {client.error()}"
        )
        self._judge(place, before, number, after)
        return (place / "names").read_text().split("\n") if number == 0 else []

    def _judge(self, place: Path, before: set[str | None], number: int, after: bool) -> None:
        outbox = place / "outbox"
        torn = [kept.path for kept in kept_calls(outbox) if not kept.whole and kept.folder != "tmp"]
        assert not torn, f"call {number}: a half-written call lies in {torn}"
        drain_all(self._zygote, self.server, outbox)
        promised = [Promise(*ack) for ack in clients.read_acks([place / "acks"])]
        promised += [Promise(str(call_id), durable=True) for call_id in before]
        findings, seen = Findings(), self.server.seen()
        check_calls(findings, promised, outbox, seen, settled=True)
        check_modes(findings, outbox)
        dead = [kept.path.name for kept in kept_calls(outbox) if kept.folder == "dead"]
        findings.expect(not dead, f"a death made a call look refused: {dead}")
        self._judge_uploads(findings, promised)
        missing = [promise.call_id for promise in promised if promise.call_id not in seen.calls]
        findings.expect(not missing, f"not stored: {missing}")
        when = "after" if after else "before"
        assert not findings.problems, f"dying {when} call {number}: {findings.problems}"

    def _judge_uploads(self, findings: Findings, promised: list[Promise]) -> None:
        """Check that every recording arrived, or that the only answer that could name its place was lost."""
        seen = self.server.seen()
        uploaded = {upload["path"].rpartition("/")[2] for upload in seen.uploads}
        for promise in promised:
            document = self.server.order("body", call_id=promise.call_id) or ""
            answers = [post["status"] for post in seen.posts_of(promise.call_id)]
            if "recording_file_extension" in document and 409 not in answers:
                findings.expect(
                    promise.call_id in uploaded, f"{promise.call_id}'s recording was not uploaded"
                )


@pytest.fixture
def enumeration(zygote: Zygote, server: ServerProcess, tmp_path: Path) -> Enumeration:
    """Deaths, each in a directory of its own."""
    return Enumeration(zygote, server, tmp_path)


pytestmark = pytest.mark.timeout(240)  # many short processes: a busy machine takes its time

CALLS = [1, pytest.param(2, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]


@pytest.mark.parametrize("calls", CALLS)
@scenario("C2")
def test_death_at_every_call_of_submit(
    enumeration: Enumeration, record_property: Callable[[str, object], None], calls: int
) -> None:
    """From the first directory to the last close: what was acknowledged is stored once, whatever the moment."""
    died = enumeration.run(points.fused_submit, lambda _: None, count=calls)
    record_property(
        "deaths in submit", f"{died} at {len(enumeration.names)} calls: {' '.join(enumeration.names)}"
    )
    assert {"create", "write", "fsync", "rename", "sync_directory"} <= set(enumeration.names)


@pytest.mark.parametrize("calls", CALLS)
@scenario("C4")
def test_death_at_every_call_of_sending(
    enumeration: Enumeration, zygote: Zygote, record_property: Callable[[str, object], None], calls: int
) -> None:
    """Claim, attempt, connect, send, receive, unlink: a death anywhere costs at most a second POST."""

    def prepare(place: Path) -> None:
        arguments = {
            "url": "http://127.0.0.1:9",
            "outbox": str(place / "outbox"),
            "acks": str(place / "acks"),
        }
        zygote.start(clients.writer, count=calls, **arguments).finish()

    died = enumeration.run(points.fused_send, prepare)
    record_property(
        "deaths in sending", f"{died} at {len(enumeration.names)} calls: {' '.join(enumeration.names)}"
    )
    assert {"flock", "rename", "socket connect", "socket write", "socket read", "unlink"} <= set(
        enumeration.names
    )


@pytest.mark.soak
@pytest.mark.timeout(900)
@scenario("A25", "C2", "C4")
def test_death_at_every_call_with_a_recording(
    enumeration: Enumeration, zygote: Zygote, record_property: Callable[[str, object], None]
) -> None:
    """The recording arrives although the process died anywhere: in submit, in sending, in uploading."""
    died = enumeration.run(points.fused_submit, lambda _: None, count=1, recorded=True)
    record_property("deaths in submit with a recording", str(died))

    def prepare(place: Path) -> None:
        arguments = {
            "url": "http://127.0.0.1:9",
            "outbox": str(place / "outbox"),
            "acks": str(place / "acks"),
        }
        zygote.start(
            points.fused_submit,
            number=0,
            after=False,
            names=str(place / "n"),
            count=1,
            recorded=True,
            **arguments,
        ).finish()

    again = Enumeration(zygote, enumeration.server, enumeration.directory / "sending")
    again.directory.mkdir()
    died = again.run(points.fused_send, prepare)
    record_property("deaths in sending with a recording", str(died))
    assert again.names.count("socket connect") == 2
