"""A backtest written as simply as can be, in exact rationals, from the rules in docs/execution.md.

It shares no code with the engine. On inputs in sixteenths float64 does not round, so the
engine must give exactly these numbers.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from admf_kernels.execution.terms import ALL_IN, FIXED, SAME_CLOSE, Terms

ZERO = Fraction(0)


@dataclass
class Round:
    """A round trip from flat to flat."""

    side: int
    entered: int
    bought: list[tuple[Fraction, Fraction]] = field(default_factory=list)  # units, value
    sold: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    fees: Fraction = ZERO


class SimpleBacktest:
    """One account; events are tuples that start with the bar's number."""

    def __init__(self, terms: Terms) -> None:
        self.a = {
            name: Fraction(value) if isinstance(value, float) else value
            for name, value in {**terms.a._asdict(), **terms.n._asdict()}.items()
        }
        self.cash: Fraction = self.a["cash"]
        self.lots = 0
        self.wanted = ZERO
        self.working: tuple[int, int] | None = None  # order id, lots
        self.sequence = 0
        self.round: Round | None = None
        self.signals: list[tuple] = []
        self.orders: list[tuple] = []
        self.fills: list[tuple] = []
        self.trades: list[tuple] = []
        self.equity: list[tuple] = []

    def bar(self, t: int, open_: float, close: float, signal: float) -> None:
        self.sequence += 1
        number = self.sequence
        if self.a["fill"] != SAME_CLOSE:
            self._fill(t, Fraction(open_))
        self._decide(t, Fraction(close), Fraction(signal))
        if self.a["fill"] == SAME_CLOSE:
            self._fill(t, Fraction(close))
        self.equity.append((t, number, self.wanted, self.lots, self.cash, self._worth(close)))

    def _worth(self, price: float | Fraction) -> Fraction:
        return self.cash + self.lots * self.a["lot_size"] * Fraction(price)

    def _decide(self, t: int, close: Fraction, signal: Fraction) -> None:
        worth = self._worth(close)
        if worth <= 0:
            signal = ZERO
        if (signal > 0 and not self.a["long_allowed"]) or (
            signal < 0 and not self.a["short_allowed"]
        ):
            signal = ZERO
        if signal == self.wanted:
            return
        self.wanted = signal
        self.sequence += 1
        self.signals.append((t, self.sequence, signal))
        lots = self._target(signal, worth, close) - self.lots
        if lots:
            self.sequence += 1
            self.working = (self.sequence, lots)
            self.orders.append((t, self.sequence, self.sequence, "accepted", lots))

    def _target(self, signal: Fraction, worth: Fraction, close: Fraction) -> int:
        if signal == 0:
            return 0
        size = abs(signal)
        if self.a["sizing"] == FIXED:
            lots = math.floor(size * self.a["sizing_value"])
        else:
            share = 1 if self.a["sizing"] == ALL_IN else self.a["sizing_value"]
            lots = self._affordable(worth * share * size, close)
        return lots if signal > 0 else -lots

    def _affordable(self, money: Fraction, price: Fraction) -> int:
        lot = self._cost(1, price) - self.a["fee_fixed"]
        return max(0, math.floor((money - self.a["fee_fixed"]) / lot))

    def _price(self, side: int, price: Fraction) -> Fraction:
        moved = price + side * (price * self.a["slippage_rate"] + self.a["slippage_amount"])
        return max(moved, ZERO)

    def _fee(self, lots: int, at: Fraction) -> Fraction:
        units = abs(lots) * self.a["lot_size"]
        return units * (at * self.a["fee_rate"] + self.a["fee_per_unit"]) + self.a["fee_fixed"]

    def _cost(self, lots: int, price: Fraction) -> Fraction:
        at = self._price(1, price)
        return lots * self.a["lot_size"] * at + self._fee(lots, at)

    def _fill(self, t: int, price: Fraction) -> None:
        if self.working is None:
            return
        (order, wanted), self.working = self.working, None
        lots = wanted
        cover = max(0, -self.lots)
        if lots > cover and self._cost(lots, price) > self.cash:
            at = self._price(1, price)
            covered = cover * self.a["lot_size"] * at
            covered += self._fee(cover, at) - self.a["fee_fixed"]
            lots = cover + min(lots - cover, self._affordable(self.cash - covered, price))
        if lots:
            self._book(t, order, lots, self._price(1 if lots > 0 else -1, price))
        if lots != wanted:
            self.sequence += 1
            self.orders.append((t, self.sequence, order, "canceled", wanted - lots))

    def _book(self, t: int, order: int, lots: int, at: Fraction) -> None:
        self.sequence += 1
        fee = self._fee(lots, at)
        self.fills.append((t, self.sequence, order, lots, at, fee))
        self.cash -= lots * self.a["lot_size"] * at + fee
        side = 1 if lots > 0 else -1
        closing = min(abs(lots), abs(self.lots)) if self.lots * side < 0 else 0
        if closing:
            self._enter(t, -side, closing, at, fee * closing / abs(lots), closes=True)
        self.lots += side * closing
        if closing and self.lots == 0:
            self._close(t)
        if abs(lots) > closing:
            rest = abs(lots) - closing
            self._enter(t, side, rest, at, fee * rest / abs(lots), closes=False)
            self.lots += side * rest

    def _enter(
        self, t: int, side: int, lots: int, at: Fraction, fee: Fraction, *, closes: bool
    ) -> None:
        if self.round is None:
            self.round = Round(side, t)
        units = lots * self.a["lot_size"]
        (self.round.sold if closes else self.round.bought).append((units, units * at))
        self.round.fees += fee

    def _close(self, t: int) -> None:
        done, self.round = self.round, None
        assert done is not None
        units, paid = (sum(x) for x in zip(*done.bought, strict=True))
        units_out, got = (sum(x) for x in zip(*done.sold, strict=True))
        assert units == units_out
        pnl = done.side * (got - paid) - done.fees
        lots = done.side * units / self.a["lot_size"]
        self.trades.append(
            (t, self.sequence, done.entered, lots, paid / units, got / units, pnl, done.fees)
        )
