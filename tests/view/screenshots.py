"""Take the pictures of the docs anew: `cd tests && python -m view.screenshots ../docs/images`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tuner_langchain.testing import LocalTuner
from tuner_langchain.view.html import page
from view import samples
from view.test_browser import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, post

Scheme = Literal["light", "dark"]


def shoot(
    browser: Browser, address: str, target: Path, *, viewport: ViewportSize, scheme: Scheme,
    choose: bool = False, whole: bool = False,
) -> None:  # fmt: skip
    """Take one picture of a page as a reader sees it."""
    context = browser.new_context(viewport=viewport, color_scheme=scheme, has_touch=viewport is PHONE)
    tab = context.new_page()
    tab.goto(address)
    tab.wait_for_selector("#bars[data-painted], #calls tbody tr")
    if choose:
        tab.click("#slowest")
    tab.mouse.move(0, 0)
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tab.screenshot(path=target, full_page=whole)
    context.close()


def shoot_call(browser: Browser, directory: Path) -> None:
    """The restaurant's call: at a desk and on a phone, by day and by night."""
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "call.html"
        path.write_text(page(samples.restaurant()), encoding="utf-8")
        address = path.as_uri()
        shoot(
            browser,
            address,
            directory / "call-desktop-light.png",
            viewport=DESKTOP,
            scheme="light",
            whole=True,
        )
        shoot(
            browser,
            address,
            directory / "call-desktop-dark.png",
            viewport=DESKTOP,
            scheme="dark",
            choose=True,
        )
        shoot(browser, address, directory / "call-phone-light.png", viewport=PHONE, scheme="light")
        shoot(browser, address, directory / "call-phone-dark.png", viewport=PHONE, scheme="dark", choose=True)


def shoot_list(browser: Browser, directory: Path) -> None:
    """The local Tuner's list: three calls stored, one refused."""
    refused = samples.restaurant() | {"call_id": "restaurant-9c01"}
    refused["transcript_with_tool_calls"][1]["node"]["from"] = None
    del refused["recording_url"]
    with LocalTuner() as tuner:
        for document in (samples.other_sdk(), samples.many_rows(12), samples.restaurant(), refused):
            post(tuner, document)
        url, desktop, phone = (
            tuner.base_url,
            directory / "list-desktop-light.png",
            directory / "list-phone-dark.png",
        )
        shoot(browser, url, desktop, viewport=DESKTOP, scheme="light", whole=True)
        shoot(browser, url, phone, viewport=PHONE, scheme="dark", whole=True)


def main() -> None:
    """Take them all."""
    directory = Path(sys.argv[1])
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        shoot_call(browser, directory)
        shoot_list(browser, directory)
        browser.close()


if __name__ == "__main__":
    main()
