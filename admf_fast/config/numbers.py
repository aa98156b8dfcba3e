"""Numbers as they are written in a configuration."""

import re

# JSON's grammar plus a sign, `.5` and `5.`: YAML 1.2 without the spellings that two readers
# understand differently (012, 1_000, 0x10, 12:30:00). Those stay text and fail as text.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_DIGITS_MAX = 400

INTEGER_MAX = 2**53
"""Integers beyond this are not exact in float64, in JSON readers or in editors."""


def number(text: str) -> int | float | None:
    """The number a text denotes, or None if it is not a number; ValueError if it would change."""
    if _INTEGER.match(text):
        return integer(text)
    if _FLOAT.match(text):
        return real(text)
    if _SPECIAL.match(text):
        raise ValueError("expected a finite number")
    return None


def integer(text: str) -> int:
    """An integer; ValueError beyond what float64 holds exactly."""
    # The length is looked at first: converting a million digits takes minutes.
    if len(text) > _DIGITS_MAX or abs(int(text)) > INTEGER_MAX:
        raise ValueError(f"expected an integer within +-{INTEGER_MAX} (exact in float64)")
    return int(text)


def real(text: str) -> float:
    """A float; ValueError if it overflows, or a number other than 0 would become 0."""
    value = float(text)
    if value in (float("inf"), float("-inf")) or value != value:
        raise ValueError("expected a finite number that float64 holds")
    if value == 0.0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise ValueError("expected 0 or a number that float64 does not make 0")
    return value
