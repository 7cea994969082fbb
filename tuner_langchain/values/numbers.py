"""Numbers as a document can hold them."""

from __future__ import annotations

from typing import Final, TypeGuard

LATEST_MS: Final = 253_402_300_800_000  # the end of the year 9999, as Unix time in milliseconds
_LARGEST: Final = 2**53  # readers of JSON disagree on whole numbers beyond it
_INT64: Final = (-(2**63), 2**64)  # what the encoder writes


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a finite number that every reader of JSON holds alike; true and false are not."""
    kind = type(value)
    if kind is not int and kind is not float and (kind is bool or not issubclass(kind, int | float)):
        return False
    return -_LARGEST <= value <= _LARGEST  # type: ignore[operator]  # its class is a number's


def as_number(value: float) -> int | float:
    """Return a number of a class of the program's own (numpy's, say) as Python's own."""
    return int.__int__(value) if isinstance(value, int) else float.__float__(value)


def whole(value: int) -> int | str:
    """Return a whole number, as text where it has more than 64 bits."""
    if _INT64[0] <= value < _INT64[1]:
        return value
    try:
        return str(value)
    except ValueError:  # Python refuses to write out thousands of digits
        return f"<a whole number of {value.bit_length()} bits>"
