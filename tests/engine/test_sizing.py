"""How many lots a signal means, against exact rationals."""

import functools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels.execution import terms as kinds
from admf_kernels.execution.records import Ledger, Plain
from admf_kernels.execution.sizing import kelly_share, target_lots
from admf_kernels.execution.terms import (
    ALL_IN,
    AMOUNT,
    ATR,
    FRACTION,
    PERCENT,
    SAME_CLOSE,
    Account,
    Exits,
    Instrument,
)
from admf_kernels.execution.uses import make_terms
from admf_kernels.plain import PlainProgram
from tests.engine.any_terms import all_terms, hostile_run
from tests.engine.desks import bar_at, desk_of
from tests.engine.kit import bars_of, exact_costs, follow_volume, sixteenths
from tests.engine.mutants import mutant
from tests.kernels.strategies import quick

signals = st.sampled_from((-1.0, -0.75, -0.25, 0.0, 0.25, 0.5, 1.0))
shares = st.integers(1, 16).map(lambda k: k / 16)
equities = sixteenths(1, 4096)
prices = sixteenths(1, 64)
instruments = st.builds(
    lambda size, costs: Instrument(lot_size=size, lot_value=size, **costs),
    st.sampled_from((0.25, 1.0, 10.0)),
    exact_costs(),
)


def lots_of(terms, signal, equity, price, **bar):
    desk = desk_of(cash=equity)
    return target_lots(terms, desk, bar_at(price, terms.n.lot_value, **bar), signal)


def whole(exact, signal):
    """Towards zero, on the side of the signal."""
    return max(0, math.floor(exact)) * (1 if signal > 0 else -1 if signal < 0 else 0)


def affordable(n, money, price):
    """What money buys with slippage, proportional fees and one fixed fee."""
    at = Fraction(price) * (1 + Fraction(n.slippage_rate)) + Fraction(n.slippage_amount)
    lot = Fraction(n.lot_size) * (at * (1 + Fraction(n.fee_rate)) + Fraction(n.fee_per_unit))
    return (money - Fraction(n.fee_fixed)) / lot


@quick(150)
@given(signals, st.integers(1, 1000), equities, prices)
def test_a_fixed_size_is_shared_by_the_strength(signal, lots, equity, price):
    terms = make_terms(Account(sizing=kinds.FIXED, sizing_value=float(lots)))

    found = lots_of(terms, signal, equity, price)

    assert found == whole(abs(Fraction(signal)) * lots, signal)


@quick(200)
@given(instruments, signals, shares, equities, prices)
def test_a_share_of_the_equity_buys_what_it_can_pay(n, signal, share, equity, price):
    terms = make_terms(Account(sizing=kinds.PERCENT, sizing_value=share), n)
    money = Fraction(equity) * Fraction(share) * abs(Fraction(signal))

    assert lots_of(terms, signal, equity, price) == whole(affordable(n, money, price), signal)


@quick(200)
@given(
    instruments, signals, shares, equities, prices,
    st.sampled_from((AMOUNT, FRACTION, ATR)), shares,
)  # fmt: skip
def test_risk_loses_its_share_at_the_stop(n, signal, share, equity, price, unit, away):
    """No more than that, and no more than `sizing_most` of the equity buys."""
    account = Account(sizing=kinds.RISK, sizing_value=share, sizing_most=0.5)
    terms = make_terms(account, n, x=Exits(stop=unit, stop_value=away))
    distance = Fraction(away) * {AMOUNT: 1, FRACTION: Fraction(price), ATR: 2}[unit]
    money = Fraction(equity) * Fraction(share) * abs(Fraction(signal))
    by_risk = money / (distance * Fraction(n.lot_value))
    most = affordable(n, Fraction(equity) / 2, price)

    found = lots_of(terms, signal, equity, price, atr=2.0)

    assert found == whole(min(by_risk, most), signal)


@quick(200)
@given(instruments, signals, shares, equities, prices)
def test_volatility_is_that_of_a_year(n, signal, share, equity, price):
    """A deviation of 1/64 a bar over 256 bars is a quarter a year."""
    account = Account(sizing=kinds.VOLATILITY, sizing_value=share, sizing_periods=256.0)
    terms = make_terms(account, n)
    money = Fraction(equity) * Fraction(share) * abs(Fraction(signal))
    by_volatility = money / (Fraction(1, 4) * Fraction(price) * Fraction(n.lot_value))
    most = affordable(n, Fraction(equity), price)

    found = lots_of(terms, signal, equity, price, deviation=1 / 64)

    assert found == whole(min(by_volatility, most), signal)


@pytest.mark.parametrize("deviation", [0.0, float("nan")])
def test_without_a_volatility_there_is_no_size(deviation):
    account = Account(sizing=kinds.VOLATILITY, sizing_value=0.1, sizing_periods=256.0)

    assert lots_of(make_terms(account), 1.0, 1000.0, 10.0, deviation=deviation) == 0.0


KELLY = Account(
    sizing=kinds.KELLY, sizing_value=0.5, sizing_most=0.75, sizing_trades=10.0, sizing_before=0.1
)


@pytest.mark.parametrize(
    ("trades", "won", "profit", "loss", "share"),
    [
        (9, 9, 90.0, 0.0, 0.1),  # too few
        (10, 0, 0.0, 50.0, 0.0),
        (10, 10, 50.0, 0.0, 0.75),
        (10, 5, 100.0, 50.0, 0.5 * (0.5 - 0.5 / 2)),
        (10, 5, 50.0, 50.0, 0.0),  # no edge
        (10, 5, 40.0, 50.0, 0.0),
        (16, 12, 1200.0, 4.0, 0.5 * (0.75 - 0.25 / 100)),
    ],
)
def test_kelly_goes_by_the_closed_trades(trades, won, profit, loss, share):
    ledger = Plain(Ledger)
    ledger.trades, ledger.trades_won = trades, won
    ledger.profit_gross, ledger.loss_gross = profit, loss

    assert kelly_share(KELLY, ledger) == share


@quick(150)
@given(st.integers(10, 500), st.data(), sixteenths(1, 64), sixteenths(1, 64))
def test_kelly_is_within_its_bounds_and_near_the_formula(trades, data, win, loss):
    won = data.draw(st.integers(1, trades - 1))
    ledger = Plain(Ledger)
    ledger.trades, ledger.trades_won = trades, won
    ledger.profit_gross, ledger.loss_gross = won * win, (trades - won) * loss
    rate = Fraction(won, trades)
    exact = (rate - (1 - rate) / (Fraction(win) / Fraction(loss))) / 2

    found = kelly_share(KELLY, ledger)

    assert found == pytest.approx(float(min(max(exact, 0), Fraction(3, 4))), abs=1e-12)


def asked_size(
    signal: float, equity: float, close: float, worth: float, atr: float, deviation: float
) -> float:
    return signal * (equity / close) * 0.25 + atr


@quick(100)
@given(signals, equities, prices)
def test_a_kernel_says_lots_and_the_signal_the_side(signal, equity, price):
    account = Account(sizing=kinds.CUSTOM, sizing_most=0.125)
    terms = make_terms(account, size_of=asked_size)
    asked = abs(asked_size(signal, equity, price, 1.0, 1.0, 0.0))

    found = lots_of(terms, signal, equity, price, atr=1.0)

    most = affordable(terms.n, Fraction(equity) / 8, price)
    assert found == whole(min(Fraction(asked), most), signal)


@quick(150)
@given(instruments, signals, shares, equities, prices, st.sampled_from(range(6)))
def test_sizes_are_whole_and_on_the_side_of_the_signal(n, signal, share, equity, price, sizing):
    account = Account(sizing=sizing, sizing_value=share, sizing_periods=256.0)
    terms = make_terms(account, n, x=Exits(stop=AMOUNT, stop_value=0.5))

    found = lots_of(terms, signal, equity, price, deviation=0.01)

    assert found == math.trunc(found)
    assert found * signal >= 0.0
    assert signal != 0.0 or found == 0.0


@functools.cache
def always_sized():
    """An engine that sizes every order again where it fills, whatever has happened since."""
    return mutant("sizing", ("return share and flat and", "return False and flat and"))


@quick(150)
@given(
    all_terms(),
    st.sampled_from((PERCENT, ALL_IN)),
    st.booleans(),
    st.sampled_from((1.0, 3.0)),
    st.integers(0, 10**6),
)
def test_an_order_is_sized_once_only_where_twice_is_the_same(
    any_of, sizing, exit_first, leverage, seed
):
    account = any_of.a._replace(
        fill=SAME_CLOSE, size_at_fill=True, sizing=sizing, sizing_value=1.0, leverage=leverage,
        exit_first=exit_first,
    )  # fmt: skip
    terms = make_terms(account, any_of.n, x=any_of.x)

    once = hostile_run(terms, seed, engine="plain")
    always = hostile_run(terms, seed, engine=always_sized())

    assert repr(once.events) == repr(always.events)
    assert repr(once.wallets) == repr(always.wallets)


def test_what_leaving_costs_is_not_there_to_enter_with():
    """On margin the costs of the order that leaves first are gone from the equity at once."""
    account = Account(
        cash=100_000.0, fill=SAME_CLOSE, sizing=ALL_IN, leverage=3.0, exit_first=True,
        size_at_fill=True,
    )  # fmt: skip
    terms = make_terms(account, Instrument(fee_fixed=1000.0))
    program = PlainProgram(follow_volume, None, terms)
    wanted = [0.0, -1.0, -1.0, 1.0, 1.0]

    bars = bars_of((100.0, 100.0, 4.0 * (signal + 1.0)) for signal in wanted)
    rows = zip(*(column.tolist() for column in bars.columns()), strict=True)
    lots = [program.step(*row).lots for row in rows]

    assert lots == [0, -990, -990, 970, 970]
