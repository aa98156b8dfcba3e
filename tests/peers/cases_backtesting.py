"""Families of runs for `backtesting`: what is instructed on which bars under which costs.

Every case keeps to the restrictions under which an engine with one net position can follow the
peer: see the head of model_backtesting.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.peers.bars import random_bars
from tests.peers.kinds import ALL_IN, Bars, Instructions

COMMISSIONS = [(0.0, 0.0), (0.0, 0.002), (5.0, 0.0), (3.0, 0.001)]  # fixed, relative


@dataclass(frozen=True)
class Case:
    """Bars, instructions, and the options of run_backtesting()."""

    bars: Bars
    told: Instructions
    options: dict[str, Any]
    only_flat: bool = False  # orders enter only where nothing is held


@dataclass(frozen=True)
class Family:
    """What the random instructions of a family may hold."""

    entries: tuple[str, ...] = ("market",)
    brackets: tuple[str, ...] = ()
    sizes: tuple[float, ...] = (ALL_IN,)  # 0 stands for a random whole number of units
    close: tuple[float, ...] = (1.0,)
    moves_sl: bool = False
    cancels: bool = False
    one_way: int = 0  # 1 only buys, -1 only sells
    options: dict[str, Any] = field(default_factory=dict)


FAMILIES = {
    "reversals": Family(close=()),
    "long_only": Family(one_way=1),
    "short_only": Family(one_way=-1),
    "shares": Family(sizes=(0.5, 0.25, 0.9)),
    "units": Family(sizes=(0.0,)),
    "partial_close": Family(sizes=(0.0, ALL_IN), close=(0.5, 0.3, 1.0)),
    "stop_loss": Family(brackets=("sl",)),
    "target": Family(brackets=("tp",)),
    "brackets": Family(brackets=("sl", "tp"), sizes=(ALL_IN, 0.0)),
    "moving_stop": Family(brackets=("sl",), moves_sl=True, one_way=1),
    "limit": Family(entries=("limit",), cancels=True),
    "stop": Family(entries=("stop",), cancels=True),
    "limit_brackets": Family(entries=("limit",), brackets=("sl", "tp")),
    "stop_brackets": Family(entries=("stop",), brackets=("sl", "tp")),
    "stop_limit": Family(entries=("stop_limit",), cancels=True),
    "stop_limit_brackets": Family(entries=("stop_limit",), brackets=("sl", "tp")),
    "mixed": Family(
        entries=("market", "limit", "stop", "stop_limit"),
        brackets=("sl", "tp"),
        sizes=(ALL_IN, 0.5, 0.0),
        close=(1.0, 0.5),
        moves_sl=True,
        cancels=True,
    ),
    "on_close": Family(options={"on_close": True}),
    "on_close_brackets": Family(brackets=("sl", "tp"), options={"on_close": True}),
    "margin": Family(sizes=(ALL_IN, 0.5), options={"margin": 0.2}),
    "netting": Family(sizes=(0.0,), close=(), options={"exclusive": False, "margin": 0.2}),
    "netting_shares": Family(sizes=(0.0, 0.3), options={"exclusive": False, "margin": 0.5}),
}


def case(name: str, seed: int, bars: Bars | None = None) -> Case:
    """Return the case of a family and seed, on random bars or those given."""
    family = FAMILIES[name]
    rng = np.random.default_rng([seed, sorted(FAMILIES).index(name)])
    if bars is None:
        tick = (0.01, 0.5, 0.25)[rng.integers(3)]
        bars = random_bars(int(rng.integers(2**31)), hostile=seed % 2 == 1, tick=tick)
    spread = (0.0, 0.0, 0.002)[rng.integers(3)]
    options = {
        "cash": 10_000.0,
        "spread": spread,
        "commission": COMMISSIONS[seed % len(COMMISSIONS)],
        **family.options,
    }
    return Case(bars, instructions(bars, family, rng, spread), options)


def instructions(
    bars: Bars, family: Family, rng: np.random.Generator, spread: float = 0.0
) -> Instructions:
    """Return random instructions; levels are valid when the order is placed."""
    told = Instructions.nothing(len(bars))
    for bar in range(1, len(bars)):
        chance = rng.random()
        if chance < 0.12:
            _order(told, bar, float(bars.close[bar]), family, rng, spread)
        elif chance < 0.16 and family.close:
            told.close[bar] = family.close[rng.integers(len(family.close))]
        elif chance < 0.18 and family.cancels:
            told.cancel[bar] = True
        if family.moves_sl and rng.random() < 0.1:
            told.move_sl[bar] = round(float(bars.close[bar]) * (0.97 - 0.02 * rng.random()), 2)
    return told


def _order(
    told: Instructions,
    bar: int,
    close: float,
    family: Family,
    rng: np.random.Generator,
    spread: float,
) -> None:
    side = family.one_way or (1 if rng.random() < 0.5 else -1)
    size = family.sizes[rng.integers(len(family.sizes))]
    told.size[bar] = side * (size or float(rng.integers(1, 40)))

    def away() -> float:
        return round(close * abs(rng.normal(0.0, 0.012)) + 0.01, 2)

    # Now and then on the wrong side of the market, where it is hit at once.
    wrong = -1 if rng.random() < 0.15 else 1
    kind = family.entries[rng.integers(len(family.entries))]
    entry: Callable[[], float] = {
        "market": lambda: close,
        "limit": lambda: close - wrong * side * away(),
        "stop": lambda: close + wrong * side * away(),
        "stop_limit": lambda: close + side * away(),
    }[kind]
    level = round(entry(), 2)
    if kind in ("stop", "stop_limit"):
        told.stop[bar] = level
    if kind == "stop_limit":
        level = round(level + close * rng.normal(0.0, 0.01), 2)
    if kind in ("limit", "stop_limit"):
        told.limit[bar] = level
    # A market order's brackets are measured from the close with the spread on it.
    room = close * spread
    for name, direction in (("sl", -side), ("tp", side)):
        if name in family.brackets and rng.random() < 0.8:
            getattr(told, name)[bar] = round(level + direction * (away() + room), 2)
