"""Every registered indicator over a whole column, beside TA-Lib where it has the same."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import talib

from admf_fast.data import BarBlock
from admf_kernels import Indicator, compute, get, names
from admf_kernels.clock import continuous
from admf_kernels.contract import Composite, Feature, Output
from admf_kernels.plan import Plan, bar_columns_of
from bench.bars import bars_of
from bench.figure import Figure, Scale
from bench.timing import fastest_s


class Comparison(NamedTuple):
    """TA-Lib's call for the same parameters, and the ratio that was promised."""

    peer: Callable[[BarBlock], Any]
    goal: float | None = None


SMA, EMA = 0, 1  # TA-Lib's numbers of averages

# Drives the timings and the check that both compute the same; ours has default parameters.
COMPARISONS: dict[str, Comparison] = {
    "sma": Comparison(lambda b: talib.SMA(b.close, 20), 0.8),
    "ema": Comparison(lambda b: talib.EMA(b.close, 20), 0.8),
    "wma": Comparison(lambda b: talib.WMA(b.close, 20)),
    "rsi": Comparison(lambda b: talib.RSI(b.close, 14), 0.8),
    "atr": Comparison(lambda b: talib.ATR(b.high, b.low, b.close, 14), 1.3),
    "true_range": Comparison(lambda b: talib.TRANGE(b.high, b.low, b.close)),
    "bollinger": Comparison(lambda b: talib.BBANDS(b.close, 20, 2.0, 2.0), 0.8),
    "macd": Comparison(lambda b: talib.MACD(b.close, 12, 26, 9), 0.8),
    "rolling_max": Comparison(lambda b: talib.MAX(b.close, 20), 1.3),
    "rolling_min": Comparison(lambda b: talib.MIN(b.close, 20), 1.3),
    "stddev": Comparison(lambda b: talib.STDDEV(b.close, 20, 1.0)),
    "roc": Comparison(lambda b: talib.ROC(b.close, 10)),
    "ad": Comparison(lambda b: talib.AD(b.high, b.low, b.close, b.volume)),
    "adx": Comparison(
        lambda b: (
            talib.ADX(b.high, b.low, b.close, 14),
            _from(27, talib.PLUS_DI(b.high, b.low, b.close, 14)),
            _from(27, talib.MINUS_DI(b.high, b.low, b.close, 14)),
        )
    ),
    "apo": Comparison(lambda b: talib.APO(b.close, 12, 26, EMA)),
    "aroon": Comparison(
        lambda b: (*talib.AROON(b.high, b.low, 25)[::-1], talib.AROONOSC(b.high, b.low, 25))
    ),
    "cci": Comparison(lambda b: talib.CCI(b.high, b.low, b.close, 20)),
    "cmo": Comparison(lambda b: talib.CMO(b.close, 14)),
    "correlation": Comparison(lambda b: talib.CORREL(b.close, b.volume, 30)),
    "dema": Comparison(lambda b: talib.DEMA(b.close, 20)),
    "kama": Comparison(lambda b: talib.KAMA(b.close, 10)),
    "linear_regression": Comparison(
        lambda b: (talib.LINEARREG(b.close, 14), talib.LINEARREG_SLOPE(b.close, 14))
    ),
    "mfi": Comparison(lambda b: talib.MFI(b.high, b.low, b.close, b.volume, 14)),
    "momentum": Comparison(lambda b: talib.MOM(b.close, 10)),
    "natr": Comparison(lambda b: talib.NATR(b.high, b.low, b.close, 14)),
    "obv": Comparison(lambda b: talib.OBV(b.close, b.volume)),
    "ppo": Comparison(lambda b: talib.PPO(b.close, 12, 26, EMA)),
    "psar": Comparison(lambda b: talib.SAR(b.high, b.low, 0.02, 0.2)),
    "rolling_sum": Comparison(lambda b: talib.SUM(b.close, 20)),
    "stochastic": Comparison(lambda b: talib.STOCH(b.high, b.low, b.close, 14, 3, SMA, 3, SMA)),
    "stochastic_fast": Comparison(lambda b: talib.STOCHF(b.high, b.low, b.close, 14, 3, SMA)),
    "tema": Comparison(lambda b: talib.TEMA(b.close, 20)),
    "trix": Comparison(lambda b: talib.TRIX(b.close, 15)),
    "typical_price": Comparison(lambda b: talib.TYPPRICE(b.high, b.low, b.close)),
    "ultimate_oscillator": Comparison(lambda b: talib.ULTOSC(b.high, b.low, b.close, 7, 14, 28)),
    "williams_r": Comparison(lambda b: talib.WILLR(b.high, b.low, b.close, 14)),
}


def _from(bar: int, column: np.ndarray) -> np.ndarray:
    """Return a column without its first values, which TA-Lib gives earlier."""
    column[:bar] = np.nan
    return column


def indicator_names() -> list[str]:
    """Return every registered indicator; being registered is being benchmarked."""
    return names((Indicator, Composite))


def columns_read(feature: Feature | Output, bars: BarBlock) -> list[np.ndarray]:
    """Return the columns of `bars` that a feature reads, in the order `compute` takes them."""
    output = feature if isinstance(feature, Output) else Output(feature, 0)
    clock = continuous().columns(bars.ts_ns)
    columns = [*bars.columns(), *(clock[n] for n in Plan([output]).clock_columns)]
    return [columns[k] for k in bar_columns_of([output])]


def ours(name: str, bars: BarBlock) -> Callable[[], Any]:
    """Return the call that computes an indicator with its default parameters."""
    feature = get(name)()  # type: ignore[operator]
    columns = columns_read(feature, bars)
    return lambda: compute(feature, *columns)


def largest_error(found: Any, expected: Any) -> float:
    """Return the largest difference relative to its column's largest value; inf if NaNs differ."""
    pairs = zip(_columns(found), _columns(expected), strict=True)
    return max(_error(a, b) for a, b in pairs)


def _columns(values: Any) -> tuple[np.ndarray, ...]:
    return values if isinstance(values, tuple) else (values,)


def _error(found: np.ndarray, expected: np.ndarray) -> float:
    valid = ~np.isnan(expected)
    if not np.array_equal(valid, ~np.isnan(found)):
        return float("inf")
    difference = np.abs(found[valid] - expected[valid])
    return float(difference.max() / np.abs(expected[valid]).max())


def measure(scale: Scale) -> list[Figure]:
    """Return ns per bar of every indicator."""
    bars = bars_of(scale.bars)
    return [_measured(name, bars, scale.rounds) for name in indicator_names()]


def _measured(name: str, bars: BarBlock, rounds: int) -> Figure:
    call, compared = ours(name, bars), COMPARISONS.get(name)
    calls = {"ours": call}
    if compared:
        calls["peer"] = lambda: compared.peer(bars)
    ns = {k: 1e9 * s / len(bars) for k, s in fastest_s(calls, rounds).items()}
    peer = ("TA-Lib", compared.goal) if compared else ("", None)
    return Figure("indicators", name, ns["ours"], "ns per bar", ns.get("peer"), *peer)
