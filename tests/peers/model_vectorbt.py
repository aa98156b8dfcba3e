"""`vectorbt` 1.2.0 in plain Python: signals and order sizes into fills, with one cash or several.

Every fill is equal to the peer's bit for bit. Trades and equity, which the peer sums again from
its records, agree to rounding.
"""

from dataclasses import dataclass
from math import copysign, inf, isfinite, isinf, isnan, nan

import numpy as np

from tests.peers.kinds import Bars, Floats, PeerFill, PeerResult, PeerTrade
from tests.peers.round_trips import round_trips
from tests.peers.vectorbt_numbers import add, less, near
from tests.peers.vectorbt_rules import Rules, Signals

ENTRY = {"both": True, "addonly": True, "removeonly": False, "disabled": False}
EXIT = {"both": True, "addonly": False, "removeonly": True, "disabled": False}


@dataclass
class _Purse:
    """The cash of a column, or of all that share it; free is what short positions do not bind."""

    cash: float
    free: float


@dataclass
class _Holding:
    purse: _Purse
    units: float = 0.0
    debt: float = 0.0
    stop_base: float = nan
    target_base: float = nan


@dataclass
class _Plan:
    """An order of the bar: size is signed, infinite for all there is."""

    size: float
    kind: str
    side: str
    price: float
    slippage: float
    reference: float  # the price sizes and values are reckoned with


@dataclass
class Model:
    """All columns; run_signals() or run_orders() goes through the bars."""

    bars: list[Bars]
    rules: Rules

    def __post_init__(self) -> None:
        cash = self.rules.cash
        shared = _Purse(cash, cash) if self.rules.cash_sharing else None
        self.held = [_Holding(shared or _Purse(cash, cash)) for _ in self.bars]
        self.fills: list[PeerFill] = []
        self.equity: list[float] = []

    def run_orders(self, sizes: Floats) -> PeerResult:
        """Order sizes of shape (bars, columns), each at the price of its bar."""
        rules = self.rules
        sign = -1.0 if rules.direction == "shortonly" else 1.0
        for bar, row in enumerate(sizes):
            prices = [float(getattr(b, rules.price)[bar]) for b in self.bars]
            self._bar(
                bar,
                [
                    _Plan(sign * size, rules.size_type, rules.direction, p, rules.slippage, p)
                    for size, p in zip(row.tolist(), prices, strict=True)
                ],
            )
        return self._result()

    def run_signals(self, signals: Signals) -> PeerResult:
        """Signals of shape (bars, columns); a stop comes before any signal of its bar."""
        for bar in range(len(signals.long_entry)):
            plans = []
            for column, (bars, held) in enumerate(zip(self.bars, self.held, strict=True)):
                price, slippage = float(getattr(bars, self.rules.price)[bar]), self.rules.slippage
                hit = self._stop(bars, held, bar)
                if isnan(hit):
                    plan = _Plan(*self._wanted(signals, bar, column, price), price, slippage, price)
                else:
                    at = {"stoplimit": (hit, 0.0), "stopmarket": (hit, slippage)}
                    at |= {"price": (price, slippage), "close": (float(bars.close[bar]), slippage)}
                    side = "longonly" if held.units > 0 else "shortonly"
                    plan = _Plan(
                        -held.units, "amount", side, *at[self.rules.stop_exit_price], price
                    )
                plans.append(plan)
            self._bar(bar, plans, skip_zero=True)
        return self._result()

    def _bar(self, bar: int, plans: list[_Plan], *, skip_zero: bool = False) -> None:
        """Execute the orders of one bar, one column after the other."""
        values = [self._value(column, plans) for column in range(len(plans))]
        columns = list(range(len(plans)))
        if self.rules.cash_sharing and self.rules.call_seq == "auto":
            worth = [self._worth(self.held[c], plans[c], values[c]) for c in columns]
            columns.sort(key=lambda c: (isnan(worth[c]), worth[c]))
        for column in columns:
            plan, held = plans[column], self.held[column]
            if skip_zero and plan.size == 0:
                continue
            before = held.units
            if self._order(bar, column, plan, values[column]):
                self._set_bases(held, before, plan, bar, column)
        purses = {id(h.purse): h.purse.cash for h in self.held}
        owned = (h.units * float(b.close[bar]) for h, b in zip(self.held, self.bars, strict=True))
        self.equity.append(sum(purses.values()) + sum(owned))

    def _result(self) -> PeerResult:
        trades: list[PeerTrade] = []
        still: list[PeerTrade] = []
        for column, bars in enumerate(self.bars):
            done, left = round_trips([f for f in self.fills if f.column == column], bars.close)
            trades += done
            still += left
        if not self.rules.cash_sharing:
            # Nothing joins the columns; the peer runs them one after the other.
            self.fills.sort(key=lambda fill: fill.column)
        return PeerResult(trades, still, np.array(self.equity), self.equity[-1], self.fills)

    def _value(self, column: int, plans: list[_Plan]) -> float:
        which = range(len(plans)) if self.rules.cash_sharing else [column]
        total = self.held[column].purse.cash
        for c in which:
            if self.held[c].units != 0:
                total += self.held[c].units * plans[c].reference
        return total

    def _worth(self, held: _Holding, plan: _Plan, value: float) -> float:
        """Return what an order is roughly worth: sales come first."""
        owned, size, price = held.units * plan.reference, plan.size, plan.reference
        if size == 0 and not plan.kind.startswith("target"):
            return 0.0
        if plan.kind == "percent":
            if size >= 0:
                return size * held.purse.cash
            if plan.side == "longonly":
                return size * owned
            return size * (2 * max(owned, 0) + max(held.purse.free, 0))
        return {
            "amount": size * price,
            "value": size,
            "targetamount": size * price - owned,
            "targetvalue": size - owned,
            "targetpercent": size * value - owned,
        }[plan.kind]

    def _order(self, bar: int, column: int, plan: _Plan, value: float) -> bool:
        """Execute an order; return whether anything was filled."""
        held = self.held[column]
        purse = held.purse
        purse.cash, purse.free, held.units, held.debt = (
            0.0 if near(x, 0.0) else x for x in (purse.cash, purse.free, held.units, held.debt)
        )
        size, percent = self._units(plan, held.units, value)
        if isnan(size):
            return False
        if size > 0:
            price = plan.price * (1 + plan.slippage)
            found = self._buy(held, size, percent, plan.side, price)
        else:
            price = plan.price * (1 - plan.slippage)
            found = self._sell(held, -size, percent, plan.side, price)
        if found is None:
            return False
        units, fee = found
        self.fills.append(PeerFill(bar, copysign(units, size), price, fee, column))
        return True

    def _units(self, plan: _Plan, units: float, value: float) -> tuple[float, float]:
        """Return the signed size in units, and the share of the means where there is one."""
        size, kind = plan.size, plan.kind
        if isnan(size):
            return nan, nan
        if kind == "targetpercent":
            if isnan(value) or value <= 0:
                return nan, nan
            size *= 0.0 if near(value, 0.0) else value
        if kind in ("value", "targetvalue", "targetpercent"):
            size /= plan.reference
        if kind.startswith("target"):
            size -= units
        if kind != "percent" and size == -inf and plan.side != "longonly":
            size, kind = -1.0, "percent"
        if kind == "percent":
            return (copysign(inf, size) if size else size), abs(size)
        return size, nan

    def _buy(
        self, held: _Holding, asked: float, percent: float, side: str, price: float
    ) -> tuple[float, float] | None:
        rules, purse = self.rules, held.purse
        limit = min(self._lock_limit(held, price), purse.cash) if rules.lock_cash else purse.cash
        if not isnan(percent):
            limit = min(limit, percent * limit)
        if (held.units if side == "shortonly" else limit) == 0:
            return None
        size = min(-held.units, asked) if side == "shortonly" else asked
        if size > rules.max_size:
            if not rules.allow_partial:
                return None
            size = rules.max_size
        size = units = self._on_grid(size)
        cost = size * price
        fee = cost * rules.fees + rules.fixed_fees
        total = cost + fee
        if not (near(total, limit) or total < limit):
            most = add(limit, -rules.fixed_fees) / (1 + rules.fees)
            if most <= 0:
                return None
            units = self._on_grid(most / price)
            fee, total = limit - most, limit
            if not isnan(rules.size_granularity):
                cost = units * price
                fee = cost * rules.fees + rules.fixed_fees
                total = cost + fee
        if near(size, 0.0) or self._refused(units, asked):
            return None
        freed = 0.0
        if held.units < 0:
            covered = min(units, -held.units)
            freed = covered * (held.debt / abs(held.units))
            held.debt = add(held.debt, -freed)
        purse.free = add(purse.free + 2 * freed, -total)
        purse.cash = add(purse.cash, -total)
        held.units = add(held.units, units)
        return units, fee

    def _lock_limit(self, held: _Holding, price: float) -> float:
        """Return what may be spent where short positions bind cash."""
        rules, purse = self.rules, held.purse
        if held.units >= 0:
            return purse.free
        one = price * (1 + rules.fees)
        cover = abs(held.units) * price * (1 + rules.fees) + rules.fixed_fees
        left = add(purse.free + 2 * held.debt, -cover)
        if left > 0:
            return purse.free + 2 * held.debt
        if left == 0:
            return purse.cash
        most = (purse.free - rules.fixed_fees) / (one - 2 * (held.debt / abs(held.units)))
        return most * price * (1 + rules.fees) + rules.fixed_fees

    def _sell(
        self, held: _Holding, asked: float, percent: float, side: str, price: float
    ) -> tuple[float, float] | None:
        rules, purse = self.rules, held.purse
        size = asked
        if side == "longonly":
            size = min(held.units, asked)
        elif rules.lock_cash or (isinf(asked) and not isnan(percent)):
            most = self._short_limit(held, price)
            if isnan(most):
                return None
            size = min(asked, most)
            if rules.lock_cash and not isnan(percent):
                size, percent = min(percent * (most if isinf(asked) else asked), most), nan
        if not isnan(percent):
            size = percent * size
        if size > rules.max_size:
            if not rules.allow_partial:
                return None
            size = rules.max_size
        if side == "longonly" and held.units == 0:
            return None
        size = self._on_grid(size)
        if near(size, 0.0) or self._refused(size, asked):
            return None
        gross = size * price
        fee = gross * rules.fees + rules.fixed_fees
        net = add(gross, -fee)
        if net < 0:
            return None
        after = add(held.units, -size)
        purse.cash += net
        if after < 0:
            short = (size if held.units < 0 else abs(after)) * price
            held.debt += short
            purse.free = add(purse.free, add(net, -2 * short))
        else:
            purse.free += net
        held.units = after
        return size, fee

    def _short_limit(self, held: _Holding, price: float) -> float:
        """Return how much can be sold with free cash as cover; NaN if nothing."""
        rules = self.rules
        owned = max(held.units, 0)
        free = add(held.purse.free, owned * price * (1 - rules.fees))
        if free <= 0:
            return owned if held.units > 0 else nan
        most = add(owned, add(free, -rules.fixed_fees) / (price * (1 + rules.fees)))
        return most if most > 0 else nan

    def _on_grid(self, size: float) -> float:
        grid = self.rules.size_granularity
        return size if isnan(grid) else size // grid * grid

    def _refused(self, units: float, asked: float) -> bool:
        partial = isfinite(asked) and less(units, asked) and not self.rules.allow_partial
        return less(units, self.rules.min_size) or partial

    def _wanted(
        self, signals: Signals, bar: int, column: int, price: float
    ) -> tuple[float, str, str]:
        """Turn the signals of a bar into signed size, its kind, and the side it may touch."""
        given = (
            signals.long_entry,
            signals.long_exit,
            signals.short_entry,
            signals.short_exit,
        )
        buy, sell_off, short, cover = (bool(x[bar, column]) for x in given)
        rules, units = self.rules, self.held[column].units
        add_more, take_less = ENTRY[rules.accumulate], EXIT[rules.accumulate]
        # What contradicts itself is dropped.
        buy, sell_off = (False, False) if buy and sell_off else (buy, sell_off)
        short, cover = (False, False) if short and cover else (short, cover)
        buy, short = (False, False) if buy and short else (buy, short)
        if (units > 0 and short) or (units < 0 and buy):
            mode = rules.upon_opposite_entry
            if mode in ("close", "reverse"):
                take_less = False
            if mode in ("close", "closereduce"):
                sell_off, cover = sell_off or units > 0, cover or units < 0
            if mode in ("ignore", "close", "closereduce"):
                buy, short = buy and units > 0, short and units < 0
        sign = 1.0 if units > 0 else -1.0
        if units == 0:
            size = rules.size if buy else -rules.size if short else 0.0
            return size, rules.size_type, "both"
        turn, leave, more = (short, sell_off, buy) if units > 0 else (buy, cover, short)
        side = "longonly" if units > 0 else "shortonly"
        if turn:
            if take_less:
                return -sign * rules.size, rules.size_type, "both"
            size = rules.size / price if rules.size_type == "value" else rules.size
            return -sign * (abs(units) + size), "amount", "both"
        if leave:
            if take_less:
                return -sign * rules.size, rules.size_type, side
            return -units, "amount", side
        return (sign * rules.size if more and add_more else 0.0), rules.size_type, side

    def _stop(self, bars: Bars, held: _Holding, bar: int) -> float:
        """Return where the stop-loss, else the target, is hit in a bar, or NaN; then trail."""
        open_, high, low = (float(x[bar]) for x in (bars.open, bars.high, bars.low))
        side = (held.units > 0) - (held.units < 0)
        hit = nan
        for base, share, down in (
            (held.stop_base, self.rules.sl_stop, side > 0),
            (held.target_base, self.rules.tp_stop, side < 0),
        ):
            if side and isnan(hit) and not isnan(base) and not isnan(share):
                level = base * (1 - share) if down else base * (1 + share)
                if open_ <= level if down else level <= open_:
                    hit = open_
                elif low <= level <= high:
                    hit = level
        if self.rules.sl_trail and side and not isnan(held.stop_base):
            held.stop_base = max(held.stop_base, high) if side > 0 else min(held.stop_base, low)
        return hit

    def _set_bases(self, held: _Holding, before: float, plan: _Plan, bar: int, column: int) -> None:
        """Measure stop and target anew from an order that opened, turned or added."""
        if held.units == 0:
            held.stop_base = held.target_base = nan
            return
        turned = before == 0 or (held.units > 0) != (before > 0)
        if turned or abs(held.units) > abs(before):
            base = {
                "close": float(self.bars[column].close[bar]),
                "price": plan.price,
                "fillprice": self.fills[-1].price,
                "valprice": plan.reference,
            }[self.rules.stop_entry_price]
            if turned or not isnan(self.rules.sl_stop):
                held.stop_base = base
            if turned or not isnan(self.rules.tp_stop):
                held.target_base = base
