"""The setting `debug`: each step of delivery in the log, and nothing of the call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuner_langchain.delivery import Delivery

from .conftest import KEY, call_body, make_config
from .server import ScriptedServer


@pytest.fixture(name="library_log")
def _library_log() -> Iterator[logging.Logger]:
    """The library's logger, put back as it was."""
    logger = logging.getLogger("tuner_langchain")
    level, handlers = logger.level, list(logger.handlers)
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


def test_debug_logs_each_attempt_without_content(
    server: ScriptedServer,
    outbox_dir: Path,
    make_delivery: Callable[..., Delivery],
    caplog: pytest.LogCaptureFixture,
    library_log: logging.Logger,
) -> None:
    """An attempt is one line with the call's id, the size and the answer; no word of the call and no key."""
    delivery = make_delivery(make_config(server.url, outbox_dir, debug=True))
    body = call_body("c-1")
    delivery.submit("c-1", body).wait(10)

    assert f"call c-1: attempt 1, {len(body)} bytes: 201, delivered" in caplog.text
    assert "said in confidence" not in caplog.text
    assert KEY not in caplog.text


def test_without_debug_nothing_is_said_of_a_call_that_goes_well(
    delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    """A delivered call leaves the log as it was."""
    delivery.submit("c-1", call_body("c-1")).wait(10)

    assert [record for record in caplog.records if record.name.startswith("tuner_langchain")] == []
