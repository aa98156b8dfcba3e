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
    Turn,
)
from admf_kernels.execution.terms import CONSTANTS

NEAR_WORDS = 2048


def floats_at(address: int) -> Any:
    """Return a pointer to float64 at an address."""
    raise TypeError("exists in compiled drivers only")


def words_at(address: int) -> Any:
    """Return a pointer to int64 at an address."""
    raise TypeError("exists in compiled drivers only")


def invoke(entry: int, table: int, start: int, stop: int) -> int:
    """Call the driver at address `entry` on rows ``[start, stop)`` and return its status."""
    raise TypeError("exists in compiled drivers only")


def transpose(into: Any, stride: int, columns: Any, places: Any, k: int, t: int) -> int:
    """Write 8 rows from `t` on of the 8 columns that begin at ``places[k]`` and after.

    Row ``t + r`` of them goes to ``into[stride * r + k]`` and after.
    """
    raise TypeError("exists in compiled drivers only")


def near_words() -> Any:
    """Return a pointer to `NEAR_WORDS` int64 of the caller's own; registers, where it can be."""
    raise TypeError("exists in compiled drivers only")


def move_lanes(to: Any, i: int, source: Any, j: int) -> int:
    """Copy 8 words from ``source[j]`` on to ``to[i]`` and after."""
    raise TypeError("exists in compiled drivers only")


# The classes of which a driver can have a record: 64-bit words at an address.
RECORDS: tuple[type, ...] = (
    *CONSTANTS.values(), *SHARED.values(), *OWN.values(), Bar, Exposure, Mark, News, Now, Order,
    Request, Turn, Log,
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


AT: dict[type, Any] = {cls: _record_at(cls) for cls in RECORDS}
