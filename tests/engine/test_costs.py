"""What a fill costs, against exact rationals."""

import datetime as dt
from fractions import Fraction

from hypothesis import assume, example, given
from hypothesis import strategies as st

from admf_kernels.execution.costs import (
    affordable_lots,
    cash_after,
    fill_price,
    month_end_ns,
    month_of,
    payable,
    quote,
    standard_fee,
)
from admf_kernels.execution.terms import LOTS_MAX, Account, Instrument
from admf_kernels.execution.uses import make_terms
from tests.engine.desks import bar_at, desk_of
from tests.engine.kit import any_instruments, exact_costs, sixteenths
from tests.kernels.strategies import quick

signs = st.sampled_from((-1.0, 1.0))
sizes = st.integers(1, 10**6).map(float)
prices = st.one_of(
    st.floats(1e-6, 1e9), st.integers(1, 10**6).map(lambda cents: cents / 100), st.just(1e-5)
)
money = st.one_of(st.floats(1e-3, 1e12), st.integers(1, 10**6).map(float))


@st.composite
def exact_instruments(draw: st.DrawFn) -> Instrument:
    size = draw(st.sampled_from((0.25, 1.0, 10.0)))
    return Instrument(lot_size=size, lot_value=size, **draw(exact_costs()))


def fee_of(n: Instrument, lots: float, price: float, *, maker: bool = False, month: float = 0.0):
    return standard_fee(n, month, lots, n.lot_value, price, maker)


@quick(200)
@given(exact_instruments(), signs, sizes, sixteenths(1, 4096))
def test_the_price_is_moved_by_rate_and_amount_against_the_order(n, sign, size, price):
    rate, amount = Fraction(n.slippage_rate), Fraction(n.slippage_amount)
    moved = Fraction(price) + Fraction(sign) * (Fraction(price) * rate + amount)

    found = fill_price(n, sign * size, price, 0.0)

    assert found == max(moved, Fraction(0))
    assert sign * (found - price) >= 0.0


@quick(200)
@given(any_instruments(), sizes, prices, st.floats(0.0, 1.0))
def test_a_purchase_never_pays_less_and_a_sale_never_gets_more(n, size, price, share):
    n = n._replace(slippage_impact=0.3)

    assert fill_price(n, size, price, share) >= price
    assert 0.0 <= fill_price(n, -size, price, share) <= price


@quick(200)
@given(exact_instruments(), signs, st.integers(1, 4096).map(float), sixteenths(1, 4096))
def test_the_fee_is_of_value_of_units_and_fixed_whatever_the_side(n, sign, size, price):
    units = Fraction(size) * Fraction(n.lot_size)
    fee = units * Fraction(price) * Fraction(n.fee_rate)
    fee += units * Fraction(n.fee_per_unit) + Fraction(n.fee_fixed)

    assert fee_of(n, sign * size, price) == fee


def test_the_fee_of_an_order_that_waited_has_its_own_rate():
    n = Instrument(fee_rate=0.5, fee_rate_maker=0.25, fee_fixed=1.0)

    assert (fee_of(n, 4.0, 2.0), fee_of(n, 4.0, 2.0, maker=True)) == (5.0, 3.0)


def test_a_fee_is_at_least_the_minimum():
    n = Instrument(fee_rate=0.5, fee_minimum=6.0)

    assert [fee_of(n, lots, 2.0) for lots in (1.0, -6.0, 7.0)] == [6.0, 6.0, 7.0]


def test_tiers_go_by_the_turnover_of_the_month_before_the_fill():
    n = Instrument(
        fee_rate=0.5, fee_rate_maker=0.125, fee_tiers=2,
        fee_from_1=100.0, fee_rate_1=0.25, fee_from_2=1000.0, fee_rate_2=0.0625,
    )  # fmt: skip
    found = [fee_of(n, 16.0, 1.0, month=m) for m in (0.0, 99.0, 100.0, 999.0, 1000.0, 1e9)]

    assert found == [8.0, 8.0, 4.0, 4.0, 1.0, 1.0]
    assert fee_of(n, 16.0, 1.0, maker=True) == 2.0


def test_months_are_calendar_months():
    days = [dt.date(1970, 1, 1) + dt.timedelta(days=k) for k in range(0, 80_000, 7)]
    for day in days:
        ts_ns = (day - dt.date(1970, 1, 1)).days * 86_400 * 10**9
        since = 12 * day.year + day.month - 1
        assert month_of(ts_ns) - month_of(0) == since - 12 * 1970
        assert month_of(ts_ns + 86_400 * 10**9 - 1) == month_of(ts_ns)
        end_ns = month_end_ns(ts_ns)
        assert month_of(end_ns - 1) == month_of(ts_ns) == month_of(end_ns) - 1


@quick(500)
@given(any_instruments(), money, prices)
@example(Instrument(fee_fixed=0.35), 6.42982, 1e-05)
def test_all_that_is_affordable_never_makes_cash_negative(n, cash, price):
    """Not by a single bit: the quotient of money and price is rounded."""
    lots = affordable_lots(n, n.lot_value, cash, price, 1.0)
    at = fill_price(n, lots, price, 0.0)

    assert lots >= 0.0
    assert lots == int(lots)
    assert cash_after(cash, lots, n.lot_value, at, fee_of(n, lots, at)) >= 0.0 or lots == 0.0


@quick(500)
@given(any_instruments(), money, prices)
def test_what_is_left_does_not_buy_another_lot(n, cash, price):
    lots = affordable_lots(n, n.lot_value, cash, price, 1.0)
    assume(lots < LOTS_MAX)
    worst = Fraction(fill_price(n, 1.0, price, 0.0))
    lot = Fraction(n.lot_size) * (worst * (1 + Fraction(n.fee_rate)) + Fraction(n.fee_per_unit))
    cost = (Fraction(lots) + 1) * lot + Fraction(n.fee_fixed)

    # Where it is a matter of the last bits, the smaller quantity is taken.
    assert cost > Fraction(cash) * (1 - Fraction(1, 2**48))


@quick(500)
@given(any_instruments(), money, prices, st.integers(1, 10**5), st.integers(1, 10**8))
@example(
    Instrument(10.0, 10.0, fee_rate=0.1, fee_per_unit=0.005, slippage_rate=0.0001),
    9995.718652591024, 0.001, 540, 37_562_281,
)  # fmt: skip
def test_a_purchase_through_a_short_is_cut_to_what_cash_can_pay(n, cash, price, short, more):
    """The cover is always bought; what lies beyond it never makes cash negative, nor less than
    it could be.
    """
    terms, desk = make_terms(n=n), desk_of(cash=cash, lots=-float(short))
    bar = bar_at(price, worth=n.lot_value)

    lots, *_ = payable(terms, desk, bar, float(short + more), price, False, 0.0)

    def left(count):
        at, fee = quote(terms, desk, bar, count, price, False, 0.0)
        return cash_after(cash, count, n.lot_value, at, fee)

    assert short <= lots <= short + more
    assert left(lots) >= 0.0 or lots == short
    assert lots == short + more or left(lots + 1.0) < 0.0


@quick(200)
@given(exact_costs(), st.integers(1, 512), sixteenths(1, 64), sixteenths(1, 64))
def test_sales_are_filled_whole(costs, lots, cash, price):
    terms = make_terms(n=Instrument(**costs))
    desk = desk_of(cash=cash)

    assert payable(terms, desk, bar_at(price), -float(lots), price, False, 0.0)[0] == -lots


@quick(300)
@given(
    st.sampled_from((1.5, 2.0, 4.0)), st.integers(-50, 50), st.integers(1, 400), signs,
    sixteenths(1, 64), st.sampled_from((0.0, 1 / 64)),
)  # fmt: skip
def test_on_margin_the_exposure_after_a_fill_is_within_leverage(
    leverage, held, size, sign, price, slippage
):
    """As many lots as keep gross exposure within leverage times equity, costs included."""
    n = Instrument(slippage_rate=slippage, fee_per_unit=0.25)
    terms = make_terms(Account(leverage=leverage), n)
    desk = desk_of(cash=1000.0 - held * price, lots=float(held), price=price)
    desk.now.slips = True

    lots, *_ = payable(terms, desk, bar_at(price), sign * size, price, False, 0.0)

    def fits(count):
        at = Fraction(price) * (1 + (1 if sign > 0 else -1) * Fraction(slippage))
        cost = abs(count) * (Fraction(1, 4) + abs(at - Fraction(price)))
        return abs(held + count) * at <= Fraction(leverage) * (1000 - cost)

    closing = min(size, abs(held)) if held * sign < 0 else 0
    assert closing <= abs(lots) <= size
    assert abs(lots) == closing or fits(Fraction(lots))
    assert abs(lots) == size or not fits(Fraction(lots + sign))


def test_no_fee_is_asked_for_no_lots():
    """A fee of the user's own may divide by them."""

    def fee(n, turnover, lots, worth, price, maker):
        return 1.0 / abs(lots)

    terms, desk = make_terms(fee_of=fee), desk_of(cash=1000.0)

    assert payable(terms, desk, bar_at(10.0), 0.0, 10.0, False, 0.0) == (0.0, 10.0, 0.0)
    assert payable(terms, desk, bar_at(10.0), 4.0, 10.0, False, 0.0) == (4.0, 10.0, 0.25)
