"""The page as a file: self-contained, strict, and never made of what a call says."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_langchain.view.html import data_block, fill, page
from tuner_langchain.view.notebook import repr_html
from tuner_langchain.view.pages import call, calls, refusals
from view import samples
from view.samples import Document
from view.test_story import DOCUMENT


class Elements(HTMLParser):
    """The elements of a page, with their attributes and the raw text of scripts and styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[tuple[str, str], str] = {}
        self._open: tuple[str, str] | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        self._open = (tag, dict(attributes).get("id") or "") if tag in ("script", "style") else None
        if self._open:
            self.raw[self._open] = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.raw[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = None


def names(source: str) -> list[str]:
    return [tag for tag, _ in Elements(source).found]


def data_of(source: str) -> str:
    """The page's block of data, as it stands in the file."""
    return source.partition('id="story">')[2].partition("</script>")[0]


@pytest.mark.parametrize(
    "source", [page(samples.restaurant()), calls(), refusals()], ids=["call", "calls", "refusals"]
)
def test_the_page_asks_the_network_for_nothing(source: str) -> None:
    """No element names an address, the style imports nothing."""
    for tag, attributes in Elements(source).found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "video", "audio")
        assert not {"src", "srcset", "action", "background", "style", "onclick"} & attributes.keys()
        if tag == "a":
            assert attributes["href"] == "/calls"
    assert not re.search(r"@import|url\(", source)


def test_the_policy_names_this_style_and_this_script_and_nothing_else() -> None:
    """Whatever got into the page could not run: only what has these hashes may."""
    elements = Elements(page(samples.hostile()))
    (policy,) = [a["content"] for _, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"]
    style, script = (
        b64encode(sha256(elements.raw[key].encode()).digest()).decode()
        for key in (("style", ""), ("script", ""))
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def test_a_call_adds_no_element_to_the_page() -> None:
    """The elements are the same for a call of plain words and for one of markup."""
    assert names(page(samples.hostile())) == names(page(samples.restaurant()))


def test_the_calls_words_are_in_the_data_and_nowhere_else() -> None:
    """The data block reads back to exactly what was said."""
    source = page(samples.hostile())
    block = data_of(source)
    assert json.loads(block)["bars"][0]["text"] == samples.HOSTILE
    assert "window.hacked" not in source.replace(block, "")


@given(DOCUMENT)
def test_no_document_can_end_its_data_block(document: Document) -> None:
    """Neither a tag nor a comment nor a line separator of a call is seen by HTML or by the script."""
    block = data_of(page(document))
    assert block.isascii()
    assert not set("<>&") & set(block)
    json.loads(block, parse_constant=pytest.fail)


@given(st.text())
def test_data_reads_back_as_it_was(text: str) -> None:
    """Escaping changes what HTML sees, not what JSON says."""
    assert json.loads(data_block([text])) == [text]


def test_a_part_cannot_name_another_parts_place() -> None:
    """A caller who says {{script}} is shown saying it."""
    assert fill("{{one}} {{two}}", {"one": "{{two}}", "two": "2"}) == "{{two}} 2"


def test_a_notebook_gets_a_frame_apart_that_may_run_its_script() -> None:
    """The page is quoted into the frame's source and reads back from it as it is."""
    ((tag, attributes),) = Elements(repr_html(samples.hostile())).found
    assert (tag, attributes["sandbox"]) == ("iframe", "allow-scripts")
    assert attributes["srcdoc"] == page(samples.hostile())


def test_a_stored_calls_page_leads_back_to_the_list() -> None:
    """The local Tuner shows the page that `--html` writes, and the way back."""
    assert '<a class="back" href="/calls">' in call(samples.restaurant())
    assert names(call(samples.restaurant())).count("a") == 1
