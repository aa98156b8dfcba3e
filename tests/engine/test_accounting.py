"""Where the money went, over random runs: nothing appears, nothing is lost."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.any_terms import all_terms, hostile_run
from tests.kernels.strategies import quick

seeds = st.integers(0, 10**6)
any_run = st.tuples(st.one_of(all_terms(), all_terms(requests=2)), seeds)


def exact(values) -> Fraction:
    return sum(map(Fraction, values), Fraction(0))


def rounding(made, terms) -> Fraction:
    """What the roundings of sums this large may come to."""
    turnover = made.records["ledger"].turnover + max(map(abs, made.equity)) + terms.a.cash
    return Fraction(turnover) * Fraction(1, 10**9)


@quick(80)
@given(any_run)
def test_cash_is_what_came_in_less_what_went_out(drawn):
    """Start, less lots at their prices, less fees, less financing: on every bar."""
    terms, seed = drawn
    made = hostile_run(terms, seed)
    spent, k = Fraction(0), 0
    for bar, (cash, wallet) in enumerate(zip(made.cash, made.wallets, strict=True)):
        while k < len(made.fills) and made.fills[k].bar <= bar:
            fill = made.fills[k]
            spent += fill.lots * Fraction(terms.n.lot_value) * Fraction(fill.price)
            spent += Fraction(fill.fee)
            k += 1
        expected = Fraction(terms.a.cash) - spent - Fraction(wallet.financing)
        assert abs(Fraction(cash) - expected) <= rounding(made, terms)
        assert terms.uses.financing or wallet.financing == 0.0


@quick(80)
@given(any_run)
def test_the_position_is_the_sum_of_fills_in_whole_lots(drawn):
    terms, seed = drawn
    made = hostile_run(terms, seed)
    for bar, lots in enumerate(made.lots):
        assert lots == sum(f.lots for f in made.fills if f.bar <= bar)
        assert lots == math.trunc(lots)
    for order in made.working:
        assert order.lots == math.trunc(order.lots)


@quick(80)
@given(any_run)
def test_the_ledger_sums_what_the_events_say(drawn):
    terms, seed = drawn
    made = hostile_run(terms, seed)
    ledger = made.records["ledger"]

    assert ledger.fills == len(made.fills)
    assert ledger.trades == len(made.trades)
    assert ledger.orders == sum(o.status == "accepted" for o in made.orders)
    assert ledger.denied == sum(o.status in ("denied", "rejected") for o in made.orders)
    assert ledger.trades_won == sum(t.pnl > 0.0 for t in made.trades)
    worth = Fraction(terms.n.lot_value)
    turnover = exact(abs(f.lots) * worth * Fraction(f.price) for f in made.fills)
    assert abs(Fraction(ledger.turnover) - turnover) <= rounding(made, terms)
    assert abs(Fraction(ledger.fees) - exact(f.fee for f in made.fills)) <= rounding(made, terms)


@quick(80)
@given(any_run)
def test_the_gain_is_that_of_closed_trades_and_of_the_open_position(drawn):
    """The change of equity, with what financing took away put back."""
    terms, seed = drawn
    made = hostile_run(terms, seed)
    q, worth = made.records["q"], Fraction(terms.n.lot_value)
    side = 1 if q.lots > 0 else -1
    held = abs(Fraction(q.lots)) * worth * Fraction(made.bars[-1].close)
    unsettled = side * (held + Fraction(q.exit_value) - Fraction(q.entry_value)) - Fraction(q.fees)
    gained = exact(t.pnl for t in made.trades) + (unsettled if q.lots else 0)
    change = Fraction(made.equity[-1]) - Fraction(terms.a.cash)

    assert abs(change + Fraction(made.wallets[-1].financing) - gained) <= rounding(made, terms)


@quick(60)
@given(any_run)
def test_a_trade_says_what_its_fills_say(drawn):
    """Lots, average prices, fees and the extremes of every round trip, from its fills."""
    terms, seed = drawn
    made = hostile_run(terms, seed)
    worth, trips = terms.n.lot_value, []
    held, entered, left, fees = 0, [], [], 0.0
    for fill in made.fills:
        closing = min(abs(fill.lots), abs(held)) if held * fill.lots < 0 else 0
        share = closing / abs(fill.lots)
        if closing:
            left.append((closing, fill.price))
            fees += fill.fee * share
        if closing == abs(held) and closing:
            trips.append((fill.sequence, held, entered, left, fees))
            entered, left, fees = [], [], 0.0
        if abs(fill.lots) > closing:
            entered.append((abs(fill.lots) - closing, fill.price))
            fees += fill.fee * (1 - share)
        held += fill.lots
    assert [t.sequence for t in made.trades] == [trip[0] for trip in trips]
    for trade, (_, before, ins, outs, paid) in zip(made.trades, trips, strict=True):
        size, value = sum(n for n, _ in ins), sum(n * p for n, p in ins)
        got = sum(n * p for n, p in outs)
        side = 1 if before > 0 else -1
        assert trade.lots == side * size
        assert math.isclose(trade.entry_price, value / size, rel_tol=1e-9)
        assert math.isclose(trade.exit_price, got / size, rel_tol=1e-9)
        near = 1e-9 * (abs(value) + abs(got)) * worth
        assert math.isclose(trade.fees, paid, rel_tol=1e-9, abs_tol=near)
        assert abs(trade.pnl - (side * (got - value) * worth - paid)) <= near
        assert trade.mae <= 0.0 <= trade.mfe
