"""Weighted sum of two features."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    first_weight: Annotated[float, Between(-1e6, 1e6)] = 1.0
    second_weight: Annotated[float, Between(-1e6, 1e6)] = -1.0


@indicator(params=Params, inputs={"first": "close", "second": "open"}, warmup_bars=1)
def combine(c: Params, first: float, second: float) -> float:
    """Weighted sum of two inputs: by default their difference, in their unit.

    ``first_weight * first + second_weight * second``. Source: arithmetic. First valid bar: 1.
    """
    return c.first_weight * first + c.second_weight * second
