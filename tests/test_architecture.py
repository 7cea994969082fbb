"""The plan of the house: who may import whom, who owns which library, and what an import does not do."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tuner_langchain

PACKAGE = "tuner_langchain"
ROOT = Path(tuner_langchain.__file__).parent

# From the bottom up: a room imports from rooms above it in this list only. A room is a module or a folder.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"collector", "errors", "escaping", "segments", "values"}),
    frozenset({"settings"}),
    frozenset({"capture", "config", "masking", "messages", "outcome", "prices"}),
    frozenset({"arguments", "checks", "conformance", "cost", "facts", "redact", "runs", "shrinking"}),
    frozenset({"redaction"}),
    frozenset({"langgraph", "notices", "release", "spoken"}),
    frozenset({"callbacks", "timeline"}),
    frozenset({"ahead", "call"}),
    frozenset({"delivery"}),
    frozenset({"finalizer"}),
    frozenset({"unfinished"}),
    frozenset({"handler"}),
    frozenset({"demo", "testing", "view"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)

# The one place that knows a library; a folder's name stands for all in it.
OWNERS: dict[str, frozenset[str]] = {
    "httpx": frozenset({"delivery.client"}),
    "httpcore": frozenset({"delivery.client", "delivery.network"}),
    "langchain_core": frozenset({"callbacks.recorder", "messages", "demo", "testing"}),
    "langgraph": frozenset({"callbacks.recorder", "langgraph", "demo", "testing"}),
    "langchain": frozenset({"demo"}),
    "starlette": frozenset({"testing.local_tuner"}),
    "uvicorn": frozenset({"testing.local_tuner"}),
    "python_multipart": frozenset({"testing.local_tuner"}),
    "anyio": frozenset({"testing.local_tuner"}),
    "pydantic": frozenset({"testing", "demo"}),
    "pytest": frozenset({"testing.pytest_plugin"}),
    "rich": frozenset({"view.terminal", "cli"}),
    "genai_prices": frozenset({"prices"}),
}

# Bytes of JSON are made where the values are frozen and where the document is: orjson has no single owner.
SHARED = {"orjson"}

# Reading the environment is a setting's business; a command that runs another hands its environment on.
ENVIRONMENT_READERS = {"config", "cli.serve"}


def _modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = _modules()


def statements(module: ast.Module, *, at_run_time: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module: all of them, or those that happen when it is imported."""
    todo: list[ast.AST] = [module]
    while todo:
        part = todo.pop()
        if isinstance(part, ast.Import | ast.ImportFrom):
            yield part
        elif at_run_time and isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif at_run_time and isinstance(part, ast.If) and ast.unparse(part.test) == "TYPE_CHECKING":
            todo.extend(part.orelse)
        else:
            todo.extend(ast.iter_child_nodes(part))


def targets(statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield what a statement imports, as full module names."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    assert statement.level == 0, "the house imports by full names"
    origin = statement.module or ""
    for alias in statement.names:
        submodule = f"{origin}.{alias.name}"
        is_module = submodule.removeprefix(f"{PACKAGE}.") in MODULES and submodule.startswith(f"{PACKAGE}.")
        yield submodule if is_module else origin


def imported(name: str, *, at_run_time: bool) -> set[str]:
    found = statements(MODULES[name], at_run_time=at_run_time)
    return {target for statement in found for target in targets(statement)}


def room(name: str) -> str:
    return name.partition(".")[0]


def inner(names: set[str]) -> set[str]:
    """Return the modules of ours among the names, without the package's own name."""
    return {name.removeprefix(f"{PACKAGE}.") for name in names if name.startswith(f"{PACKAGE}.")}


def test_every_room_has_its_floor() -> None:
    """A new module says where it belongs; a floor without its room is taken off the list."""
    listed = {name for floor in FLOORS for name in floor}

    assert {room(name) for name in MODULES} - {""} == listed


def test_imports_go_down() -> None:
    """A module imports from its own room and from lower floors, never up or across."""
    floor_of = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        for other in sorted(inner(imported(name, at_run_time=True)))
        if name and room(name) != room(other) and floor_of.get(room(name), 0) <= floor_of.get(room(other), 99)
    ]

    assert wrong == []


def test_no_import_cycles() -> None:
    """Inside a room too, modules stand in an order."""
    graph = {name: inner(imported(name, at_run_time=True)) - {name} for name in MODULES}

    graphlib.TopologicalSorter(graph).prepare()


def test_nothing_imports_the_package_root() -> None:
    """What a module needs it takes from where that is; only the command line asks the root for its version."""
    importers = {name for name in MODULES if PACKAGE in imported(name, at_run_time=False)}

    assert importers <= {"cli"}


def test_each_library_has_its_owner() -> None:
    """An outside library is known in its one place, counting imports that wait inside functions."""
    wrong = []
    for name in MODULES:
        for library in {target.partition(".")[0] for target in imported(name, at_run_time=False)}:
            if library in sys.stdlib_module_names or library == PACKAGE or library in SHARED:
                continue
            owners = OWNERS.get(library, frozenset())
            if not any(name == owner or name.startswith(f"{owner}.") for owner in owners):
                wrong.append(f"{name} imports {library}")

    assert wrong == []


def test_the_environment_is_read_in_one_place() -> None:
    """`os.environ` and `os.getenv` are named where the settings are, and nowhere else."""
    readers = {
        name
        for name, module in MODULES.items()
        for part in ast.walk(module)
        if (isinstance(part, ast.Attribute) and part.attr in ("environ", "environb", "getenv"))
        or (isinstance(part, ast.alias) and part.name in ("environ", "environb", "getenv"))
    }

    assert readers <= ENVIRONMENT_READERS


def test_the_public_names() -> None:
    """`__all__` is the public surface: sorted, importable, documented, and all that the package shows."""
    assert sorted(tuner_langchain.__all__) == tuner_langchain.__all__
    for name in tuner_langchain.__all__:
        value = getattr(tuner_langchain, name)
        assert name == "__version__" or value.__doc__, f"{name} has no docstring"
    assert sorted(dir(tuner_langchain)) == tuner_langchain.__all__
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tuner_langchain.no_such_name


def test_type_checkers_see_the_same_names() -> None:
    """The names a type checker reads from the package are those it has at run time."""
    for_checkers = {
        alias.asname or alias.name
        for part in MODULES[""].body
        if isinstance(part, ast.If) and ast.unparse(part.test) == "TYPE_CHECKING"
        for statement in part.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }

    assert for_checkers | {"__version__"} == set(tuner_langchain.__all__)


def test_the_version_is_said_once() -> None:
    """The version is the installed package's."""
    from importlib.metadata import version

    assert tuner_langchain.__version__ == version("tuner-langchain")


IMPORT = """
import os, sys, threading

reads = []

class Watched(type(os.environ)):
    def __getitem__(self, name):
        frame = sys._getframe(1)
        while frame.f_globals.get("__name__") in ("os", "collections.abc"):
            frame = frame.f_back
        if frame.f_globals.get("__name__", "").startswith("tuner_langchain"):
            reads.append((frame.f_globals["__name__"], name))
        return super().__getitem__(name)

os.environ.__class__ = Watched
{statement}
print("modules", *sorted({"httpx", "httpcore", "starlette", "uvicorn", "rich", "langgraph"} & set(sys.modules)))
print("reads", *reads)
print("threads", threading.active_count())
"""


def fresh(statement: str) -> dict[str, str]:
    """Run a statement in a fresh interpreter; return what it loaded, read and started."""
    code = IMPORT.replace("{statement}", statement)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(line.partition(" ")[::2] for line in ran.stdout.splitlines())


def test_the_watch_sees_a_read() -> None:
    """The check of the next tests can fail: a read by our settings is seen."""
    seen = fresh("from tuner_langchain import TunerConfig\ntry: TunerConfig()\nexcept ValueError: pass")

    assert "('tuner_langchain.config', 'TUNER_API_KEY')" in seen["reads"]


def test_importing_the_package_does_nothing() -> None:
    """`import tuner_langchain` loads no HTTP client, server or LangGraph, starts no thread, reads no variable."""
    assert fresh("import tuner_langchain") == {"modules": "", "reads": "", "threads": "1"}


@pytest.mark.parametrize("name", sorted(set(tuner_langchain.__all__) - {"__version__"}))
def test_using_a_name_starts_nothing(name: str) -> None:
    """Taking any public name starts no thread, reads no variable, and loads no server and no terminal."""
    seen = fresh(f"from tuner_langchain import {name}")

    assert (seen["reads"], seen["threads"]) == ("", "1")
    assert not {"starlette", "uvicorn", "rich"} & set(seen["modules"].split())


# What `from tuner_langchain import TunerCallbackHandler` may load of ours, and what it leaves to whoever needs it.
MOST_MODULES = 96
LEFT_FOR_LATER = (
    "delivery.client", "delivery.events", "delivery.flush", "delivery.recording", "delivery.sender", "delivery.stats",
    "delivery.upkeep", "delivery.upload", "delivery.verdict", "facts", "masking.text", "masking.values", "prices",
    "redact", "timeline.timeline",
)  # fmt: skip
LOADED = """
import langgraph.graph, sys
before = set(sys.modules)
from tuner_langchain import TunerCallbackHandler
print(*sorted(set(sys.modules) - before))
"""


def test_the_handler_brings_little_along() -> None:
    """To a program with LangGraph the handler brings our own modules alone, and of them no more than a call needs."""
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    ours = {name for name in loaded if room(name) == PACKAGE}

    assert loaded - ours <= {"gc"}
    assert not inner(ours) & set(LEFT_FOR_LATER)
    assert set(LEFT_FOR_LATER) <= set(MODULES)
    assert len(ours) <= MOST_MODULES
