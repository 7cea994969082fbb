"""A call as one HTML page that needs nothing else: no network, no other file, no build.

Everything a call says travels in one block of JSON and reaches the page as text. The page's own policy allows
its one style and its one script, by their hashes, and nothing more.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tuner_langchain.view.story import members, read_story

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCRIPTS = ("base", "scale", "lanes", "paint", "overview", "control", "facts", "path", "turns", "main")
# What could end the block of data, or open another: JSON reads them the same, HTML does not see them.
_ESCAPES = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_ESCAPED = re.compile(f"[{''.join(_ESCAPES)}]")


def page(document: Mapping[str, Any], *, back: str = "") -> str:
    """Return a self-contained page that shows a call.

    Args:
        document: The body of a Create Call request, whoever wrote it.
        back: Where a link to the list of calls leads; without it there is none.
    """
    style, script = asset("page.css"), call_script()
    link = f'<a class="back" href="{html.escape(back)}">&larr; All calls</a>' if back else ""
    return fill(
        asset("page.html"),
        {
            "policy": policy(style, script), "style": style, "script": script, "back": link,
            "story": data_block(read_story(document)),
        },
    )  # fmt: skip


@cache
def asset(name: str) -> str:
    """Return one of the page's own files."""
    return (files("tuner_langchain.view") / "assets" / name).read_text(encoding="utf-8")


@cache
def call_script() -> str:
    """Return the script of a call's page: its parts in one scope of their own."""
    parts = "\n".join(asset(f"{name}.js") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();'


def data_block(value: object) -> str:
    """Write a value as JSON for a data block of a page: no part of it can be read as markup."""
    # ASCII throughout, so that half of a surrogate pair cannot spoil the page's encoding.
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=members)
    return _ESCAPED.sub(lambda found: _ESCAPES[found.group()], text)


def policy(style: str, script: str, *, connect: str = "'none'") -> str:
    """Return a Content-Security-Policy under which only this style and this script work."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Put each part into its place; in one pass, so that no part can name another's place."""
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled += [parts[name], rest]
    return "".join(filled)
