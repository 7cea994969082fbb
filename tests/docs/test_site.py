"""The site builds without a warning, and shows every page."""

from __future__ import annotations

import functools
import logging
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from docs.pages import ROOT
from tuner_langchain import Timeline, TunerCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    """Links, anchors and references all lead somewhere; the API's reference is taken from the docstrings."""
    pytest.importorskip("zensical", reason="the docs' builder is not installed (dependency group `docs`)")
    for name in ("mkdocs.yml", "docs", "tuner_langchain"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)

    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    reference = (tmp_path / "site" / "reference" / "api" / "index.html").read_text(encoding="utf-8")
    assert "Add or replace facts about the call while it goes on" in reference
    assert [name for name in _public_members(TunerCallbackHandler) if f">{name}<" not in reference] == []
    assert [name for name in _public_members(Timeline) if f">{name}<" not in reference] == []


def _public_members(cls: type) -> list[str]:
    """Return the names of what a class of ours has, without LangChain's callbacks and switches."""
    own = [base for base in cls.__mro__ if base.__module__.startswith("tuner_langchain")]
    names = {
        name
        for base in own
        for name, member in vars(base).items()
        if callable(member) or _is_property(member)
    }
    return sorted(name for name in names if not name.startswith(("_", "on_")))


def _is_property(member: object) -> bool:
    return isinstance(member, property | functools.cached_property)


def test_every_page_is_in_the_navigation() -> None:
    """No page can be written and never found; none is named that is not there."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r": ([\w/-]+\.md)$", navigation, re.MULTILINE)
    pages = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]

    assert sorted(named) == sorted(pages)


def test_the_design_page_has_every_module() -> None:
    """The table of the layout names each module and package at the top, and none that is not there."""
    layout = (
        (ROOT / "docs" / "design.md")
        .read_text(encoding="utf-8")
        .partition("## Layout")[2]
        .partition("\n## ")[0]
    )
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", layout, re.MULTILINE))))
    package = ROOT / "tuner_langchain"
    there = {
        path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert named == {name for name in there if not name.startswith("_")}


def test_docstrings_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """Every public docstring is well formed: its arguments are the function's, its sections are sections."""
    griffe = pytest.importorskip(
        "griffe", reason="the docs' builder is not installed (dependency group `docs`)"
    )
    package = griffe.load("tuner_langchain", search_paths=[str(ROOT)], docstring_parser="google")
    with caplog.at_level(logging.WARNING):
        for thing in _public(package):
            if thing.docstring is not None:
                thing.docstring.parse("google")

    assert [record.getMessage() for record in caplog.records] == []


def _public(thing: Any) -> Iterator[Any]:
    yield thing
    for name, member in thing.members.items():
        if not member.is_alias and not (name.startswith("_") and name != "__init__"):
            yield from _public(member)
