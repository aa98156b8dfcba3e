"""Names the generated drivers use to reach memory; they exist compiled only."""

from typing import Any


def floats_at(address: int) -> Any:
    """Return a pointer to float64 at an address."""
    raise TypeError("exists in compiled drivers only")


def words_at(address: int) -> Any:
    """Return a pointer to int64 at an address."""
    raise TypeError("exists in compiled drivers only")


def invoke(entry: int, table: int, start: int, stop: int) -> int:
    """Call the driver at address `entry` on rows ``[start, stop)`` and return its status."""
    raise TypeError("exists in compiled drivers only")
