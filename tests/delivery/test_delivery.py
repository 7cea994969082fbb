"""A finished call's way: on disk before anything else, then to Tuner once."""

from __future__ import annotations

from pathlib import Path

from delivery.conftest import KEY, call_body
from delivery.server import Reply, ScriptedServer
from tuner_langchain.delivery import Delivery


def files(outbox_dir: Path, folder: str = "new") -> list[str]:
    return sorted(path.name for path in (outbox_dir / "v1" / folder).iterdir())


def test_a_call_is_delivered_and_its_file_is_gone(
    delivery: Delivery, server: ScriptedServer, outbox_dir: Path
) -> None:
    """The receipt holds what Tuner answered; nothing is left in the outbox."""
    receipt = delivery.submit("call-1", call_body("call-1"))
    assert receipt.durable
    receipt.wait(10)
    assert (receipt.state, receipt.tuner_id, receipt.is_new, receipt.attempts) == ("delivered", 1, True, 1)
    assert receipt.status == 201
    assert files(outbox_dir) == []
    (request,) = server.requests
    assert request.path == "/api/v1/public/call?workspace_id=42&agent_remote_identifier=desk%20%26%20co"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == call_body("call-1")


def test_five_errors_then_a_success_are_six_requests(delivery: Delivery, server: ScriptedServer) -> None:
    """There is no second layer of retries below the schedule."""
    server.script = [Reply(500), Reply(500)]
    receipt = delivery.submit("call-1", call_body("call-1"))
    assert receipt.wait(20).state == "delivered"
    assert len(server.requests) == 3
