"""Any metric over a moving window."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from admf_fast.metrics.sums import Column, column


def rolling(metric: Callable[..., float], window: int, *series: ArrayLike) -> Column:
    """Return `metric` of every full window of `window` periods, oldest first.

    One value for each period from the `window`-th on; a tuple of a metric becomes a row.
    Empty where there are fewer periods.

    >>> rolling(lambda r: sharpe_ratio(r, 252.0), 60, returns)
    """
    if window < 1:
        raise ValueError(f"expected a window of at least 1 period, found {window}")
    columns = [column(values) for values in series]
    lengths = {len(values) for values in columns}
    if len(lengths) != 1:
        raise ValueError(f"expected series of one length, found {sorted(lengths)}")
    ends = range(window, lengths.pop() + 1)
    return np.array([metric(*(v[end - window : end] for v in columns)) for end in ends], np.float64)
