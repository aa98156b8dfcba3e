"""Rate of change."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.numeric import select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 10


@indicator(
    params=Params,
    inputs={"value": "close", "past": lag("value", "period")},
    warmup_bars=lambda p: p.period + 1,
)
def roc(value: float, past: float) -> float:
    """Change over `period` bars, in percent.

    ``100 * (value / past - 1)``; 0 where the past value is 0. Source: TA-Lib ROC. First
    valid bar: ``period + 1``.
    """
    none = past == 0.0
    return select(none, 0.0, (value / select(none, 1.0, past) - 1.0) * 100.0)
