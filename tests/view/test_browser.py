"""The pages in a real Chromium: open, click, zoom, keyboard, dark, phone, five thousand rows, hostile words."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tuner_langchain.testing import LocalTuner
from tuner_langchain.view.html import page as html_of
from tuner_langchain.view.notebook import repr_html
from tuner_langchain.view.story import read_story
from view import samples
from view.samples import Document, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal, TypeAlias

    from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, Position
    from playwright.sync_api import ViewportSize as Size

    Open: TypeAlias = Callable[..., Page]
    Scheme: TypeAlias = Literal["light", "dark"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
DESKTOP: Size = {"width": 1280, "height": 860}
PHONE: Size = {"width": 390, "height": 844}


@pytest.fixture(name="chromium", scope="module")
def _chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed: there is no {CHROMIUM}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(name="open_")
def _open(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a document's page; afterwards, no script has failed and nothing was asked of a network."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []
    asked_for: list[str] = []

    def open_(source: Document, *, viewport: Size = DESKTOP, scheme: Scheme = "light") -> Page:
        path = tmp_path / f"page-{len(contexts)}.html"
        path.write_text(html_of(source), encoding="utf-8")
        context = chromium.new_context(viewport=viewport, color_scheme=scheme, has_touch=viewport is PHONE)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        tab.on("console", lambda message: wrong.append(f"console: {message.text}"))
        tab.on("request", lambda asked: asked_for.append(asked.url))
        tab.goto(path.as_uri())
        tab.wait_for_selector("#bars[data-painted]")
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
    assert all(url.startswith("file:") for url in asked_for)


def box_of(tab: Page, selector: str) -> FloatRect:
    """Where an element lies on the screen."""
    box = tab.locator(selector).bounding_box()
    assert box is not None
    return box


def window_of(tab: Page) -> tuple[int, int]:
    """The milliseconds in sight."""
    start, end = (tab.get_attribute("#chart", "data-window") or "").split()
    return int(start), int(end)


def painted(tab: Page) -> int:
    """How many bars were painted last, after the next frame."""
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return int(tab.get_attribute("#bars", "data-painted") or "")


def place_of(tab: Page, ms: int, lane_from_top: int) -> Position:
    """Where a moment lies in the waterfall: pixels from its left, and in the n-th line of pixels from its top."""
    box = box_of(tab, "#bars")
    start, end = window_of(tab)
    return {"x": (ms - start) / (end - start) * box["width"], "y": lane_from_top}


def test_the_page_opens_on_the_whole_call_and_names_the_slowest(open_: Open) -> None:
    """What took longest is the first thing on the page, with its time and its place."""
    tab = open_(samples.restaurant())
    assert tab.title() == "restaurant-7f3a"
    card = tab.inner_text("#slowest")
    assert "2.99 s" in card
    assert "reserve" in card
    assert "turn 3" in card
    assert window_of(tab) == (0, 30_600)
    assert painted(tab) == 43


def test_a_click_on_the_slowest_goes_to_it(open_: Open) -> None:
    """One click from the card to the bar, zoomed to its node, with its error and arguments."""
    tab = open_(samples.restaurant())
    tab.click("#slowest")
    start, end = window_of(tab)
    assert 16_000 < start < 18_020 < 21_010 < end < 23_000
    facts = tab.inner_text("#facts")
    for words in (
        "reserve",
        "2.99 s",
        "TimeoutError: the reservation system did not answer within 3 s",
        '"table": "t7"',
    ):
        assert words in facts


def test_a_click_on_a_bar_shows_its_facts(open_: Open) -> None:
    """The first lane is the caller's: a click on it shows what was said; beside every bar, it closes the facts."""
    tab = open_(samples.restaurant())
    tab.locator("#bars").click(position=place_of(tab, 1500, 33))
    assert "Hi, do you have a table for two" in tab.inner_text("#facts")
    tab.locator("#bars").click(position=place_of(tab, 200, 33))
    assert not tab.is_visible("#facts")


def test_the_page_zooms_by_button_wheel_and_drag(open_: Open) -> None:
    """Zooming shows less and then everything again; dragging moves what is shown."""
    tab = open_(samples.restaurant())
    tab.click("#zoom-in")
    tab.click("#zoom-in")
    start, end = window_of(tab)
    assert end - start == pytest.approx(30_600 / 1.8**2, abs=2)
    box = box_of(tab, "#bars")
    middle = (box["x"] + box["width"] / 2, box["y"] + 5)
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] + 200, middle[1], steps=5)
    tab.mouse.up()
    moved_start, moved_end = window_of(tab)
    assert moved_start == pytest.approx(start - 200 / box["width"] * (end - start), abs=3)
    assert moved_end - moved_start == pytest.approx(end - start, abs=2)
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -240)
    tab.keyboard.up("Control")
    span = "document.querySelector('#chart').dataset.window.split(' ').reduce((from, to) => to - from)"
    tab.wait_for_function(f"(before) => {span} < before", arg=moved_end - moved_start)
    tab.click("#fit")
    assert window_of(tab) == (0, 30_600)


def test_everything_can_be_done_from_the_keyboard(open_: Open) -> None:
    """Arrows choose bars, + and - zoom, Enter reads the facts, Escape goes back step by step."""
    tab = open_(samples.restaurant())
    tab.focus("#chart")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#spoken").startswith("caller Hi, do you have a table")
    tab.keyboard.press("ArrowRight")
    assert "Yes please" in tab.inner_text("#spoken")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    assert tab.inner_text("#spoken").startswith("node answer")
    tab.keyboard.press("+")
    start, end = window_of(tab)
    assert end - start < 30_600
    tab.keyboard.press("Enter")
    assert tab.evaluate("() => document.activeElement.id") == "facts"
    tab.keyboard.press("Escape")
    assert tab.evaluate("() => document.activeElement.id") == "chart"
    assert not tab.is_visible("#facts")
    tab.keyboard.press("Escape")
    assert window_of(tab) == (0, 30_600)
    tab.keyboard.press("End")
    tab.keyboard.press("PageDown")
    tab.keyboard.press("-")
    assert tab.is_visible("#facts")


def test_every_control_is_reached_by_tab_and_its_focus_is_seen(open_: Open) -> None:
    """Tab walks through all of the page, and each stop has an outline or a stronger edge."""
    tab = open_(samples.restaurant())
    stops = []
    seen = """() => {
        const at = document.activeElement, box = at.querySelector?.('.box');
        const outline = getComputedStyle(at), edge = box && getComputedStyle(box);
        const ringed = outline.outlineStyle !== 'none' && parseFloat(outline.outlineWidth) >= 2;
        return [at.id || at.textContent.slice(0, 30), ringed || Boolean(edge && parseFloat(edge.strokeWidth) >= 3)];
    }"""
    for _ in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate("() => document.activeElement === document.body"):
            break
        stops.append(tab.evaluate(seen))
    names = [name for name, _ in stops]
    assert {"slowest", "zoom-out", "zoom-in", "fit", "chart"} <= set(names)
    assert sum("caller" in name for name in names) == 4  # the turns
    assert any(name.startswith("node understand") or "understand" in name for name in names)
    assert [name for name, visible in stops if not visible] == []


def test_a_node_of_the_path_lights_up_its_transitions(open_: Open) -> None:
    """A press on a box marks the ways to and from it, and its executions in the waterfall; a second press ends it."""
    tab = open_(samples.restaurant())
    box = tab.get_by_role("button", name="node booking,")
    box.click()
    assert box.get_attribute("aria-pressed") == "true"
    assert tab.locator(".taken.lit").count() == 2
    box.press("Enter")
    assert box.get_attribute("aria-pressed") == "false"
    tab.click("#transitions summary")
    tab.wait_for_selector("#transitions tbody tr")
    assert "route_by_intent: booking" in tab.inner_text("#transitions")


def test_dark_and_light_follow_the_reader(open_: Open) -> None:
    """The page and what is painted on it change with the reader's choice, also while it is open."""
    tab = open_(samples.restaurant())
    paper = "() => getComputedStyle(document.body).backgroundColor"
    painted(tab)
    light = (tab.evaluate(paper), tab.locator("#ruler").screenshot())
    tab.emulate_media(color_scheme="dark")
    painted(tab)
    dark = (tab.evaluate(paper), tab.locator("#ruler").screenshot())
    assert light[0] != dark[0]
    assert light[1] != dark[1]


@pytest.mark.parametrize("sample", [samples.restaurant, samples.hostile, samples.other_sdk])
def test_nothing_is_wider_than_a_phone(open_: Open, sample: Sample) -> None:
    """A phone never has to scroll sideways, with and without a bar's facts."""
    tab = open_(sample(), viewport=PHONE)
    widths = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert tab.evaluate(widths) == [390, 390]
    tab.tap("#slowest")
    assert tab.is_visible("#facts")
    assert tab.evaluate(widths) == [390, 390]
    tab.tap("#facts .close")
    assert not tab.is_visible("#facts")


def test_on_a_phone_a_finger_chooses_a_bar_and_facts_leave_the_waterfall_in_sight(open_: Open) -> None:
    """The facts come from below and cover less than half."""
    tab = open_(samples.restaurant(), viewport=PHONE)
    tab.locator("#bars").tap(position=place_of(tab, 1500, 33))
    assert "Hi, do you have a table for two" in tab.inner_text("#facts")
    assert box_of(tab, "#facts-place")["y"] > PHONE["height"] / 2


def drag_fingers(tab: Page, *paths: tuple[float, float]) -> None:
    """Put fingers on the waterfall, move each from one place to another, in shares of its width, and lift them."""
    box = box_of(tab, "#bars")
    devtools = tab.context.new_cdp_session(tab)

    def touch(kind: str, done: float) -> None:
        across = [start + (end - start) * done for start, end in paths]
        points = [
            {"x": box["x"] + share * box["width"], "y": box["y"] + 60 + 30 * finger, "id": finger}
            for finger, share in enumerate(across)
        ]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0)
    for step in range(1, 11):
        touch("touchMove", step / 10)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_two_fingers_zoom_the_waterfall(open_: Open) -> None:
    """What lay between the fingers fills the room between them; together again, the whole call is back."""
    tab = open_(samples.restaurant(), viewport=PHONE)
    drag_fingers(tab, (0.4, 0.2), (0.6, 0.8))
    start, end = window_of(tab)
    assert end - start == pytest.approx(30_600 / 3, rel=0.15)
    assert (start + end) / 2 == pytest.approx(30_600 / 2, rel=0.1)
    assert not tab.is_visible("#facts")
    assert tab.evaluate("window.visualViewport.scale") == 1
    drag_fingers(tab, (0.1, 0.45), (0.9, 0.55))
    assert window_of(tab) == (0, 30_600)


def test_one_finger_moves_the_waterfall(open_: Open) -> None:
    """The moment that is touched stays under the finger; nothing is chosen by it."""
    tab = open_(samples.restaurant(), viewport=PHONE)
    tab.tap("#zoom-in")
    tab.tap("#zoom-in")
    start, end = window_of(tab)
    drag_fingers(tab, (0.8, 0.3))
    moved_start, moved_end = window_of(tab)
    assert moved_start - start == pytest.approx((end - start) / 2, rel=0.1)
    assert moved_end - moved_start == pytest.approx(end - start, abs=2)
    assert not tab.is_visible("#facts")


def test_five_thousand_rows_are_few_elements_and_few_strokes(open_: Open) -> None:
    """What is in the page and what is painted depends on the screen, not on the length of the call."""
    tab = open_(samples.many_rows())
    assert tab.evaluate("() => document.querySelectorAll('*').length") < 400
    lanes, width = 6, box_of(tab, "#bars")["width"]
    assert 100 < painted(tab) <= lanes * width / 2
    tab.evaluate(
        "() => { const list = document.querySelector('#turns'); list.scrollTop = list.scrollHeight; }"
    )
    tab.wait_for_selector("text=Question number 500")
    assert tab.locator(".turn").count() < 30
    tab.click("#slowest")
    assert painted(tab) < 60


def test_nothing_in_sight_is_left_out(open_: Open) -> None:
    """Painting less is for what cannot be told apart: of a turn that is looked at every bar is there."""
    document = samples.many_rows()
    tab = open_(document)
    tab.click(".turn >> nth=2")
    start, end = window_of(tab)
    in_sight = [bar for bar in read_story(document).bars if bar.end_ms >= start and bar.start_ms <= end]
    assert 11 <= len(in_sight) < 40
    assert painted(tab) == len(in_sight)


def test_hostile_words_are_shown_not_obeyed(open_: Open) -> None:
    """A caller who says <script> is shown saying it: in the title, the facts, the turns and the path."""
    tab = open_(samples.hostile())
    assert tab.title() == samples.HOSTILE
    assert tab.inner_text("#call") == samples.HOSTILE
    tab.click("#slowest")
    assert samples.HOSTILE in tab.inner_text("#facts")
    assert tab.inner_text(".turn .line >> nth=0").endswith(samples.HOSTILE)
    tab.click("#transitions summary")
    tab.wait_for_selector("#transitions tbody tr")
    assert samples.HOSTILE in tab.inner_text("#transitions tbody")
    assert tab.evaluate("() => window.hacked") is None
    assert "\\u202eesrever" in tab.inner_text(".turn .line >> nth=1")


def test_a_script_that_got_into_the_page_would_not_run(chromium: Browser, tmp_path: Path) -> None:
    """The policy stops what is not the page's own, by whatever way it came."""
    path = tmp_path / "broken-into.html"
    path.write_text(
        html_of(samples.restaurant()).replace("<main>", "<main><script>window.hacked = 3</script>", 1)
    )
    tab = chromium.new_page()
    refused = []
    tab.on("console", lambda message: refused.append(message.text))
    tab.goto(path.as_uri())
    tab.wait_for_selector("#slowest")
    assert tab.evaluate("() => window.hacked") is None
    assert any("Content Security Policy" in text for text in refused)
    tab.close()


def test_a_call_without_rows_has_a_page(open_: Open) -> None:
    """There is nothing to draw, and nothing breaks."""
    tab = open_(samples.document("empty", []))
    tab.focus("#chart")
    for key in ("ArrowRight", "+", "0", "Enter", "Escape"):
        tab.keyboard.press(key)
    assert "0" in tab.inner_text("#figures")


def test_a_notebook_shows_the_page_in_its_frame(chromium: Browser, tmp_path: Path) -> None:
    """The frame runs the page's script, apart from the notebook's own page."""
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{repr_html(samples.restaurant())}", encoding="utf-8")
    tab = chromium.new_page()
    tab.goto(path.as_uri())
    frame = tab.frame_locator("iframe")
    frame.locator("#slowest").click()
    assert "TimeoutError" in frame.locator("#facts").inner_text()
    tab.close()


def post(tuner: LocalTuner, document: Document) -> int:
    """Send a call as a client would; return the status."""
    query = f"workspace_id={tuner.workspace_id}&agent_remote_identifier={tuner.agent_id}"
    url = f"{tuner.base_url}/api/v1/public/call?{query}"
    headers = {"Authorization": f"Bearer {tuner.api_key}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, json.dumps(document).encode(), headers)
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_local_tuner_lists_calls_and_refusals_as_they_come(chromium: Browser) -> None:
    """An open list shows a call that comes later, and why another was refused; a click opens the call."""
    with LocalTuner() as tuner:
        tab = chromium.new_page()
        tab.goto(tuner.base_url)
        tab.wait_for_selector("#no-calls:visible")
        assert post(tuner, samples.restaurant()) == 201
        tab.wait_for_selector("#calls tbody tr")
        line = tab.inner_text("#calls tbody tr")
        for words in ("restaurant-7f3a", "30.0 s", "4", "✕ 1", "successful, user hangup"):
            assert words in line
        refused = samples.restaurant() | {"call_id": "refused-1", "recording_url": None}
        assert post(tuner, refused) == 422
        tab.wait_for_selector("#refused li")
        told = tab.inner_text("#refused li")
        for words in ("422", "refused-1", "recording_url", "should be"):
            assert words in told
        tab.click("text=restaurant-7f3a")
        tab.wait_for_selector("#slowest")
        tab.click("text=All calls")
        tab.wait_for_selector("#calls tbody tr")
        tab.close()


def test_the_list_says_when_the_tuner_is_gone(chromium: Browser) -> None:
    """A list that cannot be up to date does not claim to be."""
    tuner = LocalTuner()
    with tuner:
        tab = chromium.new_page()
        tab.goto(tuner.base_url)
        tab.wait_for_selector("#live:has-text('up to date')")
    tab.wait_for_selector("#live.lost")
    assert tab.inner_text("#live") == "the local Tuner does not answer"
    tab.close()


def test_the_list_shows_hostile_words_as_words(chromium: Browser) -> None:
    """Ids and outcomes come from a call too; the link still leads to it."""
    hostile = samples.hostile()
    hostile["transcript_with_tool_calls"].pop()
    with LocalTuner() as tuner:
        assert post(tuner, hostile) == 201
        tab = chromium.new_page(viewport=PHONE)
        tab.goto(tuner.base_url)
        tab.wait_for_selector("#calls tbody tr")
        assert tab.inner_text("#calls a") == samples.HOSTILE
        assert tab.evaluate("() => document.documentElement.scrollWidth") == 390
        assert tab.evaluate("() => window.hacked") is None
        tab.click("#calls a")
        tab.wait_for_selector("#slowest")
        assert tab.inner_text("#call") == samples.HOSTILE
        tab.close()
