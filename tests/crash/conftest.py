"""Fixtures and the marker of the fault scenarios."""

from __future__ import annotations

import pytest
from faults.fixtures import certificates, server, server_process, trial, zygote, zygote_process

__all__ = ["certificates", "server", "server_process", "trial", "zygote", "zygote_process"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker by which the report finds the scenarios."""
    config.addinivalue_line("markers", "scenario(*ids): the rows of the fault table that a test holds")
