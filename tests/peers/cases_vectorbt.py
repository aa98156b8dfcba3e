"""Families of runs for `vectorbt`: signals or order sizes on one instrument or several."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.peers.bars import random_bars
from tests.peers.kinds import Bars, Floats
from tests.peers.vectorbt_rules import Rules, Signals

COSTS: list[dict[str, float]] = [
    {},
    {"fees": 0.002},
    {"fixed_fees": 1.0},
    {"fees": 0.001, "fixed_fees": 2.0, "slippage": 0.001},
]


@dataclass(frozen=True)
class SignalCase:
    """Bars of every column, signals, and rules of run_signals()."""

    bars: list[Bars]
    signals: Signals
    rules: Rules


@dataclass(frozen=True)
class OrderCase:
    """Bars of every column, sizes of shape (bars, columns), and rules of run_orders()."""

    bars: list[Bars]
    sizes: Floats
    rules: Rules


_STOPS = {"sl_stop": 0.02, "tp_stop": 0.04}
_SHARED = {"cash_sharing": True}

# Which signals there are (long entry and exit, short entry and exit), columns, and the rules.
SIGNAL_FAMILIES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "long": ("ex", 1, {}),
    "long_at_open": ("ex", 1, {"price": "open"}),
    "short": ("EX", 1, {"size": 20.0}),
    "reversals": ("eE", 1, {}),
    "reversals_of_units": ("eE", 1, {"size": 10.0}),
    "close_on_opposite": ("eE", 1, {"upon_opposite_entry": "close"}),
    "all_four": ("exEX", 1, {"size": 5.0}),
    "value": ("exEX", 1, {"size": 2_000.0, "size_type": "value"}),
    "percent": ("ex", 1, {"size": 0.5, "size_type": "percent"}),
    "whole_units": ("ex", 1, {"size_granularity": 1.0}),
    "quarter_units": ("exEX", 1, {"size": 7.3, "size_granularity": 0.25}),
    "adding": ("exE", 1, {"size": 5.0, "accumulate": "both"}),
    "locked_cash": ("exEX", 1, {"lock_cash": True}),
    "no_partial": ("ex", 1, {"size": 90.0, "allow_partial": False}),
    "stop_loss": ("exEX", 1, {"sl_stop": 0.02, "size": 20.0}),
    "target": ("exEX", 1, {"tp_stop": 0.02, "size": 20.0}),
    "both_stops": ("exEX", 1, {**_STOPS, "size": 20.0}),
    "stops_from_fill": ("ex", 1, {**_STOPS, "stop_entry_price": "fillprice", "price": "open"}),
    "stops_slipping": ("ex", 1, {**_STOPS, "stop_exit_price": "stopmarket"}),
    "stops_at_close": ("ex", 1, {**_STOPS, "stop_exit_price": "close"}),
    "trailing": ("eE", 1, {"sl_stop": 0.03, "sl_trail": True, "size": 20.0}),
    "trailing_from_fill": (
        "ex",
        1,
        {"sl_stop": 0.03, "sl_trail": True, "stop_entry_price": "fillprice", "price": "open"},
    ),
    "shared": ("ex", 3, {**_SHARED, "size": 40.0}),
    "shared_sells_first": ("exEX", 3, {**_SHARED, "size": 40.0, "call_seq": "auto"}),
    "shared_stops": ("ex", 3, {**_SHARED, **_STOPS, "size": 40.0, "call_seq": "auto"}),
    "apart": ("ex", 2, {}),
}

# Scale of the sizes, columns, and the rules.
ORDER_FAMILIES: dict[str, tuple[float, int, dict[str, Any]]] = {
    "amount": (20.0, 1, {}),
    "amount_long": (20.0, 1, {"direction": "longonly"}),
    "amount_short": (20.0, 1, {"direction": "shortonly"}),
    "order_value": (3_000.0, 1, {"size_type": "value"}),
    "order_percent": (0.5, 1, {"size_type": "percent", "direction": "longonly"}),
    "target_amount": (40.0, 1, {"size_type": "targetamount"}),
    "target_value": (4_000.0, 1, {"size_type": "targetvalue"}),
    "target_percent": (0.6, 1, {"size_type": "targetpercent"}),
    "target_percent_shared": (0.3, 3, {**_SHARED, "size_type": "targetpercent"}),
    "rebalancing": (
        0.3,
        3,
        {**_SHARED, "size_type": "targetpercent", "call_seq": "auto", "direction": "longonly"},
    ),
    "amount_shared": (60.0, 3, {**_SHARED, "call_seq": "auto"}),
}


def signal_case(name: str, seed: int, bars: list[Bars] | None = None) -> SignalCase:
    """Return the case of a family and seed, on random bars or those given."""
    kinds, columns, rules = SIGNAL_FAMILIES[name]
    rng = np.random.default_rng([seed, sorted(SIGNAL_FAMILIES).index(name)])
    bars = bars or _bars(rng, columns, seed)
    shape = (len(bars[0]), columns)
    flags = [(rng.random(shape) < 0.08) & (kind in kinds) for kind in "exEX"]
    return SignalCase(bars, Signals(*flags), Rules(**{**COSTS[seed % len(COSTS)], **rules}))


def order_case(name: str, seed: int, bars: list[Bars] | None = None) -> OrderCase:
    """Return the case of a family and seed, on random bars or those given."""
    scale, columns, rules = ORDER_FAMILIES[name]
    rng = np.random.default_rng([seed, sorted(ORDER_FAMILIES).index(name)])
    bars = bars or _bars(rng, columns, seed)
    shape = (len(bars[0]), columns)
    sizes = rng.normal(0.0, scale, shape)
    if name.startswith("target") or name == "rebalancing":
        # Targets are mostly held long; short ones only where the direction allows them.
        sizes = np.where(rng.random(shape) < 0.8, np.abs(sizes), sizes)
    if rules.get("direction") == "longonly" and "target" in rules.get("size_type", ""):
        sizes = np.abs(sizes)
    if rules.get("size_type") == "percent":
        sizes = np.clip(sizes, -1.0, 1.0)
    sizes[rng.random(shape) < 0.8] = np.nan
    return OrderCase(bars, sizes, Rules(**{**COSTS[seed % len(COSTS)], **rules}))


def _bars(rng: np.random.Generator, columns: int, seed: int) -> list[Bars]:
    tick = (0.01, 0.5, 0.25)[rng.integers(3)]
    start = (100.0, 40.0, 250.0)
    return [
        random_bars(int(rng.integers(2**31)), start=start[c], hostile=seed % 2 == 1, tick=tick)
        for c in range(columns)
    ]
