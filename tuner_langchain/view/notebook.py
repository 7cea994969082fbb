"""A call as the output of a notebook's cell."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from tuner_langchain.view.html import page

if TYPE_CHECKING:
    from collections.abc import Mapping

HEIGHT_PX = 860


def repr_html(document: Mapping[str, Any], *, height_px: int = HEIGHT_PX) -> str:
    """Return a frame that holds the call's page, apart from the notebook: it may run its script, no more."""
    source = html.escape(page(document))
    return (
        f'<iframe srcdoc="{source}" sandbox="allow-scripts" title="Call" '
        f'style="width: 100%; height: {height_px}px; border: 0"></iframe>'
    )
