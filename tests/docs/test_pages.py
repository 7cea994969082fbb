"""What the pages say is true: their code runs, their commands exist, their links lead somewhere."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib.util
import inspect
import json
import shlex
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from docs.pages import PAGES, ROOT, Block, commands, read
from tuner_langchain.cli import build_parser
from tuner_langchain.testing import LocalTuner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LANGUAGES = {"python", "bash", "console", "json", "toml", "yaml", "text", "ini"}
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
# What the README's reader has: a graph, and the caller's words.
READMES_OWN = """
from tuner_langchain.demo import restaurant, script
graph = restaurant.build_graph(script.classifier(), script.booking_model()).with_config(
    configurable={"thread_id": "readme"}
)
caller = script.CALLER
"""


@pytest.fixture
def tuner() -> Iterator[LocalTuner]:
    with LocalTuner() as tuner:
        yield tuner


@pytest.fixture
def reader(tuner: LocalTuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's machine: an account in the environment, and a directory of their own."""
    for name, value in {**tuner.environment, "TUNER_OUTBOX_DIR": str(tmp_path / "outbox")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("default::DeprecationWarning")  # of the packages that a page uses
@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_python_runs(path: Path, reader: Path) -> None:
    """Every Python block of a page runs, in order, as one program."""
    page = read(path)
    blocks = [block for block in page.blocks if block.language == "python" and not block.skip]
    missing = [module for module in page.needs if not _installed(module)]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    namespace: dict[str, Any] = {"__name__": "docs_page"}
    if path.name == "README.md":
        exec(READMES_OWN, namespace)
    for block in blocks:
        _run(block, namespace)


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _run(block: Block, namespace: dict[str, Any]) -> None:
    """Run a block where a traceback shows its place on the page; `await` works as in a notebook."""
    source = "\n" * (block.line - 1) + block.code
    code = compile(source, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(code, namespace)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_other_blocks_are_what_they_say(path: Path) -> None:
    """Each block names a known language, JSON and TOML can be read, and a skipped block says why."""
    for block in read(path).blocks:
        assert block.language in LANGUAGES, f"{block.place}: a block of {block.language or 'no language'}"
        if block.language == "json" and not block.skip:
            json.loads(block.code)
        if block.language == "toml" and not block.skip:
            tomllib.loads(block.code)


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_commands_exist(path: Path) -> None:
    """Every `tuner-langchain` command on a page is one that the command line takes, with its options."""
    for block in read(path).blocks:
        if block.language not in ("bash", "console") or block.skip:
            continue
        for command in commands(block):
            _parse(command, block.place)


def _parse(command: str, place: str) -> None:
    words = shlex.split(command.partition("|")[0], comments=True)
    at = next((at for at, word in enumerate(words) if word.endswith("tuner-langchain")), None)
    if at is None or words[:at][-1:] == ["install"]:
        return
    given = [word for word in words[at + 1 :] if word not in ("&", "&&")]
    with contextlib.suppress(SystemExit):
        build_parser().parse_args(given)
        return
    if given[-1:] != ["--help"]:
        pytest.fail(f"{place}: {command}")
