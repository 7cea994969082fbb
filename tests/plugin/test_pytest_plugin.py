"""The plugin as users meet it: pytest run on small test files, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tuner_langchain.testing.pytest_plugin import file_name

if TYPE_CHECKING:
    from pathlib import Path

GRAPH = '''
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph

@tool
def find_table(people: int) -> str:
    """Find a table."""
    return "19:30"

def route(state):
    return "booking" if "table" in state["messages"][-1].text else "fallback"

def booking(state):
    return {"messages": [AIMessage(f"{find_table.invoke({'people': 2})} is free.")]}

def build():
    graph = StateGraph(MessagesState)
    graph.add_node("triage", lambda state: None)
    graph.add_node("booking", booking)
    graph.add_node("fallback", lambda state: {"messages": [AIMessage("Pardon?")]})
    graph.add_edge(START, "triage")
    graph.add_conditional_edges("triage", route)
    return graph.compile()

def say(call, words):
    build().invoke({"messages": [("user", words)]}, {"callbacks": [call]})
'''


@pytest.fixture(autouse=True)
def _project(pytester: pytest.Pytester) -> None:
    """Put the agent under test beside the test files."""
    pytester.makepyfile(agent=GRAPH)
    pytester.makeini("[pytest]\naddopts = -p no:langsmith_plugin --strict-markers")
    pytester.syspathinsert()


def test_tuner_call_records_the_test(pytester: pytest.Pytester) -> None:
    """The fixture is a handler; what the graph did can be asked, and a passing test says nothing of it."""
    pytester.makepyfile("""
        from agent import say

        def test_booking(tuner_call):
            say(tuner_call, "A table for two?")
            assert tuner_call.timeline.path() == "triage -> booking"
            assert tuner_call.timeline.tool("find_table").params == {"people": 2}
    """)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*tuner call*")


def test_a_failing_test_shows_its_call(pytester: pytest.Pytester) -> None:
    """The report has the first difference of the path, and the whole call in a section of its own."""
    pytester.makepyfile("""
        from agent import say

        def test_booking(tuner_call):
            say(tuner_call, "Good evening")
            assert tuner_call.timeline.path() == "triage -> booking"
    """)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "*step 2: expected `booking` after `triage`, got `fallback`*",
        "*- triage -> booking*",
        "*+ triage -> fallback*",
        "*tuner call *",
        "*Good evening*",
        "*fallback*",
        "*Pardon?*",
    ])  # fmt: skip


def test_a_call_that_no_callback_reached(pytester: pytest.Pytester) -> None:
    """Who forgot to pass the handler reads just that, in the assertion and in the report."""
    pytester.makepyfile("""
        from agent import build

        def test_path(tuner_call):
            build().invoke({"messages": [("user", "A table?")]})
            assert tuner_call.timeline.path() == "triage -> booking"

        def test_outline(tuner_call):
            assert "user: A table?" == tuner_call.timeline.outline()

        def test_tool(tuner_call):
            assert tuner_call.timeline.tool("find_table")
    """)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=3)
    result.stdout.no_fnmatch_line("*got the end*")
    said = "no callback reached tuner_call: pass it to the graph or chain as config={'callbacks': [[]tuner_call[]]}"
    result.stdout.fnmatch_lines([
        "E  *" + said, "*tuner call *", said,
        "E  *" + said, "*tuner call *", said,
        "*tuner call *", said,
    ])  # fmt: skip


def test_a_path_that_is_too_short(pytester: pytest.Pytester) -> None:
    """A call that was recorded is compared as ever: another graph's empty path is not blamed on the callbacks."""
    pytester.makepyfile("""
        from agent import say

        def test_path(tuner_call):
            say(tuner_call, "A table?")
            assert tuner_call.timeline.path("billing") == "pay"
    """)

    result = pytester.runpytest_subprocess()

    result.stdout.no_fnmatch_line("*no callback reached*")
    result.stdout.fnmatch_lines(["*step 1: expected `pay`, got the end*"])


def test_outlines_are_compared_row_by_row(pytester: pytest.Pytester) -> None:
    """A wrong snapshot is told at the row where the call left it."""
    pytester.makepyfile("""
        from agent import say

        def test_outline(tuner_call):
            say(tuner_call, "A table?")
            assert tuner_call.timeline.outline() == "user: A table?\\nnode: greeting from __start__"
    """)

    result = pytester.runpytest_subprocess()

    result.stdout.fnmatch_lines(["*row 2: expected node `greeting` from `__start__`, got node `triage`*"])


def test_the_call_is_finalised_when_the_test_ends(pytester: pytest.Pytester) -> None:
    """Nobody has to; a test that finalised it itself is no trouble."""
    pytester.makepyfile("""
        import pytest
        from agent import say

        kept = []

        @pytest.fixture
        def kept_call(tuner_call):
            kept.append(tuner_call)
            return tuner_call

        def test_left_open(kept_call):
            say(kept_call, "A table?")

        def test_closed(tuner_call):
            assert kept[0].finalized
            say(tuner_call, "A table?")
            tuner_call.finalize(call_successful=True)
            assert tuner_call.document["call_successful"] is True
    """)

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_facts_and_a_clock(pytester: pytest.Pytester) -> None:
    """What `record` takes comes with the marker, the nearest marker wins; the clock is a fixture."""
    pytester.makepyfile("""
        import pytest
        from agent import say
        from tuner_langchain.testing import ManualClock

        @pytest.fixture
        def tuner_clock():
            return ManualClock()

        pytestmark = pytest.mark.tuner_call(call_type="web_call", caller_phone_number="+15550100")

        @pytest.mark.tuner_call(call_type="phone_call")
        def test_booking(tuner_call):
            say(tuner_call, "A table?")
            document = tuner_call.document
            assert (document["call_type"], document["caller_phone_number"]) == ("phone_call", "+15550100")
            assert tuner_call.timeline.nodes[0].start_ms == 0
    """)

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_local_tuner_receives_calls(pytester: pytest.Pytester) -> None:
    """A real local Tuner for one test: calls go through delivery, are at hand, and are shown."""
    pytester.makepyfile("""
        from agent import say
        from tuner_langchain import TunerCallbackHandler

        def test_sent(local_tuner):
            with TunerCallbackHandler(config=local_tuner.config(), call_id="call-1") as call:
                say(call, "A table?")
            assert call.receipt.wait(timeout=20).state == "delivered"
            assert [call["call_id"] for call in local_tuner.calls()] == ["call-1"]
            assert local_tuner.calls() == []
    """)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert *== []*", "*tuner call call-1*", "*A table?*"])


def test_html_pages(pytester: pytest.Pytester) -> None:
    """Each test that recorded a call has one page, passed or failed; the words of the call are in it."""
    pytester.makepyfile(
        test_pages="""
        import pytest
        from agent import say

        @pytest.mark.parametrize("words", ["A table?", "Hm/../?"])
        def test_booking(tuner_call, words):
            say(tuner_call, words)
            assert words == "A table?"

        def test_without():
            pass
    """
    )

    pytester.runpytest_subprocess("--tuner-html", "pages/of/calls").assert_outcomes(passed=2, failed=1)

    pages = sorted((pytester.path / "pages" / "of" / "calls").iterdir())
    assert [page.name for page in pages] == [
        "test_pages-test_booking[A-table-].html",
        "test_pages-test_booking[Hm-..-].html",
    ]
    assert "A table?" in pages[0].read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_said(pytester: pytest.Pytester) -> None:
    """Trouble with a page fails no test and ends no run; a failing test's report says what it was."""
    pytester.makepyfile("""
        from agent import say

        def test_passes(tuner_call):
            say(tuner_call, "A table?")

        def test_fails(tuner_call):
            say(tuner_call, "A table?")
            assert False
    """)
    (pytester.path / "taken").write_text("a file", encoding="utf-8")

    result = pytester.runpytest_subprocess("--tuner-html", "taken")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*It could not be shown: FileExistsError*"])


def test_without_the_option_nothing_is_written(pytester: pytest.Pytester) -> None:
    """No page, no directory."""
    pytester.makepyfile("""
        from agent import say

        def test_booking(tuner_call):
            say(tuner_call, "A table?")
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)

    assert list(pytester.path.rglob("*.html")) == []


def test_a_plugin_nobody_asked_for_costs_nothing(pytester: pytest.Pytester) -> None:
    """It is loaded, and neither LangGraph, LangChain, an HTTP client nor a server is."""
    pytester.makepyfile("""
        import sys

        def test_other(request):
            assert request.config.pluginmanager.has_plugin("tuner-langchain")
            heavy = {"langgraph", "langchain_core", "httpx", "starlette", "uvicorn", "pydantic", "orjson"}
            assert heavy.isdisjoint(sys.modules)
    """)

    pytester.runpytest_subprocess("-p", "no:anyio", "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_importing_the_plugin_imports_pytest_only() -> None:
    """The module's own imports are the standard library's and pytest's."""
    code = (
        "import sys, pytest; before = set(sys.modules); import tuner_langchain.testing.pytest_plugin; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert out.strip() == "['tuner_langchain']"


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("tests/test_agent.py::test_booking", "tests-test_agent-test_booking"),
        ("test_a.py::TestX::test_y[a b/../c]", "test_a-TestX-test_y[a-b-..-c]"),
        ("test_a.py::test_y[\u00fc" + "x" * 300 + "]", "x" * 149 + "]"),
    ],
)
def test_file_names(test: str, name: str, tmp_path: Path) -> None:
    """A test's id becomes one plain file name that stays where it belongs."""
    assert file_name(test) == name
    assert (tmp_path / f"{file_name(test)}.html").parent == tmp_path
