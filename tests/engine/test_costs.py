"""What a fill costs, against exact rationals."""

from fractions import Fraction

from hypothesis import assume, example, given
from hypothesis import strategies as st

from admf_kernels.execution.account import Account
from admf_kernels.execution.bar import Book, match_market
from admf_kernels.execution.costs import LOTS_MAX, affordable_lots, fill_fee, fill_price
from admf_kernels.execution.metrics import Ledger
from admf_kernels.execution.portfolio import Portfolio, apply_fill
from tests.engine.kit import account_costs, any_accounts, exact_accounts, sixteenths
from tests.kernels.strategies import quick

signs = st.sampled_from((-1.0, 1.0))
sizes = st.integers(1, 10**6).map(float)
prices = st.one_of(
    st.floats(1e-6, 1e9), st.integers(1, 10**6).map(lambda cents: cents / 100), st.just(1e-5)
)
money = st.one_of(st.floats(1e-3, 1e12), st.integers(1, 10**6).map(float))


@quick(200)
@given(exact_accounts(), signs, sizes, sixteenths(1, 4096))
def test_the_price_is_moved_by_rate_and_amount_against_the_order(account, sign, size, price):
    rate, amount = Fraction(account.slippage_rate), Fraction(account.slippage_amount)
    moved = Fraction(price) + Fraction(sign) * (Fraction(price) * rate + amount)

    found = fill_price(account, sign * size, price)

    assert found == max(moved, Fraction(0))
    assert sign * (found - price) >= 0.0


@quick(200)
@given(any_accounts(), sizes, prices)
def test_a_purchase_never_pays_less_and_a_sale_never_gets_more(account, size, price):
    assert fill_price(account, size, price) >= price
    assert 0.0 <= fill_price(account, -size, price) <= price


@quick(200)
@given(exact_accounts(), signs, st.integers(1, 4096).map(float), sixteenths(1, 4096))
def test_the_fee_is_of_value_of_units_and_fixed_whatever_the_side(account, sign, size, price):
    units = Fraction(size) * Fraction(account.lot_size)
    fee = units * Fraction(price) * Fraction(account.fee_rate)
    fee += units * Fraction(account.fee_per_unit) + Fraction(account.fee_fixed)

    assert fill_fee(account, sign * size, price) == fee


def _bought(account: Account, cash: float, lots: float, price: float) -> Portfolio:
    at = fill_price(account, lots, price)
    return apply_fill(account, Portfolio(cash), 0, lots, at, fill_fee(account, lots, at))[0]


@quick(500)
@given(any_accounts(), money, prices)
@example(Account(fee_fixed=0.35), 6.42982, 1e-05)
def test_all_that_is_affordable_never_makes_cash_negative(account, cash, price):
    """Not by a single bit: the quotient of money and price is rounded."""
    lots = affordable_lots(account, cash, price)

    assert lots >= 0.0
    assert lots == int(lots)
    assert _bought(account, cash, lots, price).cash >= 0.0 or lots == 0.0


@quick(500)
@given(any_accounts(), money, prices)
def test_what_is_left_does_not_buy_another_lot(account, cash, price):
    lots = affordable_lots(account, cash, price)
    assume(lots < LOTS_MAX)
    worst = Fraction(fill_price(account, 1.0, price))
    lot = Fraction(account.lot_size) * (
        worst * (1 + Fraction(account.fee_rate)) + Fraction(account.fee_per_unit)
    )
    cost = (Fraction(lots) + 1) * lot + Fraction(account.fee_fixed)

    # Where it is a matter of the last bits, the smaller quantity is taken.
    assert cost > Fraction(cash) * (1 - Fraction(1, 2**48))


@quick(500)
@given(any_accounts(), money, prices, st.integers(1, 10**5), st.integers(1, 10**8))
@example(
    Account(lot_size=10.0, fee_rate=0.1, fee_per_unit=0.005, slippage_rate=0.0001),
    9995.718652591024, 0.001, 540, 37_562_281,
)  # fmt: skip
def test_a_purchase_through_a_short_is_cut_to_what_cash_can_pay(account, cash, price, short, more):
    """The cover is always bought; what lies beyond it never makes cash negative."""
    held = Portfolio(cash, -float(short), entry_lots=float(short), entry_value=1.0)
    book = Book(order_lots=float(short + more), order_id=1)

    _, after, _, fill, _ = match_market(account, book, held, Ledger(), 0, price)

    assert fill.lots >= short
    assert fill.lots + fill.canceled_lots == short + more
    assert after.cash >= 0.0 or fill.lots == short


@quick(200)
@given(account_costs(), st.integers(1, 512), sixteenths(1, 64), sixteenths(1, 64))
def test_sales_are_filled_whole(costs, lots, cash, price):
    book = Book(order_lots=-float(lots), order_id=1)

    _, after, _, fill, _ = match_market(Account(**costs), book, Portfolio(cash), Ledger(), 0, price)

    assert (fill.lots, fill.canceled_lots, after.lots) == (-lots, 0.0, -lots)
