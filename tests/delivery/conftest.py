"""A scripted server, settings that lead to it, and deliveries that are closed after each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from delivery.server import ScriptedServer, serve
from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery

KEY = "tr_api_a-key-nobody-may-see"


def call_body(call_id: str, size: int = 0) -> bytes:
    """Return a request body; what the document holds is nothing to the delivery."""
    return json.dumps({"call_id": call_id, "transcript": "said in confidence " + "x" * size}).encode()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    owner = ScriptedServer()
    running = serve(owner)
    yield owner
    running.shutdown()
    running.server_close()


@pytest.fixture
def outbox_dir(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def config(server: ScriptedServer, outbox_dir: Path) -> TunerConfig:
    return make_config(server.url, outbox_dir)


def make_config(url: str, outbox_dir: Path, **settings: Any) -> TunerConfig:
    given: dict[str, Any] = {"api_key": KEY, "workspace_id": 42, "agent_id": "desk & co", "environ": {}}
    return TunerConfig(**{**given, "base_url": url, "outbox_dir": outbox_dir, **settings})


@pytest.fixture
def make_delivery(config: TunerConfig) -> Iterator[Callable[..., Delivery]]:
    made: list[Delivery] = []

    def make(settings: TunerConfig = config, **arguments: Any) -> Delivery:
        made.append(Delivery(settings, **arguments))
        return made[-1]

    yield make
    for delivery in made:
        delivery.close(0)


@pytest.fixture
def delivery(make_delivery: Callable[..., Delivery]) -> Delivery:
    return make_delivery()
