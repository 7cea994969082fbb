"""The example test-suite is green where a reader copies it to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "testing"


def run(directory: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:langsmith_plugin",
        "-p",
        "no:cacheprovider",
        *args,
    ]
    environ = {**os.environ, **environment}
    return subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__")))


def test_the_example_is_green(copy: Path) -> None:
    """Copied elsewhere, with nothing configured, every test passes and pages are written."""
    result = run(copy, "--tuner-html", "pages")

    assert result.returncode == 0, result.stdout
    assert len(list((copy / "pages").iterdir())) == 9


def test_the_example_catches_a_change(copy: Path) -> None:
    """An agent that goes another way is caught, and the message says where."""
    agent = copy / "agent.py"
    agent.write_text(
        agent.read_text(encoding="utf-8").replace('return "hours"', 'return "goodbye"'), encoding="utf-8"
    )

    result = run(copy, "-k", "routed")

    assert result.returncode == 1
    assert "step 2: expected `hours` after `triage`, got `goodbye` (route: goodbye)" in result.stdout


def test_the_outline_is_renewed_on_demand(copy: Path) -> None:
    """UPDATE_OUTLINES writes the outline that is compared from then on: the one that is there."""
    known = copy / "outlines" / "booking.txt"
    before = known.read_text(encoding="utf-8")
    known.write_text("something else", encoding="utf-8")

    assert run(copy, "-k", "what_it_was").returncode == 1
    assert run(copy, "-k", "what_it_was", UPDATE_OUTLINES="1").returncode == 0
    assert known.read_text(encoding="utf-8") == before
