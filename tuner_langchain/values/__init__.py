"""Any Python value in, strict JSON out, whatever a graph put into its state.

    strings   text that UTF-8 can hold, and text cut to a length
    numbers   numbers that every reader of JSON holds alike
    guard     code of the program's own, run so that nothing it raises gets out
    naming    what a value is called, where it cannot be shown
    kinds     what an object of some class is in plain terms, found once a class
    walk      any value copied into plain data, within a number of characters
    encode    values and documents as JSON

The encoder (orjson) sees plain data of ours alone. It reads dataclasses, dates, enums and UUIDs by itself, and ends
the process on some that are half made; so objects are opened here, by the fields that they hold,
without asking their own code.
"""

from __future__ import annotations

from tuner_langchain.values.encode import freeze, freeze_object, name_text, plain, to_json
from tuner_langchain.values.guard import passes_through, tolerant
from tuner_langchain.values.naming import shown, type_name, type_words
from tuner_langchain.values.numbers import LATEST_MS, as_number, is_number
from tuner_langchain.values.strings import CUT_WORDS_CHARS, cut_text, text

__all__ = [
    "CUT_WORDS_CHARS",
    "LATEST_MS",
    "as_number",
    "cut_text",
    "freeze",
    "freeze_object",
    "is_number",
    "name_text",
    "passes_through",
    "plain",
    "shown",
    "text",
    "to_json",
    "tolerant",
    "type_name",
    "type_words",
]
