"""Moving average convergence and divergence."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.numeric import fma
from admf_kernels.parameters import Rule
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    fast: Annotated[int, Between(2, 100_000)] = 12
    slow: Annotated[int, Between(3, 100_000)] = 26
    signal: Annotated[int, Between(1, 100_000)] = 9


class Constants(NamedTuple):
    """Prepared once; each average has its share while seeding, its weight, its decay."""

    first: int  # bars before the fast average's seed
    slow: int
    last: int  # first valid bar
    fast_seed: float
    fast_alpha: float
    fast_decay: float
    slow_seed: float
    slow_alpha: float
    slow_decay: float
    signal_seed: float
    signal_alpha: float
    signal_decay: float


class State(NamedTuple):
    """Survives the bar."""

    fast: float = 0.0
    slow: float = 0.0
    signal: float = 0.0


def _weights(period: int) -> tuple[float, float, float]:
    alpha = 2.0 / (period + 1.0)
    return 1.0 / period, alpha, 1.0 - alpha


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(
        p.slow - p.fast,
        p.slow,
        p.slow + p.signal - 1,
        *_weights(p.fast),
        *_weights(p.slow),
        *_weights(p.signal),
    )


@indicator(
    params=Params,
    state=State,
    prepare=prepare,
    inputs={"value": "close"},
    outputs=("macd", "signal", "histogram"),
    warmup_bars=lambda p: p.slow + p.signal - 1,
    rules=(Rule("fast < slow", lambda p: p.fast < p.slow),),
)
def macd(
    c: Constants, s: State, bars: int, value: float
) -> tuple[State, tuple[float, float, float]]:
    """Fast less slow exponential average, its own average, and their difference.

    ``macd = ema(fast) - ema(slow)``, ``signal = ema(signal) of macd``, ``histogram = macd -
    signal``, in the unit of the input. Both averages are seeded so that their seeds end on
    bar `slow`: the fast one with the mean of the `fast` bars up to it; the signal with the
    mean of the first `signal` values of macd. Source: TA-Lib MACD. First valid bar, of all
    three: ``slow + signal - 1``.
    """
    # Every choice is by `bars` alone and is settled before the steady loop. While an
    # average is seeding its old value keeps its full weight: the sum of shares is a mean.
    early = bars <= c.first
    seeding = bars <= c.slow
    fast_weight = 0.0 if early else (c.fast_seed if seeding else c.fast_alpha)
    fast = fma(1.0 if seeding else c.fast_decay, s.fast, value * fast_weight)
    slow_weight = c.slow_seed if seeding else c.slow_alpha
    slow = fma(1.0 if seeding else c.slow_decay, s.slow, value * slow_weight)
    line = fast - slow
    averaging = bars <= c.last
    weight = 0.0 if bars < c.slow else (c.signal_seed if averaging else c.signal_alpha)
    signal = fma(1.0 if averaging else c.signal_decay, s.signal, line * weight)
    return State(fast, slow, signal), (line, signal, line - signal)
