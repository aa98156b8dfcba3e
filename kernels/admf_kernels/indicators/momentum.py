"""Momentum."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 10


@indicator(
    params=Params,
    inputs={"value": "close", "past": lag("value", "period")},
    warmup_bars=lambda p: p.period + 1,
)
def momentum(value: float, past: float) -> float:
    """Change over `period` bars, in the unit of the input.

    ``value - past``. Source: TA-Lib MOM. First valid bar: ``period + 1``.
    """
    return value - past
