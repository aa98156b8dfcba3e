"""Where columns and state lie: what fills a register never spans two lines of a cache."""

import numpy as np
from numpy.typing import NDArray

LINE_WORDS = 8  # 64 bytes: a line, and the widest register


def whole_lines(rows: int) -> int:
    """Return how many rows fill as many lines as so many rows need."""
    return -(-rows // LINE_WORDS) * LINE_WORDS


def words_of_lines(count: int) -> NDArray[np.int64]:
    """Return zeros, int64 (count,), of which the first begins a line."""
    memory: NDArray[np.int64] = np.zeros(count + LINE_WORDS, np.int64)
    skipped = -(memory.ctypes.data // 8) % LINE_WORDS
    return memory[skipped : skipped + count]


def columns_of_lines(count: int, rows: int, first: int, fill: float) -> NDArray[np.float64]:
    """Return columns, float64 (count, rows), in which row `first` begins a line.

    `rows` fill whole lines.
    """
    memory = np.full(count * rows + LINE_WORDS, fill)
    skipped = -(memory.ctypes.data // 8 + first) % LINE_WORDS
    return memory[skipped : skipped + count * rows].reshape(count, rows)
