"""Consecutive bars, column by column: what every part of the engine reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BARS_MAX: Final = 65_536
VALUE_COLUMNS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, eq=False)
class BarBlock:
    """Consecutive bars, column by column.

    Attributes
    ----------
    ts_ns : int64[n]
        UTC nanoseconds of each bar's **close**, strictly increasing.
    open, high, low, close, volume : float64[n]
        Prices and volume.

    All arrays have one length, are C-contiguous and aligned. Those of a source are read-only,
    because they may be views of memory that Arrow or the caller owns.
    """

    ts_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ts_ns)

    def slice(self, start: int, stop: int) -> BarBlock:
        """Return the bars [start, stop) as views; bounds are those of a Python slice."""
        return BarBlock(
            self.ts_ns[start:stop],
            self.open[start:stop],
            self.high[start:stop],
            self.low[start:stop],
            self.close[start:stop],
            self.volume[start:stop],
        )

    def take(self, keep: NDArray[np.bool_]) -> BarBlock:
        """Return copies of the bars where `keep` (bool[n]) is true."""
        return BarBlock(
            self.ts_ns[keep],
            self.open[keep],
            self.high[keep],
            self.low[keep],
            self.close[keep],
            self.volume[keep],
        )

    def columns(self) -> tuple[NDArray[np.int64] | NDArray[np.float64], ...]:
        """Return ts_ns, open, high, low, close, volume."""
        return (self.ts_ns, self.open, self.high, self.low, self.close, self.volume)


def concat_blocks(blocks: list[BarBlock]) -> BarBlock:
    """Return all bars of `blocks` as one block; an empty list gives a block of no bars."""
    if not blocks:
        empty = np.empty(0, np.float64)
        return BarBlock(np.empty(0, np.int64), empty, empty, empty, empty, empty)
    return BarBlock(
        np.concatenate([b.ts_ns for b in blocks]),
        np.concatenate([b.open for b in blocks]),
        np.concatenate([b.high for b in blocks]),
        np.concatenate([b.low for b in blocks]),
        np.concatenate([b.close for b in blocks]),
        np.concatenate([b.volume for b in blocks]),
    )
