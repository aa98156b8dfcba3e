"""The stationary bootstrap: what else could have happened, with dependence between days kept.

D. Politis and J. Romano, The Stationary Bootstrap, JASA 89 (1994): blocks begin at a random day
and have random, geometric lengths; after the last day comes the first. The mean length is that
of D. Politis and H. White, Automatic Block-Length Selection for the Dependent Bootstrap,
Econometric Reviews 23 (2004), with the correction of A. Patton, D. Politis and H. White,
Econometric Reviews 28 (2009).

Random words come from PCG64 as they are (its stream is fixed, other than that of NumPy's
distributions), sums are added from the first to the last: one seed gives the same bits anywhere.
"""

import math

import numpy as np
from numpy.typing import NDArray

from admf_fast.monitor.figures import Matrix

Days = NDArray[np.int64]
UNIT = 2.0**-53


class Chance:
    """Uniform numbers in [0, 1) from a seed."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, count: int) -> Matrix:
        """Return the next numbers."""
        words: NDArray[np.uint64] = self._bits.random_raw(count)
        return (words >> np.uint64(11)).astype(np.float64) * UNIT


def stationary_days(
    days: int, length: int, replicates: int, block_days: float, chance: Chance
) -> Days:
    """Return which days to take: int64 of shape (replicates, length), values in [0, days).

    A new block begins with probability ``1 / block_days`` at every place.
    """
    shape = (replicates, length)
    anywhere = (chance.uniform(replicates * length).reshape(shape) * days).astype(np.int64)
    begins = chance.uniform(replicates * length).reshape(shape) < 1.0 / block_days
    begins[:, 0] = True
    place = np.arange(length)
    begin = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    return (np.take_along_axis(anywhere, begin, axis=1) + place - begin) % days


def block_length(values: Matrix) -> float:
    """Return the mean block length that suits a series, at least 1; NaN counts as its mean.

    1 for a series that does not vary.
    """
    known = ~np.isnan(values)
    count = len(values)
    if count < 10 or not known.any():
        return 1.0
    mean = _sum(values[known]) / int(np.count_nonzero(known))
    rest = np.where(known, values - mean, 0.0)
    if not rest.any():
        return 1.0
    return _optimal(rest, count)


def _optimal(rest: Matrix, count: int) -> float:
    root = math.sqrt(count)
    search = max(5, int(math.sqrt(math.log10(count))))
    lags_max = min(math.ceil(root) + search, count - 1)
    covariance = np.array([_sum(rest[k:] * rest[: count - k]) / count for k in range(lags_max + 1)])
    lags = 2 * _insignificant(covariance / covariance[0], count, search)
    lags = min(max(lags, 1), lags_max)
    k = np.arange(1, lags + 1)
    share = k / lags
    weight = np.where(share <= 0.5, 1.0, 2.0 * (1.0 - share))
    inside = covariance[1 : lags + 1]
    bend = 2.0 * _sum(weight * k * inside)
    spectrum = covariance[0] + 2.0 * _sum(weight * inside)
    if spectrum <= 0.0:
        return 1.0
    length = (2.0 * bend * bend / (2.0 * spectrum * spectrum)) ** (1.0 / 3.0) * count ** (1.0 / 3.0)
    return float(min(max(length, 1.0), math.ceil(min(3.0 * root, count / 3.0))))


def _insignificant(correlation: Matrix, count: int, search: int) -> int:
    """Return the lag after which `search` correlations in a row say nothing."""
    limit = 2.0 * math.sqrt(math.log10(count) / count)
    small = np.abs(correlation[1:]) < limit
    run = 0
    for lag, is_small in enumerate(small, 1):
        run = run + 1 if is_small else 0
        if run == search:
            return lag - search
    large = np.flatnonzero(~small)
    return int(large[-1]) + 1 if len(large) else 0


def _sum(values: Matrix) -> float:
    return float(np.add.accumulate(values)[-1]) if len(values) else 0.0
