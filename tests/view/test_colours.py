"""The page's colours can be read: every pair that carries words has the contrast that WCAG's level AA asks for."""

from __future__ import annotations

import re

import pytest

from tuner_langchain.view.html import asset

KINDS = ("user", "agent", "node", "tool", "model", "error")
ON_PAPER = [(ink, ground) for ink in ("ink", "soft", "error-edge") for ground in ("paper", "card", "band")]
ON_BARS = [("ink", kind) for kind in KINDS]


def schemes() -> dict[str, dict[str, str]]:
    """The custom properties of the light page, and of the dark one over them."""
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", asset("page.css"), re.DOTALL)
    )
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), ON_PAPER + ON_BARS)
def test_words_stand_out_from_their_ground(scheme: str, ink: str, ground: str) -> None:
    """At least 4.5 to 1."""
    colours = schemes()[scheme]
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mark", [f"{kind}-edge" for kind in KINDS] + ["focus"])
def test_marks_stand_out_from_the_card(scheme: str, mark: str) -> None:
    """The edges that tell kinds of bars apart, and the ring of the focus: at least 3 to 1."""
    colours = schemes()[scheme]
    assert contrast(colours[mark], colours["card"]) >= 3
