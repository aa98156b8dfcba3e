"""The examples of `backtesting` that our engine runs by itself: its own strategies and sizing."""

from typing import Any

from backtesting import Strategy

from tests.peers.examples_backtesting import (
    Sma4Cross,
    SmaCross,
    SmaCrossBrackets,
    SmaCrossLimit,
    SmaCrossStop,
)

_ALL_IN = """\
strategy: {kernel: "tests.peers.our_strategies:KERNEL"}
account: {cash: 10000}
sizing: {kind: all_in, at: fill}
execution: {reversal: two_orders, entry_bar: next_bar, limit_fill: touch}
"""
_UNITS = """\
strategy: {kernel: "tests.peers.our_strategies:crossing_orders", params: {kind: KIND}}
account: {cash: 10000}
execution: {entry_bar: next_bar, limit_fill: touch, unaffordable: reject}
costs: {fee_bps: 20, fee_fixed: 10}
"""
_CROSSING = _ALL_IN.replace("KERNEL", "crossing")
_FEE = "costs: {fee_bps: 20}\n"
_EXCLUSIVE = {"exclusive_orders": True}
_TEN = {"exclusive_orders": True, "commission": (10.0, 0.002)}


def _ten_units(kind: type[Strategy]) -> type[Strategy]:
    """Return the strategy with ten units in every order."""

    class Ten(kind):  # type: ignore[misc, valid-type]
        def buy(self, **order: Any) -> Any:
            return super().buy(**{**order, "size": 10})

        def sell(self, **order: Any) -> Any:
            return super().sell(**{**order, "size": 10})

    return Ten


# Name: strategy and options of the peer; our configuration.
PAIRS: dict[str, tuple[type[Strategy], dict[str, Any], str]] = {
    "sma_cross": (SmaCross, {"commission": 0.002, **_EXCLUSIVE}, _CROSSING + _FEE),
    "sma_cross_free": (SmaCross, _EXCLUSIVE, _CROSSING),
    "sma_cross_spread": (
        SmaCross,
        {"spread": 0.001, **_EXCLUSIVE},
        _CROSSING + "costs: {slippage_bps: 10, slippage_on: entries}\n",
    ),
    "sma_cross_on_close": (
        SmaCross,
        {"commission": 0.002, "trade_on_close": True, **_EXCLUSIVE},
        _CROSSING.replace("{reversal", "{fill: same_close, reversal") + _FEE,
    ),
    "sma_4_cross": (
        Sma4Cross,
        {"commission": 0.002},
        _ALL_IN.replace("KERNEL", "four_averages") + _FEE,
    ),
    "brackets": (_ten_units(SmaCrossBrackets), _TEN, _UNITS.replace("KIND", "0")),
    "limit": (_ten_units(SmaCrossLimit), _TEN, _UNITS.replace("KIND", "1")),
    "stop": (_ten_units(SmaCrossStop), _TEN, _UNITS.replace("KIND", "2")),
}
