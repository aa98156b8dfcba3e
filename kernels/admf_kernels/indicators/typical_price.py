"""Typical price."""

from admf_kernels.registry import indicator


@indicator(inputs={"high": "high", "low": "low", "close": "close"}, warmup_bars=1)
def typical_price(high: float, low: float, close: float) -> float:
    """Mean of high, low and close, in price units.

    ``(high + low + close) / 3``. Source: TA-Lib TYPPRICE. First valid bar: 1.
    """
    return (high + low + close) / 3.0
