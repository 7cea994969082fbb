"""The local Tuner's pages: its list of calls and refusals, which keeps itself up to date, and each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuner_langchain.view.html import asset, data_block, fill, page, policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def calls(_: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the page that lists the stored calls and, below them, what was refused.

    The page asks `/calls` and `/refusals` for their JSON while it is looked at, so nothing needs to be in it.
    """
    return _listing(refused_first=False)


def refusals(_: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the same page with what was refused on top."""
    return _listing(refused_first=True)


def call(document: Mapping[str, Any]) -> str:
    """Return the page of one stored call, with the way back to the list."""
    return page(document, back="/calls")


def _listing(*, refused_first: bool) -> str:
    style = asset("page.css") + asset("list.css")
    script = f'(() => {{\n"use strict";\n{asset("list.js")}}})();'
    return fill(
        asset("list.html"),
        {
            "policy": policy(style, script, connect="'self'"), "style": style, "script": script,
            "start": data_block({"refused_first": refused_first}),
        },
    )  # fmt: skip
