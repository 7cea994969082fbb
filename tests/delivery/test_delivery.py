"""A finished call's way: on disk before anything else, then to Tuner once."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.conftest import KEY, call_body, make_config
from delivery.server import Reply, ScriptedServer
from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery, DeliveryEvent, Receipt
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.errors import OutboxError

NOWHERE = "http://127.0.0.1:9"


def files(outbox_dir: Path, folder: str = "new") -> list[str]:
    return sorted(path.name for path in (outbox_dir / "v1" / folder).iterdir())


def submit(delivery: Delivery, *call_ids: str) -> list[Receipt]:
    return [delivery.submit(call_id, call_body(call_id)) for call_id in call_ids]


class FullDisk(FileSystem):
    """A disk without room until `free` is set; renames and deletions still work there."""

    def __init__(self) -> None:
        self.free = False

    def write(self, fd: int, data: memoryview) -> int:
        if not self.free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data)


def test_a_call_is_delivered_and_its_file_is_gone(
    delivery: Delivery, server: ScriptedServer, outbox_dir: Path
) -> None:
    """The receipt holds what Tuner answered; nothing is left in the outbox."""
    receipt = delivery.submit("call-1", call_body("call-1"))
    assert receipt.durable
    receipt.wait(10)
    assert (receipt.state, receipt.tuner_id, receipt.is_new, receipt.attempts) == ("delivered", 1, True, 1)
    assert (receipt.status, receipt.answered) == (201, True)
    assert files(outbox_dir) == []
    (request,) = server.requests
    assert request.path == "/api/v1/public/call?workspace_id=42&agent_remote_identifier=desk%20%26%20co"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.body == call_body("call-1")


def test_the_older_answer_and_header_are_known(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """An older deployment takes X-API-Key and names its id tunerCallId; the request id is kept."""
    body = b'{"success": true, "callId": "call-1", "tunerCallId": "tc_9", "message": "stored"}'
    server.script = [Reply(200, body, (("X-Request-Id", "req-5"),))]
    delivery = make_delivery(make_config(server.url, outbox_dir, auth_header="x-api-key"))
    (receipt,) = submit(delivery, "call-1")
    assert receipt.wait(10).state == "delivered"
    assert (receipt.tuner_id, receipt.is_new, receipt.message) == ("tc_9", None, "stored")
    assert receipt.request_id == "req-5"
    (request,) = server.requests
    assert request.headers["x-api-key"] == KEY
    assert "authorization" not in request.headers


def test_what_an_earlier_process_left_is_sent(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """The first use of a Delivery picks up what waits, and counts it apart."""
    earlier = make_delivery(make_config(NOWHERE, outbox_dir))
    submit(earlier, "call-1", "call-2")
    earlier.close(0)
    later = make_delivery()
    result = later.flush(10)
    assert sorted(server.stored) == ["call-1", "call-2"]
    assert (result.delivered, result.pending, result.timed_out) == (2, 0, False)
    assert (later.stats().finalised, later.stats().adopted_delivered) == (0, 2)


def test_another_destinations_calls_are_left_alone(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """One outbox may hold calls of several workspaces; each sender sends its own."""
    other = make_delivery(make_config(NOWHERE, outbox_dir, workspace_id=7))
    submit(other, "call-1")
    other.close(0)
    assert make_delivery().flush(10).delivered == 0
    assert server.requests == []
    assert len(files(outbox_dir)) == 1


def test_flush_says_what_it_could_not_send(outbox_dir: Path, make_delivery: Callable[..., Delivery]) -> None:
    """Nothing listens: the calls wait in the outbox, and the numbers say so."""
    delivery = make_delivery(make_config(NOWHERE, outbox_dir))
    submit(delivery, "call-1", "call-2")
    assert (delivery.flush(None).pending, delivery.flush(None).timed_out) == (2, False)
    assert (delivery.flush(0.3).pending, delivery.flush(0).pending) == (2, 2)
    assert delivery.flush(0.2).timed_out
    assert (delivery.stats().pending, len(files(outbox_dir))) == (2, 2)


def test_flush_in_an_event_loop(server: ScriptedServer, delivery: Delivery) -> None:
    """`aflush` and `settled` leave the loop to others."""

    async def main() -> tuple[Any, ...]:
        receipt = delivery.submit("call-1", call_body("call-1"))
        result = await delivery.aflush(10)
        return receipt.durable, (await receipt.settled(10)).state, result.pending

    assert asyncio.run(main()) == (True, "delivered", 0)


def test_settled_gives_up_in_time(outbox_dir: Path, make_delivery: Callable[..., Delivery]) -> None:
    """A time-out is no error: the call is pending."""
    delivery = make_delivery(make_config(NOWHERE, outbox_dir))

    async def main() -> str:
        receipt = delivery.submit("call-1", call_body("call-1"))
        return (await receipt.settled(0.05)).state

    assert asyncio.run(main()) == "pending"


def test_an_empty_receipt_is_settled() -> None:
    """A call without a row was never posted; waiting for it ends at once."""
    receipt = Receipt.empty("call-1", "no row")
    assert (receipt.wait().state, receipt.durable, receipt.message) == ("empty", False, "no row")
    assert asyncio.run(receipt.settled()).state == "empty"


def test_a_wrong_key_holds_everything_and_says_what_to_check(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """One request finds it out; all calls are held, none is dead, and waiting for them ends."""
    server.answer = lambda request: Reply(401)
    events: list[DeliveryEvent] = []
    delivery = make_delivery(on_event=events.append)
    receipts = submit(delivery, *(f"call-{number}" for number in range(20)))
    assert {receipt.wait(10).state for receipt in receipts} == {"held"}
    assert all("TUNER_API_KEY" in str(receipt.message) for receipt in receipts)
    result = delivery.flush(5)
    assert (result.held, result.pending, result.dead, result.timed_out) == (20, 0, 0, False)
    assert (delivery.stats().held, len(server.requests)) == (20, 1)
    delivery.close(1)
    assert [event.kind for event in events] == ["held"]


def test_shared_is_one_for_the_same_settings(server: ScriptedServer, outbox_dir: Path) -> None:
    """Handlers of one process share one sender; other settings get their own."""
    one = Delivery.shared(make_config(server.url, outbox_dir))
    assert Delivery.shared(make_config(server.url, outbox_dir)) is one
    assert Delivery.shared(make_config(server.url, outbox_dir, workspace_id=7)) is not one


def test_a_closed_delivery_may_be_used_again(server: ScriptedServer, delivery: Delivery) -> None:
    """Its numbers go on, and it starts anew with the next call."""
    submit(delivery, "call-1")
    assert delivery.close(10).delivered == 1
    (receipt,) = submit(delivery, "call-2")
    assert receipt.wait(10).state == "delivered"
    assert (delivery.stats().finalised, delivery.stats().delivered) == (2, 2)


def test_a_full_disk_sends_from_memory(
    server: ScriptedServer, make_delivery: Callable[..., Delivery], caplog: pytest.LogCaptureFixture
) -> None:
    """The receipt does not say durable, the log says why, and the call arrives."""
    events: list[DeliveryEvent] = []
    delivery = make_delivery(files=FullDisk(), on_event=events.append)
    (receipt,) = submit(delivery, "call-1")
    assert (receipt.durable, "No space left" in str(receipt.message)) == (False, True)
    assert receipt.wait(10).state == "delivered"
    delivery.close(5)
    assert [event.kind for event in events] == ["not_durable", "delivered"]
    assert [record.levelname for record in caplog.records if record.name == "tuner_langchain.delivery"] == [
        "ERROR"
    ]


def test_a_call_goes_to_disk_when_there_is_room_again(
    outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """Memory is the last resort, not a place to stay."""
    disk = FullDisk()
    delivery = make_delivery(make_config(NOWHERE, outbox_dir), files=disk)
    (receipt,) = submit(delivery, "call-1")
    disk.free = True
    while not receipt.durable:  # the sender may have the call in its hands just now
        delivery._here().search.look()
    assert len(files(outbox_dir)) == 1


def test_what_is_only_in_memory_at_the_end_is_lost_and_handed_over(
    outbox_dir: Path, make_delivery: Callable[..., Delivery], caplog: pytest.LogCaptureFixture
) -> None:
    """One CRITICAL line with the call's id, and the bytes go to the callback."""
    events: list[DeliveryEvent] = []
    delivery = make_delivery(make_config(NOWHERE, outbox_dir), files=FullDisk(), on_event=events.append)
    (receipt,) = submit(delivery, "call-1")
    delivery.close(0)
    delivery._here().process.drain_events(5)
    assert receipt.state == "lost"
    assert (delivery.stats().lost, delivery.stats().pending) == (1, 0)
    (lost,) = [event for event in events if event.kind == "lost"]
    assert lost.body == call_body("call-1")
    critical = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert len(critical) == 1
    assert "call-1" in critical[0]


@pytest.mark.parametrize("listens", [True, False])
def test_a_lost_call_says_whether_somebody_has_its_bytes(
    outbox_dir: Path, make_delivery: Callable[..., Delivery], listens: bool
) -> None:
    """Without an on_event callback nobody received them, and the message names the way to receive them."""
    events: list[DeliveryEvent] = []
    on_event = events.append if listens else None
    delivery = make_delivery(make_config(NOWHERE, outbox_dir), files=FullDisk(), on_event=on_event)
    (receipt,) = submit(delivery, "call-1")
    delivery.close(0)

    assert receipt.state == "lost"
    assert ("The on_event callback received its bytes." in str(receipt.message)) is listens
    assert ("give Delivery an on_event callback" in str(receipt.message)) is not listens


def test_a_callback_that_raises_or_blocks_changes_nothing(
    server: ScriptedServer, make_delivery: Callable[..., Delivery]
) -> None:
    """It has a thread of its own."""
    release = threading.Event()

    def on_event(event: DeliveryEvent) -> None:
        if event.call_id == "call-1":
            raise RuntimeError("the application's own trouble")
        release.wait(20)

    delivery = make_delivery(on_event=on_event)
    receipts = submit(delivery, "call-1", "call-2", "call-3")
    assert {receipt.wait(10).state for receipt in receipts} == {"delivered"}
    release.set()


def test_a_forked_child_sends_its_own_calls(
    server: ScriptedServer, delivery: Delivery, outbox_dir: Path
) -> None:
    """The child has its own thread and connections; the parent's go on."""
    submit(delivery, "before")[0].wait(10)
    pid = os.fork()
    if pid == 0:
        state = submit(delivery, "in-child")[0].wait(10).state
        os._exit(0 if state == "delivered" else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert submit(delivery, "after")[0].wait(10).state == "delivered"
    assert server.posts() == ["before", "in-child", "after"]


@pytest.mark.parametrize("problem", ["link", "open", "file"])
def test_a_directory_that_cannot_be_trusted_is_refused(problem: str, tmp_path: Path) -> None:
    """At construction, with the path and the way out."""
    outbox = tmp_path / "outbox"
    if problem == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        outbox.symlink_to(tmp_path / "elsewhere")
    elif problem == "open":
        outbox.mkdir()
        outbox.chmod(0o777)
    else:
        outbox.write_text("")
    with pytest.raises(OutboxError, match=r"outbox.*TUNER_OUTBOX_DIR"):
        Delivery(make_config(NOWHERE, outbox))


def test_files_are_for_their_owner_alone(outbox_dir: Path, make_delivery: Callable[..., Delivery]) -> None:
    """Whatever the umask: 0700 directories, 0600 files, and neither key nor address in any."""
    before = os.umask(0o000)
    try:
        delivery = make_delivery(make_config(NOWHERE, outbox_dir))
        submit(delivery, "call-1")
        delivery.flush(0.2)
    finally:
        os.umask(before)
    for path in (outbox_dir, *outbox_dir.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()
            assert b"127.0.0.1" not in path.read_bytes()


def test_importing_delivery_is_light() -> None:
    """No HTTP library, no thread, and none by making a Delivery."""
    program = (
        "import sys, threading, tempfile, tuner_langchain.delivery as d, tuner_langchain.config as c\n"
        "d.Delivery(c.TunerConfig(api_key='k', workspace_id=1, agent_id='a', outbox_dir=tempfile.mkdtemp()))\n"
        "print('httpx' in sys.modules, 'httpcore' in sys.modules, 'sqlite3' in sys.modules, threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False", "1"]


def test_a_soft_bound_is_said_and_a_hard_one_spares_the_disk(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """Past outbox_max_bytes calls are still kept; past twice that they wait in memory."""
    server.answer = lambda request: Reply(503)
    events: list[DeliveryEvent] = []
    config = make_config(server.url, outbox_dir, outbox_max_bytes=10_000)
    delivery = make_delivery(config, on_event=events.append)
    receipts = [delivery.submit(f"call-{n}", call_body(f"call-{n}", 4_000)) for n in range(8)]
    durable = [receipt.durable for receipt in receipts]
    assert durable[:3] == [True] * 3
    assert durable[-1] is False
    delivery._here().process.drain_events(5)
    assert [event.kind for event in events if event.kind in ("outbox_full", "not_durable")][:2] == [
        "outbox_full",
        "not_durable",
    ]


def test_config_settings_of_the_outbox(tmp_path: Path) -> None:
    """The default lies in the user's state directory; a wrong size is refused where it is given."""
    keys = {"api_key": KEY, "workspace_id": 1, "agent_id": "a"}
    state = TunerConfig(**keys, environ={"XDG_STATE_HOME": str(tmp_path)})  # type: ignore[arg-type]
    assert state.outbox_dir == tmp_path / "tuner-langchain" / "outbox"
    relative = TunerConfig(**keys, environ={"XDG_STATE_HOME": "here"})  # type: ignore[arg-type]
    assert relative.outbox_dir == Path.home() / ".local" / "state" / "tuner-langchain" / "outbox"
    with pytest.raises(ValueError, match="outbox_max_bytes: is -1"):
        TunerConfig(**keys, outbox_max_bytes=-1, environ={})  # type: ignore[arg-type]
