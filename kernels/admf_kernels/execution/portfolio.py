"""Cash, position and the open round trip; a fill changes them in one place."""

from typing import NamedTuple

from admf_kernels.execution.account import Account
from admf_kernels.execution.costs import cash_after


class Portfolio(NamedTuple):
    """One instrument and the cash, with what is known of the open round trip."""

    cash: float = 0.0
    lots: float = 0.0  # signed, whole
    entry_ts_ns: int = 0
    entry_lots: float = 0.0  # absolute, all entries of the round trip
    entry_value: float = 0.0  # units times price over the entries
    exit_lots: float = 0.0
    exit_value: float = 0.0
    fees: float = 0.0  # of the open round trip


class Trade(NamedTuple):
    """A closed round trip; ``lots`` is 0 where none closed."""

    lots: float  # signed by its direction
    entry_ts_ns: int
    entry_price: float
    exit_price: float
    pnl: float  # after fees, account currency
    fees: float
    entry_value: float


def no_trade() -> Trade:
    """Return the Trade that says nothing closed."""
    return Trade(0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def equity_at(c: Account, p: Portfolio, price: float) -> float:
    """Return cash plus the position's value at `price`."""
    return p.cash + p.lots * c.lot_size * price


def apply_fill(
    c: Account, p: Portfolio, ts_ns: int, lots: float, price: float, fee: float
) -> tuple[Portfolio, Trade]:
    """Return the portfolio after a fill of signed `lots`, and the trade it closed.

    A round trip runs from flat to flat; a fill through zero closes one and opens the next,
    its fee shared by lots. Partial exits stay in the round trip.
    """
    opposite = (p.lots > 0.0 and lots < 0.0) or (p.lots < 0.0 and lots > 0.0)
    size = abs(lots)
    held = abs(p.lots)
    closing = (size if size < held else held) if opposite else 0.0
    opening = size - closing
    fee_closing = fee if opening == 0.0 else fee * (closing / size)
    cash = cash_after(c, p.cash, lots, price, fee)
    left = p.lots + lots
    exit_lots = p.exit_lots + closing
    exit_value = p.exit_value + closing * c.lot_size * price
    if closing > 0.0 and closing == held:
        trade = _closed(c, p, exit_lots, exit_value, p.fees + fee_closing)
        entry_value = opening * c.lot_size * price
        entry_ts_ns = ts_ns if opening > 0.0 else 0
        return Portfolio(
            cash, left, entry_ts_ns, opening, entry_value, 0.0, 0.0, fee - fee_closing
        ), trade
    entry_ts_ns = ts_ns if p.lots == 0.0 else p.entry_ts_ns
    entry_lots = p.entry_lots + opening
    entry_value = p.entry_value + opening * c.lot_size * price
    return Portfolio(
        cash, left, entry_ts_ns, entry_lots, entry_value, exit_lots, exit_value, p.fees + fee
    ), no_trade()


def _closed(c: Account, p: Portfolio, exit_lots: float, exit_value: float, fees: float) -> Trade:
    """Return the trade of a round trip that is now flat."""
    gain = exit_value - p.entry_value
    pnl = (gain if p.lots > 0.0 else -gain) - fees
    lots = p.entry_lots if p.lots > 0.0 else -p.entry_lots
    entry_price = p.entry_value / (p.entry_lots * c.lot_size)
    exit_price = exit_value / (exit_lots * c.lot_size)
    return Trade(lots, p.entry_ts_ns, entry_price, exit_price, pnl, fees, p.entry_value)
