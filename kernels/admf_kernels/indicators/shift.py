"""An earlier value."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    bars: Annotated[int, Between(0, 100_000)] = 1


@indicator(
    params=Params,
    inputs={"value": "close", "past": lag("value", "bars")},
    warmup_bars=lambda p: p.bars + 1,
)
def shift(past: float) -> float:
    """The value `bars` bars ago, in the unit of the input.

    ``shift(1, of=rolling_max(20, of="high"))`` is the channel as it stood before this bar.
    Source: pandas ``Series.shift``. First valid bar: ``bars + 1``.
    """
    return past
