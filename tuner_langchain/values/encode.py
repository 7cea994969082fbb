"""Values and documents as JSON."""

from __future__ import annotations

from typing import Any, Final

import orjson

from tuner_langchain.values.strings import text
from tuner_langchain.values.walk import copy, key_text, name_of

# A document of ours that holds a foreign object by mistake is an error, which the walk mends.
_OPTIONS: Final = (
    orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_NAME_CHARS: Final = 200
# More than any document may have.
_UNBOUNDED: Final = 1 << 40


def plain(value: Any, max_chars: int = _UNBOUNDED) -> Any:
    """Return any value as plain JSON data of about `max_chars` characters; what is cut is reported in its place."""
    return orjson.loads(freeze(value, max_chars))


def freeze(value: Any, max_chars: int) -> bytes:
    """Return any value as strict JSON of about `max_chars` characters at most."""
    return _encoded(_copied(value, max_chars))


def freeze_object(value: Any, max_chars: int) -> bytes:
    """Return a value as `freeze` does, always as a JSON object: anything else becomes its `value`."""
    found = _copied(value, max_chars)
    return _encoded(found if type(found) is dict else {"value": found})


def name_text(value: Any) -> str | None:
    """Return what is to be a name, as text: a program may have put anything there. None stays None."""
    if value is None or type(value) is str:
        return value
    found = plain(value, _NAME_CHARS)
    return found if type(found) is str else orjson.dumps(found).decode()


def _copied(value: Any, max_chars: int) -> Any:
    try:
        return copy(value, max_chars)
    except (RecursionError, RuntimeError, MemoryError):  # the program's own stack was nearly used up, say
        return name_of(value)


def _encoded(data: Any) -> bytes:
    try:
        return orjson.dumps(data)
    except TypeError:
        return orjson.dumps(_without_surrogates(data))


def _without_surrogates(data: Any) -> Any:
    if type(data) is str:
        return text(data)
    if type(data) is dict:
        return {text(name): _without_surrogates(item) for name, item in data.items()}
    return [_without_surrogates(item) for item in data] if type(data) is list else data


def to_json(document: Any) -> bytes:
    """Return plain data of ours as strict JSON in UTF-8; ready-made JSON (`orjson.Fragment`) is put in as it is."""
    try:
        return orjson.dumps(document, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return orjson.dumps(_mended(document), option=_OPTIONS)
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(plain(document))


def _mended(data: Any) -> Any:
    """Return data of ours without what the encoder refuses: lone surrogates, and an object that got into a document."""
    if type(data) is dict:
        return {text(key_text(name)): _mended(item) for name, item in data.items()}
    if type(data) is list:
        return [_mended(item) for item in data]
    return data if type(data) is orjson.Fragment else plain(data)
