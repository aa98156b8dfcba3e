"""Rolling minimum."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.extremes import over_window, smallest_of_four
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


@composite(params=Params, inputs={"value": "close"})
def rolling_min(p: Params, value: Any) -> Any:
    """Smallest of the last `period` values, in the unit of the input.

    ``rolling_min(20, of="low")`` is a channel's lower edge. Exact. Source: TA-Lib MIN.
    First valid bar: `period`.
    """
    return over_window(smallest_of_four, p.period, value)
