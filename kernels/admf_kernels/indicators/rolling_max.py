"""Rolling maximum."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.extremes import largest_of_four, over_window
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


@composite(params=Params, inputs={"value": "close"})
def rolling_max(p: Params, value: Any) -> Any:
    """Largest of the last `period` values, in the unit of the input.

    ``rolling_max(20, of="high")`` is a channel's upper edge. Exact. Source: TA-Lib MAX.
    First valid bar: `period`.
    """
    return over_window(largest_of_four, p.period, value)
