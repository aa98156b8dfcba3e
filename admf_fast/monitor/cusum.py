"""The cumulative sum of Page: small lasting changes add up, chance does not."""

import numpy as np

from admf_fast.monitor.figures import Matrix


class Cusum:
    """Two one-sided sums of standardised values; one above `limit` is an alarm.

    ``up = max(0, up + z - shift)`` and ``down = max(0, down - z - shift)`` for
    ``z = (value - mean) / deviation``. After an alarm both begin again at 0.
    """

    def __init__(self, mean: float, deviation: float, shift: float, limit: float) -> None:
        self.mean, self.deviation, self.shift, self.limit = mean, deviation, shift, limit
        self.up = self.down = 0.0

    def add(self, value: float) -> float:
        """Take the next value; returns the sum that passed the limit, signed, else 0.

        NaN is a day without a value and changes nothing.
        """
        if value != value:
            return 0.0
        z = (value - self.mean) / self.deviation
        self.up = max(0.0, self.up + z - self.shift)
        self.down = max(0.0, self.down - z - self.shift)
        up, down = self.up, self.down
        if up <= self.limit and down <= self.limit:
            return 0.0
        self.up = self.down = 0.0
        return up if up >= down else -down


def highest_sums(standard: Matrix, shift: float) -> Matrix:
    """Return the highest that either sum reaches: (replicates, days, figures) to (.., figures)."""
    up = np.zeros((standard.shape[0], standard.shape[2]))
    down, highest = up.copy(), up.copy()
    for day in range(standard.shape[1]):
        z = standard[:, day]
        known = ~np.isnan(z)
        up = np.where(known, np.maximum(0.0, up + z - shift), up)
        down = np.where(known, np.maximum(0.0, down - z - shift), down)
        highest = np.maximum(highest, np.maximum(up, down))
    return highest
