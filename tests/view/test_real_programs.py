"""The views over what real LangGraph programs leave behind: every program of the table of graphs."""

from __future__ import annotations

import pytest
from graphs.play import CASES, Case
from graphs.test_table import _skip_without, driven

from tuner_langchain.view.html import page
from tuner_langchain.view.lines import cells
from tuner_langchain.view.nesting import ancestors
from tuner_langchain.view.nouns import Bar, Story
from tuner_langchain.view.outline import timeline_text
from tuner_langchain.view.story import read_story


def lies_in(bar: Bar, story: Story) -> list[str]:
    """The nodes around a bar, the nearest first."""
    return [outer.name for outer in ancestors(bar, story.bars) if outer.kind == "node"]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in CASES if "invoke" in case.modes]
)
def test_a_real_programs_rows_lie_where_they_say(case: Case) -> None:
    """Nested nodes, tools and model calls are found in the node that their row names, and nothing is left over."""
    _skip_without(case)
    document = driven(CASES.index(case), "invoke")[1].document
    story = read_story(document)
    nodes = {bar.name for bar in story.bars if bar.kind == "node"}
    for bar in story.bars:
        if bar.graph and bar.graph in nodes:
            assert bar.graph in lies_in(bar, story), f"{bar.kind} {bar.name} should lie in {bar.graph}"
    assert len(story.bars) >= sum(
        row["role"] != "agent_result" for row in document["transcript_with_tool_calls"]
    )
    assert max(map(cells, timeline_text(document).splitlines())) <= 80
    assert page(document).count("<script") == 2
