"""Quantiles of times in constant memory: a histogram with buckets of equal relative width."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SUB_BITS = 6  # 64 buckets for each power of two: a quantile is at most 1/64 too high
BUCKETS = (64 - SUB_BITS) << SUB_BITS


class TimeHistogram:
    """Counts of times of 0 to 2**63 - 1 ns.

    Times below 64 ns have a bucket each, above that every power of two has 64; a quantile is
    the upper edge of its bucket (at most 1.6 % above the true one), the maximum is exact.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(BUCKETS, np.int64)
        self.max_ns = 0
        self.count = 0

    def add(self, times_ns: ArrayLike) -> None:
        """Count times, int64 (n,); raises ValueError for a negative one."""
        times = np.atleast_1d(np.asarray(times_ns, np.int64))
        if not len(times):
            return
        if int(times.min()) < 0:
            raise ValueError(f"expected times of 0 ns or more, found {int(times.min())}")
        self._counts += np.bincount(_bucket_of(times), minlength=BUCKETS)
        self.max_ns = max(self.max_ns, int(times.max()))
        self.count += len(times)

    def quantile(self, share: float) -> int:
        """Return the time in ns that `share` (0 to 1) of all times do not exceed; 0 for none."""
        if not self.count:
            return 0
        rank = min(max(math.ceil(share * self.count), 1), self.count)
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(_upper_edge(bucket), self.max_ns)

    def quantiles(self, shares: Sequence[float] = (0.50, 0.95, 0.99)) -> dict[str, int]:
        """Return p50, p95, p99 (or others) and the maximum, in ns."""
        return {**{f"p{s * 100:g}": self.quantile(s) for s in shares}, "max": self.max_ns}


def _bucket_of(times: NDArray[np.int64]) -> NDArray[Any]:
    """Return the bucket of every time: the time itself, or its power of two and next bits."""
    # frexp is exact below 2**53; above it a time may round up to the next power of two.
    power = np.frexp(times.astype(np.float64))[1]
    power -= (times >> np.clip(power - 1, 0, 62)) == 0
    shift = np.clip(power - 1 - SUB_BITS, 0, None)
    found: NDArray[Any] = (shift << SUB_BITS) + (times >> shift)
    return found


def _upper_edge(bucket: int) -> int:
    """Return the greatest time that falls into a bucket."""
    shift = max((bucket >> SUB_BITS) - 1, 0)
    kept = bucket - (shift << SUB_BITS)
    return ((kept + 1) << shift) - 1
