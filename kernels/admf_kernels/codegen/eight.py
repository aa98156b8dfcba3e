"""Eight numbers at once, for drivers: one register of the widest; they exist compiled only.

An `Eight` holds eight float64, a mask eight truths. ``+ - * /``, comparisons, ``abs`` and
``numeric.select`` take them as they take numbers, element by element, and a number beside an
`Eight` stands for eight of it; masks know ``&``, ``|`` and ``~``. So a function of numbers is
compiled for both, and has the same bits in both.
"""

from typing import Any

WIDTH = 8


def load_eight(floats: Any, row: int) -> Any:
    """Return the values of 8 rows, from `row` on."""
    raise TypeError("exists in compiled drivers only")


def store_eight(floats: Any, row: int, values: Any) -> int:
    """Write the values to 8 rows, from `row` on."""
    raise TypeError("exists in compiled drivers only")


def eight_of(value: float) -> Any:
    """Return eight times the same number."""
    raise TypeError("exists in compiled drivers only")


def shifted(values: Any, first: Any) -> Any:
    """Return `first`, or the last of eight, and the first seven of the values."""
    raise TypeError("exists in compiled drivers only")


def element(values: Any, place: int) -> float:
    """Return the value at a place of 0 to 7."""
    raise TypeError("exists in compiled drivers only")


def highest_so_far(values: Any) -> Any:
    """Return, at every place, the highest of the values up to there; none may be NaN."""
    raise TypeError("exists in compiled drivers only")


def highest_of(values: Any) -> float:
    """Return the highest value."""
    raise TypeError("exists in compiled drivers only")


def lowest_of(values: Any) -> float:
    """Return the lowest value."""
    raise TypeError("exists in compiled drivers only")


def mask_of(bits: int) -> Any:
    """Return the mask of a number's lowest 8 bits, the lowest for the first place."""
    raise TypeError("exists in compiled drivers only")


def bits_in(mask: Any) -> int:
    """Return the number of which `mask_of` makes the mask."""
    raise TypeError("exists in compiled drivers only")


def lowest_bit(bits: int) -> int:
    """Return the place of the lowest bit that is set; 64 for none."""
    raise TypeError("exists in compiled drivers only")


def rarely(condition: bool) -> bool:
    """Return the condition, which the compiler may take for seldom true."""
    raise TypeError("exists in compiled drivers only")


NAMES = (
    load_eight, store_eight, eight_of, shifted, element, highest_so_far, highest_of, lowest_of,
    mask_of, bits_in, lowest_bit, rarely,
)  # fmt: skip
