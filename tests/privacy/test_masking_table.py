"""The table of what is masked: each row with examples, with what stays, and as the page shows it."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pytest
from docs.pages import ROOT
from hypothesis import given
from hypothesis import strategies as st

from privacy.examples import FORMS, KEYS, NAMES_THAT_STAY, TEXTS_THAT_STAY, V
from tuner_langchain.masking import is_secret_name, mask, mask_text, may_hold_secrets
from tuner_langchain.masking.table import (
    ENDINGS,
    KEY_SHAPES,
    MASK,
    NAME_KEYS,
    PARTS,
    QUALIFIERS,
    STAYS,
    TEXT_ONLY,
    TEXT_ONLY_ALONE,
    VALUE_KEYS,
    WORDS,
)

JOINTS = ("", "-", "_", ".", " ", "__")
FORM_CASES = [(form, *case) for form, cases in FORMS.items() for case in cases]
KEY_CASES = [(shape, key) for shape, keys in KEYS.items() for key in keys]


def spellings(row: str) -> list[str]:
    """The spellings of a name: with each joint, in each case, and camelCase."""
    joined = [row.replace(" ", joint) for joint in JOINTS]
    first, *others = row.split()
    return [
        *joined,
        *(name.upper() for name in joined),
        row.title().replace(" ", ""),
        first + "".join(map(str.title, others)),
    ]


@pytest.mark.parametrize("row", PARTS)
def test_parts_of_names(row: str) -> None:
    """A part of a name makes it a secret's wherever it stands, in every spelling."""
    for name in spellings(row):
        for whole in (name, f"x-{name}", f"openai_{name}_2", f"{name}_file"):
            assert mask({whole: V}) == {whole: MASK}, whole
            assert mask({whole: 4821}) == {whole: MASK}
            assert mask({whole: [{"a": V}]}) == {whole: MASK}
            assert may_hold_secrets(orjson.dumps({whole: V})), whole


@pytest.mark.parametrize("row", WORDS + ENDINGS)
def test_last_words_of_names(row: str) -> None:
    """A word at the end of a name makes it a secret's, with and without a qualifier."""
    camel = row.title()
    names = {row, row.upper(), f"user_{row}", f"user{camel}", f"X-{camel}", f"{row}2"}
    names |= {f"{row}{joint}{more}" for joint in JOINTS for more in QUALIFIERS}
    names |= {f"{row}{more.title()}" for more in QUALIFIERS}
    for name in names:
        assert mask({name: V}) == {name: MASK}, name
        assert may_hold_secrets(orjson.dumps({name: V})), name
    assert mask({f"{row}_policy": V}) == {f"{row}_policy": V}


@pytest.mark.parametrize("row", TEXT_ONLY + TEXT_ONLY_ALONE)
def test_names_under_which_text_alone_is_masked(row: str) -> None:
    """Under a name that is a count's as well, numbers stay and objects are looked into."""
    for name in spellings(row):
        given: Any = {name: [V, 12, {"password": V, "n": V}]}
        assert mask(given) == {name: [MASK, 12, {"password": MASK, "n": V}]}, name
        assert mask({name: V}) == {name: MASK}
        assert mask({name: 12}) == {name: 12}
        assert may_hold_secrets(orjson.dumps(given))


@pytest.mark.parametrize("name", [*NAMES_THAT_STAY, *STAYS])
def test_names_that_stay(name: str) -> None:
    """A name that only sounds like a secret's keeps its value."""
    assert not is_secret_name(name)
    assert mask({name: "kept", "password": V}) == {name: "kept", "password": MASK}
    text = f"{name.replace(' ', '_')}: kept"
    assert mask_text(text) == text


def test_a_secretary_may_have_a_password() -> None:
    """A word that is exempt exempts nothing that stands beside it."""
    assert mask({"secretary_password": V, "secretary": "Ann"}) == {
        "secretary_password": MASK,
        "secretary": "Ann",
    }


@pytest.mark.parametrize(("form", "text", "shown"), FORM_CASES)
def test_forms(form: str, text: str, shown: str) -> None:
    """In each form of the table the secret is masked, what stands beside it stays, and the quick look sees it."""
    assert "PLANTED" not in shown
    assert mask_text(text) == shown
    assert mask_text(shown) == shown
    assert may_hold_secrets(orjson.dumps(text))
    inside = f"It says: {json.dumps({'a': text})}"  # the same inside of JSON inside of a text
    assert "PLANTED" not in mask_text(inside)


@pytest.mark.parametrize(("shape", "key"), KEY_CASES)
def test_shapes_of_keys(shape: str, key: str) -> None:
    """A key with a known shape is masked wherever it stands: alone, in a sentence, in a list, as a key."""
    assert mask_text(key) == MASK
    assert mask([f"The key ({key}), it is."]) == [f"The key ({MASK}), it is."]
    assert mask({key: 1}) == {MASK: 1}
    assert may_hold_secrets(orjson.dumps(key))


@pytest.mark.parametrize("text", TEXTS_THAT_STAY)
def test_texts_that_stay(text: str) -> None:
    """A text that only looks like it stays as it is."""
    assert mask_text(text) == text


@pytest.mark.parametrize("named", NAME_KEYS)
@pytest.mark.parametrize("held", VALUE_KEYS)
def test_a_value_beside_its_name(named: str, held: str) -> None:
    """An object that names its value has it masked, in either order."""
    assert mask({named: "X-Api-Key", held: V, "n": 1}) == {named: "X-Api-Key", held: MASK, "n": 1}
    assert mask([{held: V, named: "pin"}]) == [{held: MASK, named: "pin"}]
    assert mask({named: "city", held: V}) == {named: "city", held: V}


def test_a_value_after_its_name() -> None:
    """A pair, and the arguments of a command, have the value after the name masked."""
    assert mask({"headers": [["X-API-Key", V], ["Accept", V]]}) == {
        "headers": [["X-API-Key", MASK], ["Accept", V]]
    }
    assert mask(["Authorization", {"a": V}]) == ["Authorization", MASK]
    assert mask(["curl", "--api-key", V, "-u", f"ada:{V}", "x"]) == [
        "curl", "--api-key", MASK, "-u", f"ada:{MASK}", "x",
    ]  # fmt: skip
    assert mask(["password", "email", "name"]) == ["password", "email", "name"]


def test_keys_that_are_masked_stay_apart() -> None:
    """Two keys of an object that are masked to the same word are two keys still."""
    keys = [key for _, key in KEY_CASES[:3]]

    assert list(mask(dict.fromkeys(keys, 1)).values()) == [1, 1, 1]


def test_nothing_masked_where_nothing_stands() -> None:
    """null, true, false and empty text under a secret's name say more as they are, and are no secrets."""
    value: Any = {"token": None, "password": "", "secret": True, "pin": False}

    assert mask(value) == value


@given(
    name=st.sampled_from([*PARTS, *WORDS, *ENDINGS, *TEXT_ONLY, *TEXT_ONLY_ALONE]),
    data=st.data(),
)
def test_the_quick_look_sees_every_spelling(name: str, data: st.DataObject) -> None:
    """Whatever is put between and around the words of a name, the quick look never misses what is masked."""
    joints = st.text(" -_.xX9é\n\u212a", max_size=3)
    words = [data.draw(st.sampled_from([word, word.upper(), word.title()])) for word in name.split()]
    spelt = data.draw(joints) + "".join(word + data.draw(joints) for word in words)
    for value in ({spelt: V}, f"{spelt}={V}", f'"{spelt}": "{V}"', f"--{spelt} {V}"):
        if mask(value) != value:
            assert may_hold_secrets(orjson.dumps(value)), spelt


@given(
    st.lists(
        st.sampled_from([
            "token", "pin", "key", "name", "value",
            "=", ":", " ", '"', "'", "\\", "[", "]", "{", "}", ",", "<", ">", "--",
            "-u", "://", "@", "/", "?", "&", "%3D", "%22", "\n", "a", "12", "Bearer ", "sk-abcdefgh", "é",
            "-----BEGIN PRIVATE KEY-----", "cookie",
        ])
    )
)  # fmt: skip
def test_odd_texts_are_masked_once(pieces: list[str]) -> None:
    """However a text is put together, the quick look sees what is masked, and text around no secret is kept."""
    text = "".join(pieces)
    shown = mask_text(text)

    if shown != text:
        assert may_hold_secrets(orjson.dumps(text))
        assert MASK in shown
    assert shown.startswith(text[: len(text) - len(text.lstrip("é "))])


def test_the_page_shows_the_table() -> None:
    """Each row of the table is on the page about privacy, and the page has no row that the code has not."""
    page = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    shown = {
        row[0]: re.findall(r"`` ?(.+?) ?``|`([^`]+)`", row[1])
        for row in re.findall(r"^\| ([^|]+?) \| (.+) \|$", page, flags=re.MULTILINE)
    }
    rows = {what: {one or other for one, other in found} for what, found in shown.items()}

    assert rows["anywhere in a name"] == set(PARTS)
    assert rows["at the end of a name"] == {*WORDS, *ENDINGS}
    assert rows["behind these"] == set(QUALIFIERS)
    assert rows["text only"] == {*TEXT_ONLY, *TEXT_ONLY_ALONE}
    assert rows["names that stay"] == set(STAYS)
    assert rows["shapes of keys"] == set(KEY_SHAPES) == set(KEYS)
    assert rows["forms in a text"] == set(FORMS)


def test_a_message_of_a_tool_stays() -> None:
    """A message says who wrote it: the tool's name is not that of a secret, whatever it is called."""
    message = {"type": "tool", "name": "get_token", "content": "Two tables are free."}

    assert mask(message) == message
