"""Nothing public is missing from the reference."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langgraph.graph import START, MessagesState, StateGraph
from scripted import ScriptedModel, call
from testing.test_replay import demo, handed_over, map_reduce, paused, raising, streaming

import tuner_langchain
import tuner_langchain.testing
from docs.pages import ROOT
from tuner_langchain import CallFacts, Capture, Timeline, TunerConfig
from tuner_langchain.cli import build_parser
from tuner_langchain.delivery.outbox import FOLDERS
from tuner_langchain.settings import VARIABLES
from tuner_langchain.testing import record

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", tuner_langchain.__all__)
def test_public_names(name: str) -> None:
    """Every name of the package is on the API's page."""
    assert re.search(
        rf"(::: tuner_langchain\.{name}\b|`tuner_langchain\.{name}`|[\[ ]{name}[,\]])", page("api")
    ), name


@pytest.mark.parametrize("name", tuner_langchain.testing.__all__)
def test_public_names_for_tests(name: str) -> None:
    """Every name for tests is on the page of testing."""
    assert f"::: tuner_langchain.testing.{name}\n" in page("testing")


@pytest.mark.parametrize("name", ["tuner_call", "tuner_clock", "local_tuner", "--tuner-html"])
def test_the_plugin(name: str) -> None:
    """The fixtures and the option of the pytest plugin are on the page of testing."""
    assert name in page("testing")


@pytest.mark.parametrize("name", [*inspect.signature(TunerConfig).parameters])
def test_settings(name: str) -> None:
    """Every setting has a row in the table of settings."""
    assert re.search(rf"^\| `{name}` \|", page("settings"), re.MULTILINE)


def test_variables() -> None:
    """Every variable of the environment that the package reads is in the table, and no other."""
    documented = dict(re.findall(r"^\| `(\w+)` \| `([A-Z_]+)` \|", page("settings"), re.MULTILINE))

    assert documented == VARIABLES


@pytest.mark.parametrize("name", CallFacts.__annotations__)
def test_call_facts(name: str) -> None:
    """Every fact that can be given has a row in the table of facts."""
    facts = page("document").partition("## Facts you can give")[2].partition("\n## ")[0]

    assert f"`{name}`" in facts


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Capture)])
def test_capture_says_what_each_switch_does(field: str) -> None:
    """Each switch is explained where the reference takes it from."""
    assert f"    {field}: " in inspect.getdoc(Capture).replace("\n", "\n    ")  # type: ignore[union-attr]


def everything(config: dict[str, Any], _: Any) -> None:
    """A model and a retriever in a node, a custom event, in one turn and outside of nodes."""

    class Menus(BaseRetriever):
        def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
            return [Document("Soup", metadata={"source": "menu"})]

    model = ScriptedModel(call("invented", "call_1"), "The soup is fresh.")

    def answer(state: Any) -> Any:
        dispatch_custom_event("looked", {"at": "menu"})
        Menus().invoke("soup")
        return {"messages": [model.invoke(state["messages"]), AIMessage("The soup is fresh.")]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    graph.compile().invoke({"messages": [("system", "Be brief."), ("user", "Soup?")]}, config)


def recursion(config: dict[str, Any], _: Any) -> None:
    """An error that has no node."""
    graph: Any = StateGraph(MessagesState)
    graph.add_node("again", lambda state: None)
    graph.add_edge(START, "again")
    graph.add_edge("again", "again")
    with pytest.raises(RecursionError):
        graph.compile().invoke({"messages": [("user", "Hm")]}, {**config, "recursion_limit": 3})


@pytest.fixture(scope="module")
def calls() -> list[Timeline]:
    """Calls that use everything the timeline can say."""
    found = []
    for program in (demo, map_reduce, paused, handed_over, raising, streaming, everything, recursion):
        handler = record(capture=Capture(node_inputs=True, node_outputs=True, system_prompts=True))
        handler.raise_error = True
        program({"callbacks": [handler, handler]}, handler)
        found.append(handler.timeline)
    return found


def test_every_field_that_is_written(calls: list[Timeline]) -> None:
    """Every field of the document, its rows and their metadata, that calls really have, is on its page."""
    reference = page("document")
    written = {path for timeline in calls for path in _fields(timeline.document)}
    told = set(re.findall(r"`([\w.]+)`", reference))
    words = told | {path.partition(".")[0] for path in told}

    assert {"metadata.errors", "metadata.llm_usage", "row.metadata.interrupt", "row.metadata.llm"} <= written
    missing = {path for path in written if path.removeprefix("row.").rpartition(".")[2] not in words
               and path.removeprefix("row.") not in words}  # fmt: skip
    assert missing == set()


def _fields(document: dict[str, Any]) -> Iterator[str]:
    yield from document
    yield from (f"metadata.{name}" for name in document["metadata"])
    for row in document["transcript_with_tool_calls"]:
        yield from (f"row.{name}" for name in row)
        for part in ("metadata", "node", "tool"):
            yield from (f"row.{part}.{name}" for name in row.get(part, {}))


def test_documented_fields_of_segments_are_those_of_the_type() -> None:
    """Every key of `Segment` is on the page."""
    for name in get_type_hints(tuner_langchain.Segment):
        assert f"`{name}`" in page("document") or f"`{name}." in page("document"), name


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for inner in action.choices.values():
                yield inner
                yield from _commands(inner)


@pytest.mark.parametrize("command", list(_commands(build_parser())), ids=lambda parser: parser.prog)
def test_commands(command: argparse.ArgumentParser) -> None:
    """Every command and every option is on the page of the command line."""
    reference = page("cli")
    options = {
        option for action in command._actions for option in action.option_strings if option.startswith("--")
    }

    assert f"$ {command.prog}" in reference
    assert {option for option in options - {"--help"} if option not in reference} == set()


def test_the_outboxs_folders() -> None:
    """The page about delivery draws every folder of an outbox, and none that is not there."""
    text = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^<outbox>/v1/(\w+)/ ", text, re.MULTILINE)) == sorted(FOLDERS)
