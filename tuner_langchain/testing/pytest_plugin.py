"""pytest fixtures for agents: `tuner_call` records a call, `local_tuner` receives calls.

pytest finds the plugin where tuner-langchain is installed, and it does nothing until one of its fixtures is
used: before that it imports nothing but pytest. When a test that used one fails, its calls are in the report;
`--tuner-html DIR` writes one page for each such test, passed or failed.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tuner_langchain.testing import LocalTuner, RecordingHandler
    from tuner_langchain.timeline import Timeline

# What gives the timelines of a test's calls, for each fixture the test used.
SOURCES = pytest.StashKey["list[Callable[[], list[Timeline]]]"]()
# The handlers of the test that runs, for the message of an assertion that fails in it.
HANDLERS = pytest.StashKey["list[RecordingHandler]"]()
NO_CALLBACK = (
    "no callback reached tuner_call: pass it to the graph or chain as config={'callbacks': [tuner_call]}"
)
MARKER = "tuner_call(**options): what `tuner_langchain.testing.record` takes, for the fixture `tuner_call`"
NAME_LIMIT = 150


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--tuner-html`."""
    group = parser.getgroup("tuner-langchain")
    told = "write a page with the calls of each test that uses tuner_call or local_tuner"
    group.addoption("--tuner-html", metavar="DIR", type=Path, help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def tuner_clock() -> Callable[[], int]:
    """The clock of `tuner_call`: the real one. Override it with a `ManualClock` where a test holds the time."""
    return time.monotonic_ns


@pytest.fixture
def tuner_call(request: pytest.FixtureRequest, tuner_clock: Callable[[], int]) -> Iterator[RecordingHandler]:
    """A handler that records the test's call: pass it in `callbacks`, then ask its `timeline`.

    It needs no account, environment or network, and is finalised when the test ends. Facts or a `Capture` come
    with the marker, `@pytest.mark.tuner_call(call_type="phone_call")`; its clock is the fixture `tuner_clock`.
    """
    from tuner_langchain.testing import record

    options: dict[str, Any] = {"clock": tuner_clock}
    for marker in reversed(list(request.node.iter_markers("tuner_call"))):
        options |= marker.kwargs
    handler = record(**options)
    _sources(request.node).append(lambda: [handler.timeline])
    handlers = request.config.stash.setdefault(HANDLERS, [])
    handlers.append(handler)
    yield handler
    handlers.remove(handler)
    handler.finalize()


@pytest.fixture
def local_tuner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalTuner]:
    """A Tuner on this machine for one test: `config()` sends calls to it, `calls()` has what came."""
    from tuner_langchain.testing import LocalTuner
    from tuner_langchain.timeline import Timeline

    with LocalTuner(tmp_path / "local_tuner") as tuner:
        _sources(request.node).append(lambda: [Timeline(document) for document in tuner.calls()])
        yield tuner


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the outline of a failed test's calls to its report, and write its page when asked to."""
    report = yield
    if call.when != "call" or SOURCES not in item.stash:
        return report
    directory = item.config.getoption("--tuner-html")
    try:
        timelines = [timeline for source in item.stash[SOURCES] for timeline in source()]
        if report.failed:
            report.sections += [
                (f"tuner call {timeline.call_id}", str(timeline) if timeline.segments else NO_CALLBACK)
                for timeline in timelines
            ]
        if directory is not None:
            _write_pages(directory, item.nodeid, timelines)
    except Exception as error:  # noqa: BLE001 - a call that cannot be shown must not end the whole test run
        report.sections.append(("tuner call", f"It could not be shown: {type(error).__name__}: {error}"))
    return report


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Point at the first difference of two outlines or paths; an empty one may have a simpler cause."""
    if op != "==" or "tuner_langchain.timeline" not in sys.modules:  # then neither side can be ours
        return None
    from tuner_langchain.timeline.difference import explain

    lines = explain(left, right)
    if lines and "" in (left, right) and _reached_by_nothing(config):
        return [NO_CALLBACK, *lines[1:]]
    return lines or None


def _reached_by_nothing(config: pytest.Config) -> bool:
    """Say whether the test that runs has a `tuner_call` that saw nothing."""
    return any(not handler.timeline.segments for handler in config.stash.get(HANDLERS, []))


def _sources(item: pytest.Item) -> list[Callable[[], list[Timeline]]]:
    return item.stash.setdefault(SOURCES, [])


def _write_pages(directory: Path, test: str, timelines: list[Timeline]) -> None:
    """Write a page for each call of a test: `test_booking.html`, then `test_booking-2.html`."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, timeline in enumerate(timelines, 1):
        name = file_name(test) + (f"-{number}" if number > 1 else "")
        (directory / f"{name}.html").write_text(timeline.to_html(), encoding="utf-8")


def file_name(test: str) -> str:
    """Return a test's id as a file's name: letters, digits, dots, dashes and underscores, not too long."""
    plain = re.sub(r"[^\w.\[\]-]+", "-", test.replace(".py::", "-").replace("::", "-"), flags=re.ASCII)
    return plain.strip("-.")[-NAME_LIMIT:] or "test"
