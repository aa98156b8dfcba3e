"""A backtest with a stop, a target and a trail, as simply as can be, from docs/execution.md.

It shares no code with the engine. One instrument, market entries of a fixed size at the next
open, no costs; prices are exact rationals. Bars are (open, high, low, close).
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass
class Rules:
    """Distances in price units, 0 for none."""

    lots: int = 1
    stop: Fraction = Fraction(0)
    target: Fraction = Fraction(0)
    trail: Fraction = Fraction(0)
    by_close: bool = False  # the trail follows closes
    stop_first: bool = True
    touch: bool = False  # a touched target is filled
    remember: bool = True  # after an exit, the same signal is not followed again
    max_bars: int = 0


@dataclass
class SimpleExits:
    """Fills as (bar, lots, price), trades as (bar, reason, lots, entry, exit, bars)."""

    rules: Rules
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    trades: list[tuple[Any, ...]] = field(default_factory=list)
    lots: int = 0
    entry: Fraction = Fraction(0)
    best: Fraction | None = None  # where the trail is measured from
    age: int = 0
    order: int | None = None  # the position that is to be reached at the next open
    tired: bool = False  # the order closes what is too old
    wanted: Fraction = Fraction(0)
    closed_side: int = 0  # side of a position that an exit closed
    again: bool = False

    def bar(self, t: int, prices: tuple[float, ...], signal: float) -> None:
        open_, high, low, close = map(Fraction, prices)
        self._open(t, open_)
        if self.lots:
            self._exits(t, open_, high, low)
        if self.lots:
            self.age += 1
            seen = close if self.rules.by_close else (high if self.lots > 0 else low)
            self._follow(seen)
        self._decide(Fraction(signal))

    def _open(self, t: int, price: Fraction) -> None:
        """Fill what was ordered; a stop or target that is passed at the open comes after it."""
        tired, self.tired = self.tired, False
        goal, self.order = self.order, None
        if goal is not None:  # comes before the order that closes what is too old
            turned = goal * self.lots < 0
            self._fill(t, goal - self.lots, price, "reversal" if turned else "signal")
        elif tired:
            side = 1 if self.lots > 0 else -1
            self._fill(t, -self.lots, price, "max_bars")
            self._left(side)

    def _exits(self, t: int, open_: Fraction, high: Fraction, low: Fraction) -> None:
        """Find the first of stop and target on this bar, and leave there."""
        side = 1 if self.lots > 0 else -1
        reason, stop = self._stop_level(side)
        target = self.entry + side * self.rules.target if self.rules.target else None
        worst, best = (low, high) if side > 0 else (high, low)
        hits = []
        if stop is not None and (worst - stop) * side <= 0:
            gapped = (open_ - stop) * side <= 0
            hits.append((0 if gapped else 1, reason, open_ if gapped else stop))
        if target is not None and target > 0:
            gain, at_open = (best - target) * side, (open_ - target) * side
            gapped = at_open >= 0 if self.rules.touch else at_open > 0
            if gain > 0 or (gain == 0 and self.rules.touch):
                hits.append((0 if gapped else 1, "take_profit", open_ if gapped else target))
        if not hits:
            return
        first = min(moment for moment, _, _ in hits)
        chosen = [h for h in hits if h[0] == first]
        if len(chosen) > 1:
            chosen = [h for h in chosen if (h[1] != "take_profit") == self.rules.stop_first]
        self._fill(t, -self.lots, chosen[0][2], chosen[0][1])
        self._left(side)

    def _stop_level(self, side: int) -> tuple[str, Fraction | None]:
        """The closer of the fixed stop and the trail; where they are equal, the older one."""
        levels = []
        if self.rules.stop:
            levels.append(("stop_loss", self.entry - side * self.rules.stop))
        if self.rules.trail and self.best is not None:
            levels.append(("trailing_stop", self.best - side * self.rules.trail))
        levels = [level for level in levels if level[1] > 0]
        if not levels:
            return "", None
        return max(levels, key=lambda level: level[1] * side)

    def _follow(self, seen: Fraction) -> None:
        side = 1 if self.lots > 0 else -1
        if self.best is None or (seen - self.best) * side > 0:
            self.best = seen

    def _left(self, side: int) -> None:
        self.closed_side = side if self.rules.remember else 0
        self.again = not self.rules.remember

    def _decide(self, signal: Fraction) -> None:
        old = self.rules.max_bars and self.lots and self.age >= self.rules.max_bars
        changed = signal != self.wanted
        follows = changed or (self.again and signal != 0)
        self.wanted, self.again = signal, False
        self.tired = bool(old)  # closed at the next open
        if self.closed_side * signal > 0:
            return
        self.closed_side = 0
        if follows:
            size = int(abs(signal) * self.rules.lots)
            goal = size if signal > 0 else -size
            self.order = goal if goal != self.lots else None

    def _fill(self, t: int, lots: int, price: Fraction, reason: str) -> None:
        self.fills.append((t, lots, price))
        before, self.lots = self.lots, self.lots + lots
        if before and self.lots * before <= 0:
            self.trades.append((t, reason, before, self.entry, price, self.age))
        if self.lots and self.lots * before <= 0:
            self.entry, self.best, self.age = price, price, 0
