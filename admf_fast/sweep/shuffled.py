"""Bars in another order: the same changes, the same start and end, nothing to be learnt."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from admf_fast.data import BarBlock
from admf_fast.errors import DataError
from admf_fast.sweep.bars import Bars


@dataclass(frozen=True, slots=True)
class Shuffled:
    """An input whose changes are shuffled; read as an input is.

    Of every bar but the first, how far high, low and close are from the open, in logarithms,
    goes to another place, the volume with it; and so does, apart, the gap from the close
    before (Masters 2018). Times stay. The last close is the real one, but for rounding.
    """

    bars: Bars
    seed: int

    @property
    def symbol(self) -> str:
        """The symbol of the input."""
        return self.bars.symbol

    @property
    def count(self) -> int:
        """How many bars there are."""
        return self.bars.count

    def blocks(self) -> Iterator[BarBlock]:
        """Yield the bars as one block; DataError for prices that have no logarithm."""
        columns = [np.concatenate(part) for part in zip(*self._columns(), strict=True)]
        ts_ns, volume = columns[0], columns[5].copy()
        prices = np.stack(columns[1:5])
        if not len(ts_ns) or not (prices > 0.0).all():
            raise DataError(f"{self.symbol}: expected prices above 0 to shuffle their changes")
        open_, high, low, close = np.log(prices)
        inside = np.stack([high - open_, low - open_, close - open_])
        gap = open_[1:] - close[:-1]
        random = np.random.Generator(np.random.Philox(self.seed))
        order = 1 + random.permutation(len(gap))
        inside[:, 1:], volume[1:] = inside[:, order], volume[order]
        opened = np.empty(len(ts_ns))
        steps = random.permutation(gap) + inside[2, :-1]
        opened[0], opened[1:] = open_[0], open_[0] + np.cumsum(steps)
        made = np.exp(np.stack([opened, *(opened + inside)]))
        highest, lowest = np.maximum(made[0], made[3]), np.minimum(made[0], made[3])
        yield BarBlock(
            ts_ns, made[0], np.maximum(made[1], highest), np.minimum(made[2], lowest), made[3],
            volume,
        )  # fmt: skip

    def _columns(self) -> Iterator[tuple[np.ndarray, ...]]:
        for block in self.bars.blocks():
            yield block.columns()
