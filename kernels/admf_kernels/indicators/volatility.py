"""Realised volatility."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.percent_rank import percent_rank
from admf_kernels.indicators.roc import roc
from admf_kernels.indicators.stddev import stddev
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20


class RankParams(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 50
    volatility_period: Annotated[int, Between(2, 100_000)] = 14


@composite(params=Params, inputs={"value": "close"})
def volatility(p: Params, value: Any) -> Any:
    """Standard deviation of the last `period` one-bar returns, as a fraction: 0.01 is 1 %.

    Population standard deviation of ``value / previous - 1``, per bar, not annualised.
    Source: the definition. First valid bar: ``period + 1``.
    """
    return stddev(p.period, 0.01, of=roc(1, of=value))


@composite(params=RankParams, inputs={"value": "close"})
def volatility_percentile(p: RankParams, value: Any) -> Any:
    """Rank of the volatility among its last `period` values before, 0 to 1.

    `percent_rank` of ``volatility(volatility_period)`` with a scale of 1. Takes time in
    proportion to `period`. Source: the definition. First valid bar: ``period +
    volatility_period + 1``.
    """
    return percent_rank(p.period, 1.0, of=volatility(p.volatility_period, of=value))
