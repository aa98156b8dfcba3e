"""What all sections of a configuration are made of: the base class, names and numbers."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

Value = TypeVar("Value")

# `(?!\n)`: Python's `$` also matches in front of a last newline, an editor's does not.
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        extra={"expected": "1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first"},
    ),
]
Identifier = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$(?!\n)",
        extra={"expected": "1 to 64 of A-Z a-z 0-9 _, no digit first"},
    ),
]
Symbol = Annotated[
    str,
    Meta(
        pattern=r"^(?!\.+$)[A-Za-z0-9._-]{1,64}$(?!\n)",
        extra={"expected": "a symbol of 1 to 64 of A-Z a-z 0-9 . _ -"},
    ),
]
Currency = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z][A-Z0-9]{1,9}$(?!\n)",
        extra={"expected": "a currency of 2 to 10 of A-Z 0-9, such as USD"},
    ),
]
_MODULE = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:"
KernelName = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{_MODULE})?[A-Za-z_][A-Za-z0-9_]*$(?!\n)",
        max_length=200,
        extra={"expected": "a registered name like sma_cross, or module:name"},
    ),
]
OutputName = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{_MODULE})?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?$(?!\n)",
        max_length=200,
        extra={"expected": "a registered name like rsi or bollinger.upper, or module:name"},
    ),
]
OwnFunction = Annotated[
    str,
    Meta(
        pattern=rf"^{_MODULE}[A-Za-z_][A-Za-z0-9_]*$(?!\n)",
        max_length=200,
        extra={"expected": "module:name of a function of your own"},
    ),
]
ParamValue = bool | int | float
Params = dict[Identifier, ParamValue]

Positive = Annotated[float, Meta(gt=0.0)]
# Products and quotients of a few of these stay far from infinity and from 0.
Scale = Annotated[float, Meta(ge=1e-12, le=1e12, extra={"expected": "a number from 1e-12 to 1e12"})]
Cost = Annotated[float, Meta(ge=0.0)]
# At 10,000 bps a sale would bring nothing, and beyond that less than nothing.
CostBps = Annotated[float, Meta(ge=0.0, lt=10_000.0)]
Percent = Annotated[float, Meta(gt=0.0)]
Share = Annotated[float, Meta(gt=0.0, le=100.0)]
Rate = Annotated[float, Meta(ge=0.0, lt=1000.0)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, and closed to keys it does not name.

    A key that is not given and has no default is UNSET, which is false; null is refused.
    """

    @classmethod
    def remedy(cls, found: object) -> str:
        """What to write where something other than a section was found; empty if unclear."""
        return ""


def given(value: Value | UnsetType, otherwise: Value) -> Value:
    """The value of a key, or another one where the key is not given."""
    return otherwise if value is UNSET else value
