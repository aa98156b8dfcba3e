"""Names the generated drivers use to reach memory; they exist compiled only."""

from typing import Any

from admf_kernels.execution.log import ROWS, Log
from admf_kernels.execution.records import (
    OWN,
    SHARED,
    Bar,
    Exposure,
    Mark,
    News,
    Now,
    Order,
    Request,
    Seen,
    Turn,
)
from admf_kernels.execution.terms import CONSTANTS

NEAR_FLOATS = 8


def floats_at(address: int) -> Any:
    """Return a pointer to float64 at an address."""
    raise TypeError("exists in compiled drivers only")


def words_at(address: int) -> Any:
    """Return a pointer to int64 at an address."""
    raise TypeError("exists in compiled drivers only")


def invoke(entry: int, table: int, start: int, stop: int) -> int:
    """Call the driver at address `entry` on rows ``[start, stop)`` and return its status."""
    raise TypeError("exists in compiled drivers only")


# The classes of which a driver can have a record: 64-bit words at an address.
RECORDS: tuple[type, ...] = (
    *CONSTANTS.values(), *SHARED.values(), *OWN.values(), Bar, Exposure, Mark, News, Now, Order,
    Request, Seen, Turn, Log,
    *ROWS.values(),
)  # fmt: skip


def _record_at(cls: type) -> Any:
    def record_at(address: int) -> Any:
        raise TypeError("exists in compiled drivers only")

    record_at.__name__ = record_at.__qualname__ = name_at(cls)
    record_at.__doc__ = f"Return the {cls.__name__} at an address."
    return record_at


def name_at(cls: type) -> str:
    """Return the name of the function that gives a record of `cls`."""
    return f"at_{cls.__name__}"


# Those of which a driver can make one of its own, of zeros: ``near_Order()`` and its like.
# ``near_floats()`` gives a pointer to `NEAR_FLOATS` float64. What is near is kept in registers, if
# it can be. No function may stand between: its memory is gone when it returns.
NEAR_RECORDS: tuple[type, ...] = (Order, Now, Exposure, Bar, Log)
AT: dict[type, Any] = {cls: _record_at(cls) for cls in RECORDS}
