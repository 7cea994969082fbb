"""What the pages say is true: their code runs, their commands run and print what is shown."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import inspect
import json
import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from docs.pages import PAGES, ROOT, SHELLS, Block, Command, Rule, commands, read
from docs.reader import READMES_OWN, settle
from docs.terminal import Terminal, missing
from tuner_langchain.cli import build_parser
from tuner_langchain.cli.serve import DEFAULT_PORT
from tuner_langchain.testing import LocalTuner, validate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LANGUAGES = {"python", "bash", "console", "json", "toml", "text"}
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
BLOCKS = [block for path in PAGES for block in read(path).blocks]
COMMANDS = [command for block in BLOCKS if block.language in SHELLS for command in commands(block)]
RULES = [rule for block in BLOCKS for rule in block.rules]


@pytest.fixture
def tuner() -> Iterator[LocalTuner]:
    with LocalTuner() as tuner:
        yield tuner


@pytest.fixture
def reader(tuner: LocalTuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's machine: an account in the environment, and a directory of their own."""
    settings = {"TUNER_OUTBOX_DIR": str(tmp_path / "outbox"), "XDG_STATE_HOME": str(tmp_path / "state")}
    for name, value in {**tuner.environment, **settings}.items():
        monkeypatch.setenv(name, value)
    directory = tmp_path / "reader"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.mark.timeout(240)  # a page may have a dozen commands
@pytest.mark.filterwarnings("default::DeprecationWarning")  # of the packages that a page uses
@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_blocks_run(
    path: Path, reader: Path, tuner: LocalTuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page's blocks run in order: its Python as one program, its commands in one terminal."""
    page = read(path)
    lacking = [module for module in page.needs if not _installed(module)]
    namespace: dict[str, Any] = {"__name__": "docs_page"}
    if path.name == "README.md":
        exec(READMES_OWN, namespace)
    if any(block.language in SHELLS for block in page.blocks):
        settle(reader, tuner, tmp_path / "outbox")
        monkeypatch.setenv("CLONE", str(ROOT))
    with Terminal(reader) as terminal:
        for block in page.blocks:
            if not block.skipped and not (lacking and block.language == "python"):
                _run(block, namespace, terminal)
    if lacking:
        pytest.skip(f"{lacking[0]} is not installed")


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _run(block: Block, namespace: dict[str, Any], terminal: Terminal) -> None:
    if block.printed_by:
        status, printed = terminal.run(block.printed_by)
        assert status == 0, f"{block.place}: what prints it ended with {status}:\n{printed}"
        difference = missing(block.code, printed)
        assert not difference, f"{block.place}: the page shows something else:\n{difference}"
    elif block.title:
        (terminal.directory / block.title).write_text(block.code)
    elif block.language == "python":
        _run_python(block, namespace)
    elif block.language in SHELLS:
        terminal.run_block(block)


def _run_python(block: Block, namespace: dict[str, Any]) -> None:
    """Run a block where a traceback shows its place on the page; `await` works as in a notebook."""
    source = "\n" * (block.line - 1) + block.code
    code = compile(source, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(code, namespace)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_every_block_is_checked(block: Block) -> None:
    """Each block names a language that is run or read, or a note says what else is to be done with it."""
    assert block.language in LANGUAGES, f"{block.place}: a block of {block.language or 'no language'}"
    if block.skipped:
        return
    if block.language == "json":
        document = json.loads(block.code)
        if "transcript_with_tool_calls" in document:
            assert validate(document) == []
    elif block.language == "toml":
        tomllib.loads(block.code)
    elif block.language == "text":
        assert block.printed_by, (
            f"{block.place}: a note has to say what prints this text, or why nothing does"
        )
    elif block.language in SHELLS:
        assert commands(block), f"{block.place}: a shell block without a command"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.place} {rule.line}".strip())
def test_exemptions(rule: Rule) -> None:
    """What the pages do not run as it stands is skipped here with its reason, so that the reason is read.

    A reason that names a file of the repository has to be true of it: a line that another script is said to run is
    in that script.
    """
    for name in re.findall(r"(?:\.ci|tests|docs)/[\w/.]*\w", rule.why):
        assert (ROOT / name).is_file(), f"{rule.place}: there is no {name}"
        if rule.line and rule.skips:
            text = (ROOT / name).read_text(encoding="utf-8")
            assert rule.line in text, f"{rule.place}: {name} does not run `{rule.line}`"
    if rule.skips or not rule.without:
        pytest.skip(f"{rule.place}: {rule.line or 'the block'}: {rule.why}")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.place} {command.line[:40]}")
def test_commands_exist(command: Command) -> None:
    """What a command names is there, also where it is not run: options of ours, extras and groups of the project."""
    for words in _simple_commands(command.line):
        name = words[0].rpartition("/")[2]
        if name == "tuner-langchain":
            build_parser().parse_args(words[1:])
        if name == "pip" and words[1] == "install":
            _check_install(words[2:], command.place)


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each command in a line, without what it is redirected to."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&"):
            if words:
                yield words
            words = []
        else:
            words.append(word)


def _check_install(words: list[str], place: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    for before, word in zip(["", *words], words, strict=False):
        if before == "--group":
            assert word in groups, f"{place}: there is no group {word}"
        elif named := re.fullmatch(r"(?:tuner-langchain|\.)\[([\w,-]+)\](?:>=[\d.]+)?", word):
            assert set(named[1].split(",")) <= set(extras), (
                f"{place}: {word} names an extra that is not there"
            )


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_addresses_are_the_usual_one(path: Path) -> None:
    """An address of a local Tuner on a page is the one that `serve` takes when nothing is said."""
    ports = re.findall(r"http://127\.0\.0\.1:(\d+)", path.read_text(encoding="utf-8"))
    assert set(ports) <= {str(DEFAULT_PORT)}


def test_inline_commands_exist() -> None:
    """A command within a sentence is one that the command line takes, too, perhaps with the name of something."""
    for path in PAGES:
        for line in re.findall(r"`tuner-langchain ([a-z][^`\n]*)`", path.read_text(encoding="utf-8")):
            words = shlex.split(line)
            assert _parses(words) or _parses([*words, "what"]), f"{path}: tuner-langchain {line}"


def _parses(words: list[str]) -> bool:
    try:
        build_parser().parse_args(words)
    except SystemExit as end:
        return end.code == 0
    return True
