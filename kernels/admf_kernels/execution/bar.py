"""One bar of trading, in order, in every mode: fill, decide, mark.

The strategy runs between `open_bar` and `close_bar`, so it sees the position after the
fills of this bar and before its own order.
"""

from typing import NamedTuple

from admf_kernels.execution import metrics, sizing
from admf_kernels.execution.account import NEXT_OPEN, SAME_CLOSE, Account
from admf_kernels.execution.costs import affordable_lots, cash_after, fill_fee, fill_price
from admf_kernels.execution.metrics import Curve, Ledger
from admf_kernels.execution.portfolio import (
    Portfolio,
    Trade,
    apply_fill,
    equity_at,
    no_trade,
)

OK, BAD_SIGNAL, BAD_EQUITY = 0, 1, 2


class Book(NamedTuple):
    """The working order, the signal last acted on, and the event counter."""

    sequence: int = 0  # of the last event of this container
    bar_sequence: int = 0  # of the last BAR event
    signal: float = 0.0
    order_lots: float = 0.0  # signed, still to fill; 0 for no working order
    order_id: int = 0  # sequence of the ORDER event


class Fill(NamedTuple):
    """What one bar filled; ``lots`` is 0 for nothing. ``canceled_lots`` could not be paid."""

    sequence: int
    order_id: int
    lots: float
    price: float
    fee: float
    canceled_lots: float
    canceled_sequence: int


class Decision(NamedTuple):
    """What the strategy's signal led to on this bar; sequences are 0 where nothing did."""

    status: int
    signal: float
    signal_sequence: int
    order_id: int
    order_lots: float


def no_fill() -> Fill:
    """Return the Fill that says nothing happened."""
    return Fill(0, 0, 0.0, 0.0, 0.0, 0.0, 0)


def match_market(
    c: Account, book: Book, p: Portfolio, m: Ledger, ts_ns: int, price: float
) -> tuple[Book, Portfolio, Ledger, Fill, Trade]:
    """Fill the working order at `price`; what the cash cannot pay is canceled."""
    if book.order_lots == 0.0:
        return book, p, m, no_fill(), no_trade()
    lots = _payable(c, p, book.order_lots, price)
    canceled = book.order_lots - lots
    sequence = book.sequence
    fill = no_fill()
    trade = no_trade()
    if lots != 0.0:
        sequence += 1
        at = fill_price(c, lots, price)
        fee = fill_fee(c, lots, at)
        p, trade = apply_fill(c, p, ts_ns, lots, at, fee)
        m = metrics.count_fill(m, abs(lots) * c.lot_size * at, fee, trade)
        fill = Fill(sequence, book.order_id, lots, at, fee, 0.0, 0)
    if canceled != 0.0:
        sequence += 1
        fill = Fill(
            fill.sequence, book.order_id, fill.lots, fill.price, fill.fee, canceled, sequence
        )
    return Book(sequence, book.bar_sequence, book.signal, 0.0, 0), p, m, fill, trade


def _payable(c: Account, p: Portfolio, lots: float, price: float) -> float:
    """Return how much of an order the cash can pay; covering a short always can."""
    if lots <= 0.0:
        return lots
    cover = -p.lots if p.lots < 0.0 else 0.0
    beyond = lots - cover
    if beyond <= 0.0:
        return lots
    at = fill_price(c, 1.0, price)
    if cash_after(c, p.cash, lots, at, fill_fee(c, lots, at)) >= 0.0:
        return lots
    money = p.cash - cover * c.lot_size * (at * (1.0 + c.fee_rate) + c.fee_per_unit)
    most = affordable_lots(c, money, price)
    lots = cover + (most if most < beyond else beyond)
    # What the cover leaves is rounded; never spend more than there is.
    left = cash_after(c, p.cash, lots, at, fill_fee(c, lots, at))
    return lots - 1.0 if left < 0.0 and lots > cover else lots


def open_bar(
    c: Account, book: Book, p: Portfolio, m: Ledger, ts_ns: int, open: float
) -> tuple[Book, Portfolio, Ledger, Fill, Trade]:
    """Count the BAR event and fill what waited for this bar's open."""
    sequence = book.sequence + 1
    book = Book(sequence, sequence, book.signal, book.order_lots, book.order_id)
    if c.fill == NEXT_OPEN:
        return match_market(c, book, p, m, ts_ns, open)
    return book, p, m, no_fill(), no_trade()


def decide(
    c: Account, book: Book, p: Portfolio, m: Ledger, close: float, wanted: float
) -> tuple[Book, Ledger, Decision]:
    """Turn the strategy's signal into a SIGNAL event if it changed, and an ORDER if need be."""
    equity = equity_at(c, p, close)
    bad = not (wanted >= -1.0 and wanted <= 1.0)
    # With nothing left the account is closed out, whatever the strategy wants.
    signal = sizing.allowed_signal(c, 0.0 if bad or equity <= 0.0 else wanted)
    status = BAD_SIGNAL if bad else OK
    if signal == book.signal:
        return book, m, Decision(status, signal, 0, 0, 0.0)
    sequence = book.sequence + 1
    signal_sequence = sequence
    lots = sizing.target_lots(c, signal, equity, close) - p.lots
    if lots == 0.0:
        book = Book(sequence, book.bar_sequence, signal, 0.0, 0)
        return book, m, Decision(status, signal, signal_sequence, 0, 0.0)
    sequence += 1
    return (
        Book(sequence, book.bar_sequence, signal, lots, sequence),
        metrics.count_order(m),
        Decision(status, signal, signal_sequence, sequence, lots),
    )


def close_bar(
    c: Account, book: Book, p: Portfolio, m: Ledger, ts_ns: int, close: float
) -> tuple[Book, Portfolio, Ledger, Fill, Trade]:
    """Fill an order made on this bar's close, where the account is set to."""
    if c.fill == SAME_CLOSE:
        return match_market(c, book, p, m, ts_ns, close)
    return book, p, m, no_fill(), no_trade()


def mark(c: Account, p: Portfolio, curve: Curve, ts_ns: int, close: float) -> Curve:
    """Mark the position to the close and advance the equity curve."""
    return metrics.mark_bar(curve, c.cash, ts_ns, close, equity_at(c, p, close), p.lots != 0.0)
