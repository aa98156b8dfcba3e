"""`backtesting` 0.6.6 in plain Python: one pass a bar, in the words of an order engine.

Equal to the peer bit for bit where
- orders are exclusive (a new order closes the position and cancels what waits) and a bar brings
  either a close or an order; or they are not exclusive and carry no brackets;
- nothing is closed at the end of the data.
"""

from dataclasses import dataclass
from math import copysign, inf

import numpy as np

from tests.peers.kinds import Bars, Instructions, PeerResult, PeerTrade, price_or_none


@dataclass(eq=False)
class _Lot:
    units: float
    price: float
    bar: int
    sl: float | None
    tp: float | None


@dataclass(eq=False)
class _Order:
    size: float
    limit: float | None
    stop: float | None
    sl: float | None
    tp: float | None


@dataclass
class Model:
    """One account; run() goes through the bars."""

    bars: Bars
    told: Instructions
    cash: float = 10_000.0
    spread: float = 0.0
    fixed: float = 0.0
    relative: float = 0.0
    margin: float = 1.0
    on_close: bool = False
    exclusive: bool = True

    def run(self) -> PeerResult:
        self.lots: list[_Lot] = []
        self.closing: list[tuple[_Lot, float]] = []
        self.orders: list[_Order] = []
        self.trades: list[PeerTrade] = []
        equity = np.full(len(self.bars), self.cash)
        for bar in range(1, len(self.bars)):
            while self._process(bar):
                pass
            equity[bar] = self._equity(bar)
            if equity[bar] <= 0:
                # Every second lot is forgotten: the peer removes from the list it walks.
                for lot in self.lots[::2]:
                    self._close(lot, -lot.units, float(self.bars.close[bar]), bar)
                self.cash = 0.0
                equity[bar:] = 0.0
                break
            self._decide(bar)
        last = float(self.bars.close[-1])
        still = [
            PeerTrade(t.bar, -1, t.units, t.price, last, t.units * (last - t.price), 0.0)
            for t in self.lots
        ]
        return PeerResult(self.trades, still, equity, float(equity[-1]), [])

    def _decide(self, bar: int) -> None:
        told = self.told
        if told.cancel[bar]:
            self.orders.clear()
        if not np.isnan(told.move_sl[bar]):
            for lot in self.lots:
                lot.sl = float(told.move_sl[bar])
        if told.close[bar]:
            for lot in self.lots:
                part = max(1, round(abs(lot.units) * float(told.close[bar])))
                self.closing.insert(0, (lot, copysign(part, -lot.units)))
        if told.size[bar]:
            if self.exclusive:
                self.orders.clear()
                self.closing = [(lot, -lot.units) for lot in reversed(self.lots)]
            levels = (told.limit, told.stop, told.sl, told.tp)
            self.orders.append(
                _Order(float(told.size[bar]), *(price_or_none(x[bar]) for x in levels))
            )

    def _process(self, bar: int) -> bool:
        """Process one bar; return whether to go through it again, for the brackets of new lots."""
        again = False
        market, stamp = self._market(bar)
        for lot, units in self.closing:
            self._close(lot, copysign(min(abs(lot.units), abs(units)), units), market, stamp)
        self.closing = []
        for lot in list(self.lots):
            price = self._exit(lot, bar)
            if price is not None:
                self._close(lot, -lot.units, price, bar)
        for order in list(self.orders):
            stop = order.stop
            found = self._fill_price(order, bar)
            if found is None:
                continue
            self.orders.remove(order)
            if self._execute(order, *found, bar) and (order.sl or order.tp):
                again |= found[2] or self._target_only(order, stop, bar)
        return again

    def _market(self, bar: int) -> tuple[float, int]:
        if self.on_close:
            return float(self.bars.close[bar - 1]), bar - 1
        return float(self.bars.open[bar]), bar

    def _exit(self, lot: _Lot, bar: int) -> float | None:
        """Return where the brackets of a lot fill: the stop first, a gap at the open."""
        open_, high, low = self.bars.open[bar], self.bars.high[bar], self.bars.low[bar]
        if lot.units > 0:
            if lot.sl and low <= lot.sl:
                return float(min(open_, lot.sl))
            return float(max(open_, lot.tp)) if lot.tp and high >= lot.tp else None
        if lot.sl and high >= lot.sl:
            return float(max(open_, lot.sl))
        return float(min(open_, lot.tp)) if lot.tp and low <= lot.tp else None

    def _fill_price(self, order: _Order, bar: int) -> tuple[float, int, bool] | None:
        """Return price, stamped bar and whether it is a market order; None if it must wait."""
        open_, high, low = (float(x[bar]) for x in (self.bars.open, self.bars.high, self.bars.low))
        buy, stop, limit = order.size > 0, order.stop, order.limit
        if stop:
            if not (high >= stop if buy else low <= stop):
                return None
            order.stop = None
        if limit:
            if not (low <= limit if buy else high >= limit):
                return None
            if stop and (limit <= stop if buy else limit >= stop):
                return None
            return (min if buy else max)(stop or open_, limit), bar, False
        price, stamp = self._market(bar)
        if stop:
            return (max if buy else min)(price, stop), bar, False
        return price, stamp, True

    def _target_only(self, order: _Order, stop: float | None, bar: int) -> bool:
        """Whether a stop entry's target was reached in its bar while its stop-loss was not."""
        if not stop or order.limit or not order.tp:
            return False
        high, low = self.bars.high[bar], self.bars.low[bar]
        if order.size > 0:
            return bool(order.tp <= high and (order.sl or -inf) < low)
        return bool(order.tp >= low and (order.sl or inf) > high)

    def _execute(self, order: _Order, price: float, stamp: int, _: bool, bar: int) -> bool:
        """Net against open lots, open the rest; return whether a lot was opened."""
        adjusted = price * (1 + copysign(self.spread, order.size))
        unit = adjusted + self._fee(order.size, price) / abs(order.size)
        leverage = 1 / self.margin
        units = order.size
        if abs(units) < 1:
            units = copysign(int(self._available(bar) * leverage * abs(units) // unit), units)
        for lot in list(self.lots):
            if not units:
                break
            if lot.units * units < 0:
                part = copysign(min(abs(lot.units), abs(units)), units)
                self._close(lot, part, price, stamp)
                units -= part
        if not units or abs(units) * unit > self._available(bar) * leverage:
            return False
        self.lots.append(_Lot(units, adjusted, stamp, order.sl, order.tp))
        self.cash -= self._fee(units, adjusted)
        return True

    def _close(self, lot: _Lot, units: float, price: float, stamp: int) -> None:
        """Close units (signed against the lot) of a lot."""
        closed = -units
        fee = self._fee(closed, price)
        gain = closed * (price - lot.price)
        self.cash += gain - fee
        both = fee + self._fee(closed, lot.price)
        self.trades.append(PeerTrade(lot.bar, stamp, closed, lot.price, price, gain - both, both))
        lot.units += units
        if not lot.units:
            self.lots.remove(lot)

    def _fee(self, units: float, price: float) -> float:
        return self.fixed + abs(units) * price * self.relative

    def _equity(self, bar: int) -> float:
        close = float(self.bars.close[bar])
        held = sum(lot.units for lot in self.lots)
        return self.cash + (close * held - sum(lot.units * lot.price for lot in self.lots))

    def _available(self, bar: int) -> float:
        close = float(self.bars.close[bar])
        used = sum(abs(lot.units) * close / (1 / self.margin) for lot in self.lots)
        return max(0, self._equity(bar) - used)
