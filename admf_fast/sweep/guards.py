"""Guards against overfitting: what the best of many sets is worth, given that there were many.

All take returns per bar, and give fractions. They are statistics about a sweep; no run depends
on them.
"""

import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EULER = 0.5772156649015329
_NORMAL = NormalDist()


class Overfitting(NamedTuple):
    """Probability of backtest overfitting, and of how many splits."""

    probability: float
    splits: int
    median_rank: float  # of the chosen set outside its sample: 1 the best, 0 the worst


def overfitting(sums: Floats) -> Overfitting:
    """Return the probability that the best set inside a sample is below the median outside.

    By combinatorially symmetric cross-validation over all halves of the parts (Bailey, Borwein,
    López de Prado and Zhu 2017); sets are ranked by Sharpe ratio.

    Parameters
    ----------
    sums : float64 (parts, sets, 3)
        Bars, sum and sum of squares of the returns of each set in each part; parts even.
    """
    parts, sets = sums.shape[:2]
    if sets < 2:
        return Overfitting(math.nan, 0, math.nan)
    ranks = []
    for chosen in itertools.combinations(range(parts), parts // 2):
        inside = np.zeros(parts, np.bool_)
        inside[list(chosen)] = True
        train, test = (sharpe_ratios(sums[part].sum(axis=0)) for part in (inside, ~inside))
        best = int(np.argmax(train))
        below = np.count_nonzero(test < test[best])
        ties = np.count_nonzero(test == test[best]) - 1
        ranks.append((below + ties / 2.0 + 1.0) / (sets + 1.0))
    found = np.array(ranks)
    return Overfitting(float(np.mean(found <= 0.5)), len(ranks), float(np.median(found)))


def sharpe_ratios(sums: Floats, free: float = 0.0) -> Floats:
    """Return Sharpe ratios per bar, 0 where nothing moved; sums are (sets, 3).

    `free` is the risk-free return of a bar.
    """
    bars, total, squares = sums.T
    count = np.maximum(bars, 2.0)
    mean = total / count
    variance = np.maximum(squares - total * mean, 0.0) / (count - 1.0)
    moved = variance > 0.0
    return np.where(moved, (mean - free) / np.sqrt(np.where(moved, variance, 1.0)), 0.0)


def rank(figures: Sequence[float], chosen: int) -> float:
    """Return the share of the other sets that a set beats, ties counting half."""
    others = [value for k, value in enumerate(figures) if k != chosen]
    if not others:
        return math.nan
    below = sum(value < figures[chosen] for value in others)
    ties = sum(value == figures[chosen] for value in others)
    return (below + ties / 2.0) / len(others)


DECAY_PARTS = 5


class DecayRow(NamedTuple):
    """Means of the sets that are in one part by their figure on the train bars."""

    sets: int  # of all folds
    train: float
    test: float


class Decay(NamedTuple):
    """What is left on the test bars of figures on the train bars, over all sets and folds.

    `rows` are fifths of the sets by their train figure, the best first; `correlation` is
    Spearman's, of train and test figures, the mean of the folds: 0 where nothing is left.
    """

    rows: tuple[DecayRow, ...]
    correlation: float


def decay(train: Floats, test: Floats) -> Decay:
    """Return how figures decay from train to test; both (folds, sets), infinite for none."""
    parts: dict[int, list[tuple[float, float]]] = {}
    correlations = []
    for before, after in zip(train, test, strict=True):
        known = np.isfinite(before) & np.isfinite(after)
        kept, left = before[known], after[known]
        count = len(kept)
        for place, k in enumerate(np.argsort(-kept, kind="stable").tolist()):
            pair = float(kept[k]), float(left[k])
            parts.setdefault(place * min(DECAY_PARTS, count) // count, []).append(pair)
        correlations.append(_correlation(_ranks(kept), _ranks(left)))
    rows = []
    for _, pairs in sorted(parts.items()):
        means = [math.fsum(side) / len(pairs) for side in zip(*pairs, strict=True)]
        rows.append(DecayRow(len(pairs), *means))
    defined = [value for value in correlations if math.isfinite(value)]
    return Decay(tuple(rows), math.fsum(defined) / len(defined) if defined else math.nan)


def _ranks(values: Floats) -> Floats:
    """Return the rank of every value, equal ones alike."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2.0)[places]
    return ranks


def _correlation(first: Floats, second: Floats) -> float:
    """Return Pearson's correlation; NaN where one of them does not move."""
    if len(first) < 2:
        return math.nan
    a, b = first - np.mean(first), second - np.mean(second)
    spread = math.sqrt(float(np.dot(a, a)) * float(np.dot(b, b)))
    return float(np.dot(a, b)) / spread if spread > 0.0 else math.nan


class Deflated(NamedTuple):
    """The deflated Sharpe ratio: the probability that the true one is above 0."""

    probability: float
    sharpe: float  # per bar
    expected_best: float  # the Sharpe ratio that the best of so many sets has by luck


def deflated_sharpe(returns: Floats, trials: Floats) -> Deflated:
    """Return the deflated Sharpe ratio of the best of many sets (Bailey, López de Prado 2014).

    Parameters
    ----------
    returns : float64 (bars,)
        Of the set that was chosen.
    trials : float64 (sets,)
        Sharpe ratios, per bar, of all sets that were tried.
    """
    bars, tried = len(returns), len(trials)
    deviation = float(np.std(returns, ddof=1)) if bars > 2 else 0.0
    if not deviation > 0.0:
        return Deflated(math.nan, math.nan, math.nan)
    sharpe = float(np.mean(returns)) / deviation
    scaled = (returns - np.mean(returns)) / np.std(returns)
    skew, kurtosis = float(np.mean(scaled**3)), float(np.mean(scaled**4))
    spread = float(np.std(trials, ddof=1)) if tried > 1 else 0.0
    return deflated_from(sharpe, bars, skew, kurtosis, tried, spread)


def deflated_from(
    sharpe: float, bars: int, skew: float, kurtosis: float, tried: int, spread: float
) -> Deflated:
    """Return the deflated Sharpe ratio from moments; `spread` is the deviation of the trials."""
    expected = 0.0
    if tried > 1:
        upper = _NORMAL.inv_cdf(1.0 - 1.0 / tried)
        further = _NORMAL.inv_cdf(1.0 - 1.0 / (tried * math.e))
        expected = spread * ((1.0 - EULER) * upper + EULER * further)
    noise = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if not noise > 0.0:
        return Deflated(math.nan, sharpe, expected)
    score = (sharpe - expected) * math.sqrt(bars - 1.0) / math.sqrt(noise)
    return Deflated(_NORMAL.cdf(score), sharpe, expected)


class Tested(NamedTuple):
    """How often chance gives a mean return as large."""

    p_value: float
    samples: int
    block_bars: int


def block_bootstrap(returns: Floats, *, samples: int = 1000, seed: int = 0) -> Tested:
    """Return how often the mean of resampled returns, moved to mean 0, reaches the real one.

    Circular blocks as long as the cube root of the bars keep what follows each other together
    (Politis and Romano 1992).
    """
    bars = len(returns)
    if bars < 2:
        return Tested(math.nan, 0, 0)
    block = max(1, round(bars ** (1.0 / 3.0)))
    mean = float(np.mean(returns))
    moved = np.concatenate([returns, returns[: block - 1]]) - mean
    # The sum of the block that begins at each bar.
    running = np.concatenate([[0.0], np.cumsum(moved)])
    sums = running[block:] - running[:-block]
    random = np.random.Generator(np.random.Philox(seed))
    blocks = -(-bars // block)
    reached = 0
    for _ in range(samples):
        starts = random.integers(0, bars, blocks)
        reached += bool(np.sum(sums[starts]) / (blocks * block) >= mean)
    return Tested((reached + 1) / (samples + 1), samples, block)


def permutation(returns: Floats, *, samples: int = 1000, seed: int = 0) -> Tested:
    """Return how often returns of random sign have a mean as large as the real one."""
    bars = len(returns)
    if bars < 2:
        return Tested(math.nan, 0, 0)
    mean = float(np.mean(returns))
    random = np.random.Generator(np.random.Philox(seed))
    reached = 0
    for _ in range(samples):
        signs = random.integers(0, 2, bars) * 2 - 1
        reached += bool(float(np.dot(signs, returns)) / bars >= mean)
    return Tested((reached + 1) / (samples + 1), samples, 1)
