"""What a value is called, where it cannot be shown: nothing of the value's own is asked."""

from __future__ import annotations

from typing import Final, cast

from tuner_langchain.values.numbers import whole
from tuner_langchain.values.strings import cut_text, text

MAX_NAME_CHARS: Final = 100
_VOWELS: Final = frozenset("aeiouAEIOU")
# As `type` itself answers, whatever a metaclass of the program's own would say.
_NAME: Final = cast("property", type.__dict__["__name__"])


def class_name(cls: type) -> str:
    """Return the name of a class, cut and as UTF-8 can hold it."""
    return text(str.__str__(_NAME.__get__(cls))[:MAX_NAME_CHARS])


def type_name(value: object) -> str:
    """Return the name of a value's class, in angle brackets."""
    return f"<{class_name(type(value))}>"


def shown(value: object) -> str:
    """Return a wrong value as an error shows it: as Python writes it, or for an object the name of its class."""
    if value is None or type(value) in (bool, float):
        return repr(value)
    if type(value) is int:
        return str(whole(value))
    if type(value) is str:
        return repr(cut_text(text(value[:MAX_NAME_CHARS]), MAX_NAME_CHARS))
    return type_name(value)


def type_words(value: object) -> str:
    """Return the name of a value's class with its article, for a sentence: a list, an int."""
    name = class_name(type(value))
    return f"an {name}" if name[:1] in _VOWELS else f"a {name}"
