"""What the sections of a configuration are made of: their base, names, parameters."""

from typing import Annotated

import msgspec
from msgspec import Meta

Identifier = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$(?!\n)",
        extra={"expected": "1 to 64 of A-Z a-z 0-9 _, no digit first"},
    ),
]
_KERNEL_PATTERN = (
    r"^(?:[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:)?[A-Za-z_][A-Za-z0-9_]*$(?!\n)"
)
KernelName = Annotated[
    str,
    Meta(
        pattern=_KERNEL_PATTERN,
        max_length=200,
        extra={"expected": "a registered name like sma_cross, or module:name"},
    ),
]
ParamValue = bool | int | float
Params = dict[Identifier, ParamValue]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, and closed to keys it does not name."""
