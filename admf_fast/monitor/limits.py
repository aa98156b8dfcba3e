"""From where on production has changed: one chance of a false alarm for all detectors together.

A detector of one figure has the lowest value of its moving windows, the highest one, or the
highest of its cumulative sums, within `horizon_days`. Its limit lies so many deviations of that
extreme beyond the mean of it, both by the stationary bootstrap of the backtest; how many is the
same for all bands, and the same for all sums, and calibrated:

- One chance for the family, by the distribution of the largest of the standardised extremes,
  with what they have in common (P. Westfall and S. Young, Resampling-Based Multiple Testing,
  1993: maxT within bands and within sums, minP between the two).
- The backtest is one draw of what could have been, so that its extremes are less than those to
  come. Histories are drawn from it, each has means, deviations and moments of its own, and is
  held against productions that are drawn from all of the backtest, days that the history does
  not have included (R. Beran, Prepivoting test statistics, JASA 83, 1988).
"""

import math
from typing import NamedTuple

import numpy as np

from admf_fast.config import MonitorSpec
from admf_fast.metrics.sums import deviation, mean_of, present
from admf_fast.monitor.bootstrap import Chance, Days, stationary_days
from admf_fast.monitor.cusum import highest_sums
from admf_fast.monitor.figures import FIGURES, Matrix, moving_figures

CUSUM_DAYS_MIN = 20  # fewer daily values say too little about their spread
CHUNK_WORDS = 2_000_000
HISTORIES = 40
PRODUCTIONS_SHARE = 40  # `replicates` over this is drawn for each history
MOMENTS_SHARE = 20
WHOLE_SHARE = 2  # and over this for the backtest itself
ROUNDING = 1e-9  # of the mean: a deviation below is one of running sums
COUNT = len(FIGURES)
BANDS, SUMS = slice(0, 2 * COUNT), slice(2 * COUNT, 3 * COUNT)


class Limits(NamedTuple):
    """What is alarming of each figure, shape (figures,); NaN for what cannot be said."""

    low: Matrix
    high: Matrix
    sums: Matrix


class _Known(NamedTuple):
    """A history as it is compared with: its days, and means and deviations of their values."""

    place: Days
    means: Matrix
    deviations: Matrix


class Family:
    """Draws productions of days, and measures what detectors make of them."""

    def __init__(
        self, rows: Matrix, values: Matrix, block_days: float, spec: MonitorSpec, chance: Chance
    ) -> None:
        self._rows, self._values = rows, values
        self._block_days, self._spec, self._chance = block_days, spec, chance

    def limits(self) -> Limits:
        """Return from where on production is not what the backtest led to expect."""
        replicates = self._spec.replicates
        excess = np.concatenate([self._excess() for _ in range(HISTORIES)])
        factors = family_factors(excess, self._spec.false_alarms)
        whole = self._known(np.arange(len(self._rows)))
        centre, spread = _moments(self._extremes(whole, whole.place, replicates // WHOLE_SHARE))
        with np.errstate(all="ignore"):
            far = centre + np.where(spread > 0.0, factors * spread, 0.0)
        return Limits(-far[:COUNT], far[COUNT : 2 * COUNT], far[SUMS])

    def _excess(self) -> Matrix:
        """Return extremes of production, standardised as a drawn history would have them."""
        days, replicates = len(self._rows), self._spec.replicates
        known = self._known(stationary_days(days, days, 1, self._block_days, self._chance)[0])
        own = self._extremes(known, known.place, max(replicates // MOMENTS_SHARE, 2))
        centre, spread = _moments(own)
        every = np.arange(days)
        found = self._extremes(known, every, max(replicates // PRODUCTIONS_SHARE, 1))
        with np.errstate(all="ignore"):
            excess = (found - centre) / spread
        return np.where(np.isfinite(excess), excess, -np.inf)

    def _known(self, place: Days) -> _Known:
        return _Known(place, *daily_moments(self._values[place]))

    def _extremes(self, known: _Known, place: Days, count: int) -> Matrix:
        """Return lows (negated), highs and sums of productions drawn from days of a history."""
        spec = self._spec
        length = spec.horizon_days + spec.window_days - 1
        words = spec.horizon_days * spec.window_days * self._rows.shape[1]
        made = []
        for some in pieces(count, words):
            drawn = stationary_days(len(place), length, some, self._block_days, self._chance)
            taken = place[drawn]
            figures = moving_figures(self._rows[taken], spec.window_days)
            with np.errstate(all="ignore"):  # values that never differ have no sum
                values = self._values[taken[:, : spec.horizon_days]]
                sums = highest_sums((values - known.means) / known.deviations, spec.cusum_shift)
            sums[:, ~(known.deviations > 0.0)] = np.nan
            low, high = np.fmin.reduce(figures, axis=1), np.fmax.reduce(figures, axis=1)
            made.append(np.concatenate((-low, high, sums), axis=1))
        return np.concatenate(made)


def daily_moments(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return mean and deviation of the daily values of each figure; NaN for too few."""
    return _moments(values, CUSUM_DAYS_MIN)


def _moments(values: Matrix, least: int = 2) -> tuple[Matrix, Matrix]:
    """Return mean and deviation of each column, NaN left out; 0 for what does not vary."""
    means, deviations = np.full((2, values.shape[1]), np.nan)
    for k in range(values.shape[1]):
        known = present(values[:, k])
        if len(known) >= least:
            means[k], spread = mean_of(known), deviation(known)
            deviations[k] = spread if spread > ROUNDING * abs(means[k]) else 0.0
    return means, deviations


def family_factors(excess: Matrix, false_alarms: float) -> Matrix:
    """Return how many deviations each detector may go, so that few productions go further.

    `excess` is (productions, 3 * figures), -inf where nothing was observed. At most
    `false_alarms` of the productions have any detector above its factor; bands and sums are
    passed equally often.
    """
    count = len(excess)
    highest = np.stack([excess[:, group].max(axis=1) for group in (BANDS, SUMS)], axis=1)
    ordered = np.sort(highest, axis=0)
    above = [count - np.searchsorted(ordered[:, g], highest[:, g], "left") for g in range(2)]
    rarest = np.sort(np.minimum(*above))
    allowed = math.floor(false_alarms * count)
    # So many of the highest of either kind are alarms; one more would be too many in all.
    rank = int(rarest[allowed]) - 1 if allowed < count else count
    factors = [ordered[count - 1 - min(rank, count - 1), g] for g in range(2)]
    return np.repeat(factors, (2 * COUNT, COUNT))


def pieces(replicates: int, words: int) -> list[int]:
    """Return how many replicates to hold at once; the bits depend on it, so it is fixed."""
    at_once = max(1, CHUNK_WORDS // words)
    whole, rest = divmod(replicates, at_once)
    return [at_once] * whole + ([rest] if rest else [])
