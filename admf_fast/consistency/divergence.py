"""What differs between two runs that take the same bars: named, counted, in families.

A family never counts for another: logic must agree in every bit, inputs are counted and
explained, executions are compared as figures.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from admf_fast.errors import DivergenceError
from admf_fast.parity.compare import Difference, shown
from admf_fast.report import values

TIMES = ("ts", "ts_ns", "entry_ts", "entry_ts_ns")
ULPS_SHOWN = 1_000_000  # beyond, two numbers have little in common
DIVERGENCES_KEPT = 100  # of each family; the first ones say where it began


class Family(StrEnum):
    """What kind of thing differs."""

    LOGIC = "logic"  # the same inputs gave other outputs: must never be
    INPUT = "input"  # the bars themselves differ
    EXECUTION = "execution"  # a venue did other than the model


class Divergence(NamedTuple):
    """One field that differs, on one bar.

    `bar` counts from 0; `expected` and `found` give value and bits; `ulps` is how many
    float64 lie between them, None for what is no float.
    """

    family: Family
    run: str
    layer: str
    bar: int
    ts_ns: int
    field: str
    expected: str
    found: str
    ulps: int | None = None

    def __str__(self) -> str:
        near = self.ulps is not None and self.ulps <= ULPS_SHOWN
        apart = f" ({self.ulps:,} ulp apart)" if near else ""
        when = f"bar {self.bar} (ts_ns {self.ts_ns})" if self.bar >= 0 else "the whole run"
        return (
            f"{self.family} divergence of run {self.run!r} at {when} in "
            f"{self.layer}.{self.field}: expected {self.expected}, found {self.found}{apart}"
        )

    @property
    def shown(self) -> tuple[str, str]:
        """Both values for a reader: those of a time as a time."""
        expected, found = (
            values.time(int(text)) if self.field in TIMES and text.isdecimal() else text
            for text in (self.expected, self.found)
        )
        return expected, found

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**self._asdict(), "family": str(self.family)}


def divergence_of(difference: Difference, family: Family = Family.LOGIC) -> Divergence:
    """Return a difference of two logs as a divergence; the ulps are read from its bits."""
    words = [_word_shown(text) for text in (difference.expected, difference.found)]
    apart = None if None in words else ulps_between(*words)  # type: ignore[arg-type]
    return Divergence(family, *difference, apart)


def _word_shown(text: str) -> int | None:
    """Return the word that `parity.compare.shown` wrote as bits; None where it wrote none."""
    head, found, bits = text.partition(" (0x")
    return _signed(int(bits[:16], 16)) if head and found else None


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def ulps_between(a: int, b: int) -> int:
    """Return how many steps of float64 lie between two words of float bits."""
    return abs(_ordered(a) - _ordered(b))


def _ordered(word: int) -> int:
    """Return a number that grows with the float whose bits `word` is."""
    return word if word >= 0 else -(word & (2**63 - 1))


def word_of(value: float) -> int:
    """Return the bits of a float, an int or a bool as a signed integer."""
    return int(np.float64(value).view(np.int64)) if isinstance(value, float) else int(value)


def text_of(value: object) -> str:
    """Return a value with its bits, where it is a float; text and None as they are."""
    if isinstance(value, float):
        return shown(pa.float64(), np.int64(word_of(value)))
    return repr(value) if isinstance(value, str) else str(value)


def differs(expected: object, found: object) -> bool:
    """Return whether two values are not the same bits."""
    if isinstance(expected, float) and isinstance(found, float):
        return word_of(expected) != word_of(found)
    return type(expected) is not type(found) or expected != found


def between(
    family: Family, run: str, place: tuple[str, int, int, str], expected: object, found: object
) -> Divergence:
    """Return the divergence of two values; `place` is layer, bar, ts_ns, field."""
    layer, bar, ts_ns, field = place
    floats = isinstance(expected, float) and isinstance(found, float)
    apart = ulps_between(word_of(expected), word_of(found)) if floats else None  # type: ignore[arg-type]
    return Divergence(
        family, run, layer, bar, ts_ns, field, text_of(expected), text_of(found), apart
    )


class DivergenceMonitor:
    """Keeps what diverged, each family for itself, and tells whoever listens.

    Attributes
    ----------
    counts : dict of Family to int
        All that were recorded; of each family the first `DIVERGENCES_KEPT` are kept.
    """

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Family, 0)
        self._kept: dict[Family, list[Divergence]] = {family: [] for family in Family}
        self._listeners: list[Callable[[Divergence], None]] = []

    def listen(self, listener: Callable[[Divergence], None]) -> None:
        """Call `listener` with every divergence, as it is recorded."""
        self._listeners.append(listener)

    def record_divergence(self, divergence: Divergence) -> None:
        """Count a divergence in its family, and tell the listeners; their exceptions are not
        caught.
        """
        self.counts[divergence.family] += 1
        kept = self._kept[divergence.family]
        if len(kept) < DIVERGENCES_KEPT:
            kept.append(divergence)
        for listener in self._listeners:
            listener(divergence)

    def of(self, family: Family) -> tuple[Divergence, ...]:
        """Return those of a family that are kept, in the order they came."""
        return tuple(self._kept[family])

    def first(self, family: Family = Family.LOGIC) -> Divergence | None:
        """Return the first of a family."""
        return self._kept[family][0] if self._kept[family] else None

    def require_none(self, family: Family = Family.LOGIC) -> None:
        """Raise DivergenceError with the first of a family, if there is one."""
        first = self.first(family)
        if first is not None:
            raise DivergenceError(str(first))
