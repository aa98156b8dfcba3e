"""Bars to run the peers on: random walks, gentle and hostile, and the peers' own example data."""

import numpy as np

from tests.peers.kinds import Bars


def random_bars(
    seed: int,
    count: int = 200,
    *,
    start: float = 100.0,
    step: float = 0.01,
    gap: float = 0.005,
    hostile: bool = False,
    tick: float = 0.01,
) -> Bars:
    """Return a random walk on a price grid.

    step and gap are the relative spread within a bar and from its forerunner's close. Hostile
    walks jump up to a fifth between bars, and have bars without any range. A coarse tick makes
    prices meet levels exactly.
    """
    rng = np.random.default_rng(seed)
    jump = rng.normal(0.0, gap, count)
    move = rng.normal(0.0, step, count)
    if hostile:
        jump += np.where(rng.random(count) < 0.1, rng.uniform(-0.2, 0.2, count), 0.0)
        flat = rng.random(count) < 0.08
        move[flat] = 0.0
    else:
        flat = np.zeros(count, dtype=bool)
    open_ = np.empty(count)
    close = np.empty(count)
    last = start
    for bar in range(count):
        # Pulled back to the start, so that a long walk stays in a range worth trading.
        pull = 0.05 * (start - last) / start
        open_[bar] = last * (1.0 + jump[bar])
        close[bar] = last = max(open_[bar] * (1.0 + move[bar] + pull), start / 10)
    reach = np.where(flat, 0.0, np.abs(rng.normal(0.0, step, (2, count))))
    high = np.maximum(open_, close) * (1.0 + reach[0])
    low = np.minimum(open_, close) * (1.0 - reach[1])
    prices = (np.round(np.round(x / tick) * tick, 6) for x in (open_, high, low, close))
    opens, highs, lows, closes = prices
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    return Bars(opens, np.maximum(highs, top), np.minimum(lows, bottom), closes)


def google() -> Bars:
    """Return the daily bars the examples of `backtesting` run on."""
    from backtesting.test import GOOG

    names = ("Open", "High", "Low", "Close")
    return Bars(*(GOOG[name].to_numpy(dtype=np.float64) for name in names))
