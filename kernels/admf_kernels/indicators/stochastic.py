"""Stochastic oscillators: where the price is within its range."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.combine import combine
from admf_kernels.indicators.ratio import ratio
from admf_kernels.indicators.rolling_max import rolling_max
from admf_kernels.indicators.rolling_min import rolling_min
from admf_kernels.indicators.rsi import rsi
from admf_kernels.indicators.sma import sma
from admf_kernels.numeric import select
from admf_kernels.registry import bundle, composite, indicator

PRICES = {"high": "high", "low": "low", "close": "close"}


class Slow(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 14
    smooth: Annotated[int, Between(1, 100_000)] = 3
    signal: Annotated[int, Between(1, 100_000)] = 3


class Fast(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 14
    signal: Annotated[int, Between(1, 100_000)] = 3


class OfStrength(NamedTuple):
    """What the user sets."""

    rsi_period: Annotated[int, Between(2, 100_000)] = 14
    period: Annotated[int, Between(1, 100_000)] = 14
    smooth: Annotated[int, Between(1, 100_000)] = 3
    signal: Annotated[int, Between(1, 100_000)] = 3


class OneWindow(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 14


@indicator(inputs={"value": "close", "top": "high", "bottom": "low"}, warmup_bars=1)
def place_in_range(value: float, top: float, bottom: float) -> float:
    """Where a value is between a bottom (0) and a top (100); 0 where they are equal.

    ``100 * (value - bottom) / (top - bottom)``, in percent. A building block of
    `stochastic`. First valid bar: 1.
    """
    span = top - bottom
    flat = span == 0.0
    return select(flat, 0.0, 100.0 * (value - bottom) / select(flat, 1.0, span))


@indicator(inputs={"line": "close", "average": "open"}, outputs=("k", "d"), warmup_bars=1)
def stochastic_lines(line: float, average: float) -> tuple[float, float]:
    """Two inputs as the lines k and d of a stochastic oscillator, in their unit.

    A building block of `stochastic`. First valid bar: 1.
    """
    return line, average


def _lines(place: Any, smooth: int, signal: int) -> Any:
    line = place if smooth == 1 else sma(smooth, of=place)
    return stochastic_lines(of=(line, line if signal == 1 else sma(signal, of=line)))


def _place(period: int, high: Any, low: Any, close: Any) -> Any:
    return place_in_range(of=(close, rolling_max(period, of=high), rolling_min(period, of=low)))


@bundle(params=Slow, inputs=PRICES, outputs=("k", "d"))
def stochastic(p: Slow, high: Any, low: Any, close: Any) -> Any:
    """Slow stochastic: the close within the range of `period` bars, smoothed, 0 to 100.

    ``k = sma(smooth) of 100 * (close - lowest low) / (highest high - lowest low)``, 0 where
    the range is 0; ``d = sma(signal) of k``. Source: TA-Lib STOCH with simple averages.
    First valid bar: ``period + smooth + signal - 2``.
    """
    return _lines(_place(p.period, high, low, close), p.smooth, p.signal)


@bundle(params=Fast, inputs=PRICES, outputs=("k", "d"))
def stochastic_fast(p: Fast, high: Any, low: Any, close: Any) -> Any:
    """Fast stochastic: the close within the range of `period` bars, 0 to 100.

    ``k = 100 * (close - lowest low) / (highest high - lowest low)``, 0 where the range is 0;
    ``d = sma(signal) of k``. Source: TA-Lib STOCHF with a simple average. First valid bar:
    ``period + signal - 1``.
    """
    return _lines(_place(p.period, high, low, close), 1, p.signal)


@bundle(params=OfStrength, inputs={"value": "close"}, outputs=("k", "d"))
def stochastic_rsi(p: OfStrength, value: Any) -> Any:
    """Stochastic of the relative strength index: `rsi` within its own range, 0 to 100.

    ``k = sma(smooth) of 100 * (rsi - lowest) / (highest - lowest)`` over `period` values of
    ``rsi(rsi_period)``, 0 where the range is 0; ``d = sma(signal) of k``. Source: TA-Lib
    STOCHRSI, which is this with a `smooth` of 1. First valid bar: ``rsi_period + period +
    smooth + signal - 2``.
    """
    strength = rsi(p.rsi_period, of=value)
    return _lines(_place(p.period, strength, strength, strength), p.smooth, p.signal)


@composite(params=OneWindow, inputs=PRICES)
def williams_r(p: OneWindow, high: Any, low: Any, close: Any) -> Any:
    """Distance of the close from the highest high, -100 (at the lowest low) to 0.

    ``-100 * (highest high - close) / (highest high - lowest low)`` over `period` bars, in
    percent; 0 where the range is 0. Source: TA-Lib WILLR. First valid bar: `period`.
    """
    top, bottom = rolling_max(p.period, of=high), rolling_min(p.period, of=low)
    return ratio(100.0, of=(combine(of=(close, top)), combine(of=(top, bottom))))
