"""A backtest's figures, how far they can vary, and from where on production has changed.

Three questions, three answers for each figure, all by the stationary bootstrap of the
backtest's days (`monitor.bootstrap`):

- `low`, `high`: how sure is the figure of the whole backtest? Quantiles over resampled runs.
- `alarm_low`, `alarm_high`: which values does a window of production reach by chance, at any
  of its daily looks within `horizon_days`?
- `cusum_limit`: how far does a cumulative sum of daily values climb by chance within
  `horizon_days`? E. Page, Continuous Inspection Schemes, Biometrika 41 (1954), with a limit by
  bootstrap (S. Chatterjee and P. Qiu, Distribution-free cumulative sum control charts using
  bootstrap-based control limits, Annals of Applied Statistics 3, 2009) and not from tables, as
  the values of days are neither normal nor independent.

The last two are calibrated together, so that all of them have one chance of a false alarm:
`monitor.limits`.
"""

import hashlib
import math

import msgspec
import numpy as np

from admf_fast.config import MonitorSpec
from admf_fast.errors import DataError
from admf_fast.metrics.sums import present
from admf_fast.monitor.bootstrap import Chance, block_length, stationary_days
from admf_fast.monitor.figures import FIGURES, Matrix, day_values, figures_of
from admf_fast.monitor.limits import Family, daily_moments, pieces

FORMAT = 2
Known = float | None


class Band(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure of the baseline; None for what the backtest says nothing about.

    `mean` and `deviation` are those of its daily values, which the cumulative sum standardises.
    """

    value: Known
    low: Known
    high: Known
    alarm_low: Known
    alarm_high: Known
    mean: Known
    deviation: Known
    cusum_limit: Known


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is expected of production, and all that it was made of."""

    format: int
    run_id: str
    inputs: dict[str, object]
    days: int
    window_days: int
    horizon_days: int
    false_alarms: float
    confidence: float
    cusum_shift: float
    block_days: float
    replicates: int
    seed: int
    figures: dict[str, Band]

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def make_baseline(
    rows: Matrix, spec: MonitorSpec, *, run_id: str = "", inputs: dict[str, object] | None = None
) -> Baseline:
    """Return the baseline of days; `rows` have `figures.COLUMNS`.

    Raises DataError for fewer than two windows of days.
    """
    needed = 2 * spec.window_days
    if len(rows) < needed:
        raise DataError(
            f"baseline: expected at least 2 * monitor.window_days = {needed} days with bars after "
            f"the warm-up, found {len(rows)}; run over more history, or shorten the window"
        )
    values = day_values(rows)
    block_days = _block_days(rows, values, spec)
    chance = Chance(spec.seed)
    whole = _confidence(rows, block_days, spec, chance)
    limits = Family(rows, values, block_days, spec, chance).limits()
    figures = figures_of(rows)
    means, deviations = daily_moments(values)
    made = {
        name: Band(
            value=_known(figures[k]),
            low=_known(whole[0][k]), high=_known(whole[1][k]),
            alarm_low=_known(limits.low[k]), alarm_high=_known(limits.high[k]),
            mean=_known(means[k]), deviation=_known(deviations[k]),
            cusum_limit=_known(limits.sums[k]),
        )
        for k, name in enumerate(FIGURES)
    }  # fmt: skip
    return Baseline(
        format=FORMAT, run_id=run_id, inputs=inputs or {}, days=len(rows),
        window_days=spec.window_days, horizon_days=spec.horizon_days,
        false_alarms=spec.false_alarms, confidence=spec.confidence,
        cusum_shift=spec.cusum_shift, block_days=block_days, replicates=spec.replicates,
        seed=spec.seed, figures=made,
    )  # fmt: skip


def _block_days(rows: Matrix, values: Matrix, spec: MonitorSpec) -> float:
    """Return the longest of the figures' own lengths, so that none loses its dependence."""
    if spec.block_days != "estimated":
        return min(float(spec.block_days), float(len(rows)))
    return max(block_length(values[:, k]) for k in range(len(FIGURES)))


def _confidence(
    rows: Matrix, block_days: float, spec: MonitorSpec, chance: Chance
) -> tuple[Matrix, Matrix]:
    days = len(rows)
    made = []
    for count in pieces(spec.replicates, days * rows.shape[1]):
        taken = stationary_days(days, days, count, block_days, chance)
        made.append(figures_of(rows[taken]))
    figures = np.concatenate(made)
    tail = (1.0 - spec.confidence) / 2.0
    return quantiles(figures, tail), quantiles(figures, 1.0 - tail)


def quantiles(values: Matrix, share: float) -> Matrix:
    """Return an order statistic of each column, the outer of two neighbours; NaN for none.

    The smallest value that at least a `share` of all lie at or below; below a half, the
    largest that at least ``1 - share`` lie at or above.
    """
    made = np.full(values.shape[1], np.nan)
    for k in range(values.shape[1]):
        ordered = np.sort(present(values[:, k]))
        if len(ordered):
            place = math.ceil(share * len(ordered)) - 1
            if share < 0.5:
                place = len(ordered) - math.ceil((1.0 - share) * len(ordered))
            made[k] = ordered[min(max(place, 0), len(ordered) - 1)]
    return made


def _known(value: float) -> Known:
    return float(value) if math.isfinite(value) else None
