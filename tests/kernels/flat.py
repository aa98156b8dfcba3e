"""Bars on which nothing moves, and a strategy that is told what to want."""

import numpy as np

from admf_kernels import strategy
from admf_kernels.recording import Bars

MINUTE_NS = 60_000_000_000


@strategy()
def follow_volume(volume: float) -> float:
    """Want what the volume says: 0 is short, 4 is flat, 8 is long."""
    return volume * 0.25 - 1.0


def flat_bars(
    prices: list[float], volumes: list[float] | None = None, *, split: float = 1.0
) -> Bars:
    """Bars a minute apart, the first closing at minute 1, on which nothing moves.

    From the fourth on, volumes are in the units of a `split`.
    """
    close = np.array(prices)
    volume = np.array(volumes) if volumes else np.full(len(prices), 8.0)
    volume[3:] *= split
    ts_ns = MINUTE_NS * np.arange(1, len(prices) + 1)
    return Bars(ts_ns, close, close, close, close, volume)
