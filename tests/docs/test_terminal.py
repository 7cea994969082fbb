"""What reads and runs the pages finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from docs import pages
from docs.terminal import Terminal, missing

Run = Callable[[str], Path]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the shell blocks of a page that is written here."""

    def run(text: str) -> Path:
        page = tmp_path / "page.md"
        page.write_text(text)
        reader = tmp_path / "reader"
        reader.mkdir()
        with Terminal(reader) as terminal:
            for block in pages.read(page).blocks:
                terminal.run_block(block)
        return reader

    return run


def test_a_terminal_goes_on_where_it_was(run: Run) -> None:
    """Variables and the directory hold from one command, and one block, to the next."""
    reader = run("```bash\nexport WHO=me\nmkdir in\ncd in\n```\n```console\n$ echo $WHO > who  # me\n```\n")
    assert (reader / "in" / "who").read_text() == "me\n"


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("```bash\ntuner-langchain shwo call.json\n```", "ended with 2"),
        ("```console\n$ true\n$ false | cat\n```", "`false | cat` ended with 1"),
        ("```console\n$ echo two, please\nfor two\n```", "prints something else"),
        ("```bash\ntuner-langchain serve --host example.com\n```", "ended before it was ready"),
        ("<!-- test: skip `fasle`, it fails -->\n```bash\nfalse\n```", "no line below is `fasle`"),
        ("<!-- test: skip -->\n```bash\nfalse\n```", "says nothing that the tests know"),
        ("<!-- test: skip `false` -->\n```bash\nfalse\n```", "says nothing that the tests know"),
        ("<!-- test: add `--quick` to, it is slow -->\n```bash\nfalse\n```", "names no line"),
        ("<!-- test: skip, it fails -->\n", "no block follows"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(run: Run, page: str, found: str) -> None:
    """A command that fails or prints something else, a note that means nothing or gives no reason."""
    with pytest.raises(AssertionError) as caught:
        run(page)
    assert found in str(caught.value)


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("skip `false`, it fails", "false"),
        ("allow 1 from `false`, it fails", "false"),
        ("add `|| true` to `false`, it fails", "false"),
        ("skip without `no-such-program`, it is another's", "no-such-program"),
    ],
)
def test_what_a_note_takes_out_is_not_run(run: Run, note: str, line: str) -> None:
    """A line is left out, has more options, or may end otherwise, where a note says so."""
    run(f"<!-- test: {note} -->\n```bash\n{line}\n```\n")


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("dead  call-1  3m old, 612 bytes", True),
        ("dead call-1 3m old, 612 bytes\n1 dead", True),
        ("held  call-1  3m old, 612 bytes", False),
        ("1 dead\ndead  call-1  3m old, 612 bytes", False),
        ("dead  ... bytes\n...\nend", True),
        ("dead  ... bytes\nend", False),
    ],
)
def test_output_is_compared(shown: str, same: bool) -> None:
    """Figures and the spaces between columns may differ, words and the order of lines may not."""
    printed = "dead     call-1  12s old, 1,024 bytes\n1 dead\nend\n"
    assert (missing(shown, printed) == "") is same
