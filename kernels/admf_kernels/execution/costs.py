"""What a fill costs: the price after slippage, the fee, and what there is to pay it with."""

from typing import Any

from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import LOTS_MAX, Terms
from admf_kernels.numeric import floor


def fill_price(n: Any, lots: float, price: float, share: float) -> float:
    """Return the price after slippage, which always works against the order.

    `lots` is signed; `share` is the order's share of the bar's volume, whose square moves
    the price (the volume-share model of zipline). A sale never yields a negative price.
    """
    rate = n.slippage_rate + n.slippage_impact * (share * share)
    if lots > 0.0:
        return price * (1.0 + rate) + n.slippage_amount
    lower = price * (1.0 - rate) - n.slippage_amount
    return lower if lower > 0.0 else 0.0


def standard_fee(
    n: Any, turnover: float, lots: float, worth: float, price: float, maker: bool
) -> float:
    """Return the fee of a fill in account currency: rate, per unit, fixed; at least the minimum.

    `turnover` is that of the calendar month so far, which the tiers go by. The fee depends
    on the absolute quantity, so closing costs what opening does.
    """
    size = abs(lots)
    rate = n.fee_rate_maker if maker else n.fee_rate
    if n.fee_tiers > 0 and turnover >= n.fee_from_1:
        rate = n.fee_rate_1
    if n.fee_tiers > 1 and turnover >= n.fee_from_2:
        rate = n.fee_rate_2
    if n.fee_tiers > 2 and turnover >= n.fee_from_3:
        rate = n.fee_rate_3
    fee = size * worth * price * rate + size * n.lot_size * n.fee_per_unit + n.fee_fixed
    return n.fee_minimum if fee < n.fee_minimum else fee


def month_turnover(m: Any, ts_ns: int) -> float:
    """Return what was traded so far in the calendar month (UTC) of `ts_ns`."""
    return m.month_turnover if ts_ns < m.month_end_ns else 0.0


def month_of(ts_ns: int) -> int:
    """Return months since March of year 0 (UTC): Howard Hinnant's civil_from_days."""
    days = ts_ns // 86_400_000_000_000 + 719_468
    era = days // 146_097
    of_era = days - era * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    return (year + era * 400) * 12 + (5 * of_year + 2) // 153


def month_end_ns(ts_ns: int) -> int:
    """Return when the calendar month (UTC) of `ts_ns` ends: Hinnant's days_from_civil."""
    month = month_of(ts_ns) + 1
    year = month // 12
    era = year // 400
    of_era = year - era * 400
    days = of_era * 365 + of_era // 4 - of_era // 100 + (153 * (month - year * 12) + 2) // 5
    return (era * 146_097 + days - 719_468) * 86_400_000_000_000


def cash_after(cash: float, lots: float, worth: float, price: float, fee: float) -> float:
    """Return the cash that a fill of signed `lots` leaves, in the order the wallet takes it."""
    return cash - lots * worth * price - fee


def share_of(t: Terms, bar: Any, lots: float) -> float:
    """Return which part of the bar's volume `lots` are, at most all of it."""
    if not t.uses.volume or bar.volume <= 0.0:
        return 1.0 if t.uses.volume else 0.0
    share = abs(lots) * t.n.lot_size / bar.volume
    return share if share < 1.0 else 1.0


def quote(
    t: Terms, d: Desk, bar: Any, lots: float, price: float, maker: bool, limit: float
) -> tuple[float, float]:
    """Return price and fee of a fill of `lots`; slippage never makes it worse than `limit`."""
    at = fill_price(t.n, lots, price, share_of(t, bar, lots)) if d.now.slips else price
    if limit > 0.0 and ((lots > 0.0 and at > limit) or (lots < 0.0 and at < limit)):
        at = limit
    return at, t.fee_of(t.n, month_turnover(d.ledger, bar.ts_ns), lots, bar.worth, at, maker)


def affordable_lots(n: Any, worth: float, money: float, price: float, side: float) -> float:
    """Return the most whole lots that `money` buys at `price`, slippage and taker's fees
    included, as far as they are proportional; `payable` looks at the rest.

    `side` is the side that slippage works against: 1 for buying.
    """
    worst = fill_price(n, side, price, 0.0)
    lot = worth * worst * (1.0 + n.fee_rate) + n.lot_size * n.fee_per_unit
    budget = money - n.fee_fixed
    if budget <= 0.0 or lot <= 0.0:
        return 0.0
    quotient = budget / lot
    lots = floor(quotient) if quotient < LOTS_MAX else LOTS_MAX
    # The quotient is rounded; never spend more than there is.
    fee = lots * worth * worst * n.fee_rate + lots * n.lot_size * n.fee_per_unit + n.fee_fixed
    left = cash_after(money, lots, worth, worst, fee)
    return lots - 1.0 if left < 0.0 and lots > 0.0 else lots


def payable(
    t: Terms, d: Desk, bar: Any, lots: float, price: float, maker: bool, limit: float
) -> tuple[float, float, float]:
    """Return how much of an order there is money for, and the price and fee of that.

    There always is for what reduces the position. With cash, a purchase beyond covering a short
    must leave cash at 0 or above. On margin, the account's gross exposure after the fill must
    not exceed leverage times equity.
    """
    held = d.q.lots
    opposite = (held > 0.0 and lots < 0.0) or (held < 0.0 and lots > 0.0)
    closing = (abs(lots) if abs(lots) < abs(held) else abs(held)) if opposite else 0.0
    side = 1.0 if lots > 0.0 else -1.0
    if lots == 0.0:  # a fee may divide by them
        return 0.0, price, 0.0
    at, fee = quote(t, d, bar, lots, price, maker, limit)
    if closing == abs(lots) or (side < 0.0 and not t.uses.margin):
        return lots, at, fee
    missing = _left(t, d, bar, lots, price, at, fee)
    if missing >= 0.0:
        return lots, at, fee
    low, high = closing, abs(lots)
    at, fee = quote(t, d, bar, side * low, price, maker, limit)
    spare = _left(t, d, bar, side * low, price, at, fee)
    # What is left falls in a line with the lots but for fees that are not proportional: guess
    # by the line, look around the guess in doubling steps, and halve what remains.
    share = spare / (spare - missing) if spare > missing else 0.5
    part = share if share > 0.0 and share < 1.0 else 0.5
    probe, step = floor(low + (high - low) * part), 1.0
    for _ in range(128):
        if high - low <= 1.0:
            break
        if probe <= low or probe >= high:
            probe = floor((low + high) * 0.5)
        at, fee = quote(t, d, bar, side * probe, price, maker, limit)
        if _left(t, d, bar, side * probe, price, at, fee) >= 0.0:
            low = probe
            probe += step
        else:
            high = probe
            probe -= step
        step *= 2.0
    at, fee = quote(t, d, bar, side * low, price, maker, limit)
    return side * low, at, fee


def _left(t: Terms, d: Desk, bar: Any, lots: float, price: float, at: float, fee: float) -> float:
    """Return the cash, or exposure that margin allows, left by a fill; negative if too little."""
    if not t.uses.margin:
        return cash_after(d.wallet.cash, lots, bar.worth, at, fee)
    e, held = d.e, d.q.lots
    others = e.gross - abs(held) * bar.worth * e.price
    gross = others + abs(held + lots) * bar.worth * at
    equity = e.equity + held * bar.worth * (price - e.price)
    equity -= fee + abs(lots) * bar.worth * abs(at - price)
    return float(t.a.leverage * equity - gross)
