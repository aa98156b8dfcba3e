"""What a bar must satisfy: every rule by name, column and message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from admf_fast.data.block import VALUE_COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from admf_fast.data.block import BarBlock
    from admf_fast.data.convert import RawBlock

PRICE_COLUMNS: Final = ("open", "high", "low", "close")
_PRICE_MIN: Final = float(np.finfo(np.float64).tiny)  # below it float64 loses digits
_PRICE_MAX: Final = float(np.finfo(np.float64).max)
# Of non-negative floats, the bit patterns order as integers; those of -0.0 and below are negative,
# those of infinity and NaN start here.
_INFINITY_BITS: Final = 0x7FF0_0000_0000_0000


class Rule(NamedTuple):
    """A rule of single rows.

    `policy` is the BarSpec field that says what happens to a row that breaks it; `broken` gives
    bool[n]; `fault` describes the value at an index of a block that breaks it.
    """

    name: str
    column: str
    policy: Literal["missing", "invalid"]
    broken: Callable[[RawBlock], NDArray[np.bool_]]
    fault: Callable[[BarBlock, int], str]


def values_valid(bars: BarBlock) -> bool:
    """Return whether every value of a non-empty block without nulls satisfies every rule.

    One pass of reductions; NaN fails every comparison. False also for a volume of -0.0, which is
    valid but has to be rewritten as 0.0.
    """
    volume_bits = bars.volume.view(np.int64)
    return bool(
        bars.low.min() >= _PRICE_MIN
        and bars.high.max() <= _PRICE_MAX
        and volume_bits.min() >= 0
        and volume_bits.max() < _INFINITY_BITS
        and (bars.low <= np.minimum(bars.open, bars.close)).all()
        and (bars.high >= np.maximum(bars.open, bars.close)).all()
    )


def _column(name: str) -> Callable[[BarBlock], NDArray[np.float64]]:
    def get(bars: BarBlock) -> NDArray[np.float64]:
        column: NDArray[np.float64] = getattr(bars, name)
        return column

    return get


def _null(name: str) -> Rule:
    def broken(raw: RawBlock) -> NDArray[np.bool_]:
        mask = raw.nulls.get(name)
        return np.zeros(len(raw.bars), np.bool_) if mask is None else mask

    return Rule("null", name, "missing", broken, lambda bars, at: "null")


def _value(
    rule: str,
    name: str,
    policy: Literal["missing", "invalid"],
    test: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    text: str,
) -> Rule:
    get = _column(name)
    return Rule(
        rule,
        name,
        policy,
        lambda raw: test(get(raw.bars)),
        lambda bars, at: text.format(float(get(bars)[at])),
    )


def _order(rule: str, name: str, other: str, *, below: bool) -> Rule:
    get, get_other = _column(name), _column(other)
    compare = np.less if below else np.greater
    side = "below" if below else "above"
    return Rule(
        rule,
        name,
        "invalid",
        lambda raw: compare(get(raw.bars), get_other(raw.bars)),
        lambda bars, at: f"{float(get(bars)[at])} is {side} {other} {float(get_other(bars)[at])}",
    )


def _all_rules() -> Iterator[Rule]:
    for name in ("timestamp", *VALUE_COLUMNS):
        yield _null(name)
    for name in VALUE_COLUMNS:
        yield _value("nan", name, "missing", np.isnan, "{} is not a number")
    for name in VALUE_COLUMNS:
        yield _value("infinite", name, "invalid", np.isinf, "{} is infinite")
    for name in PRICE_COLUMNS:
        yield _value("nonpositive", name, "invalid", lambda v: v <= 0, "{} is not positive")
    for name in PRICE_COLUMNS:
        yield _value(
            "subnormal",
            name,
            "invalid",
            lambda v: (v > 0) & (v < _PRICE_MIN),
            f"{{}} is subnormal (below {_PRICE_MIN})",
        )
    yield _order("high_below_low", "high", "low", below=True)
    for name in ("open", "close"):
        yield _order(f"{name}_outside", name, "low", below=True)
        yield _order(f"{name}_outside", name, "high", below=False)
    yield _value("negative_volume", "volume", "invalid", lambda v: v < 0, "{} is negative")


RULES: Final = tuple(_all_rules())
