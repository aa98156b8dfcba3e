"""When things happen: directed cases for what the whole-run tests cover in bulk."""

import pytest

from admf_fast.runners.historical import run_historical
from admf_kernels.execution import terms as kinds
from admf_kernels.execution.terms import Account, Instrument
from admf_kernels.execution.uses import make_terms
from tests.engine.kit import bars_of, follow_volume, setup_of

SHORT, FLAT, LONG = 0.0, 4.0, 8.0
ONE_LOT = Account(sizing=kinds.FIXED, sizing_value=1.0)


def run(account, *rows, **costs):
    terms = make_terms(account, Instrument(**costs))
    return run_historical(setup_of(follow_volume, terms=terms), [bars_of(rows)])


def column(result, table, name):
    return result.tables[table].column(name).to_pylist()


def bar_of(result, table):
    times = column(result, "equity", "ts")
    return [times.index(ts) for ts in column(result, table, "ts")]


def test_an_order_fills_at_the_open_of_the_next_bar_and_no_earlier():
    made = run(ONE_LOT, (10, 11, FLAT), (20, 21, LONG), (30, 31, LONG))

    assert bar_of(made, "orders") == [1]
    assert bar_of(made, "fills") == [2]
    assert column(made, "fills", "price") == [30.0]
    assert column(made, "equity", "lots") == [0, 0, 1]


def test_same_close_fills_at_the_close_that_made_the_order():
    account = ONE_LOT._replace(fill=kinds.SAME_CLOSE)
    made = run(account, (10, 11, FLAT), (20, 21, LONG), (30, 31, LONG))

    assert bar_of(made, "fills") == bar_of(made, "orders") == [1]
    assert column(made, "fills", "price") == [21.0]


def test_an_order_of_the_last_bar_is_never_filled():
    made = run(ONE_LOT, (10, 11, FLAT), (20, 21, LONG))

    assert column(made, "orders", "status") == ["accepted"]
    assert column(made, "fills", "price") == []
    assert made.state["order 0"].lots == 1.0


def test_closing_pays_a_fee():
    made = run(ONE_LOT, (10, 10, LONG), (10, 10, FLAT), (10, 10, FLAT), fee_fixed=3.0)

    assert column(made, "fills", "fee") == [3.0, 3.0]
    assert column(made, "equity", "equity")[-1] == ONE_LOT.cash - 6.0
    assert column(made, "trades", "pnl") == [-6.0]


def test_a_reversal_is_one_fill_that_ends_a_trade_and_shares_its_fee():
    rows = [(10, 10, LONG), (10, 10, SHORT), (12, 12, FLAT), (11, 11, FLAT)]
    made = run(ONE_LOT, *rows, fee_per_unit=1.0)

    assert column(made, "fills", "lots") == [1, -2, 1]
    assert column(made, "trades", "lots") == [1, -1]
    assert column(made, "trades", "fees") == [2.0, 2.0]
    assert column(made, "trades", "pnl") == [0.0, -1.0]


def test_a_signal_that_stays_resizes_nothing():
    account = Account(sizing=kinds.PERCENT, sizing_value=0.5)
    made = run(account, *[(10 + k, 10 + k, LONG) for k in range(8)])

    assert len(column(made, "fills", "lots")) == 1


def test_an_account_with_nothing_left_is_closed_out_and_trades_no_more():
    """Short one lot at 10 with 20 of cash, and the price goes to 100."""
    account = ONE_LOT._replace(cash=20.0)
    rows = [(10, 10, SHORT), (10, 10, SHORT), (100, 100, SHORT), (100, 100, LONG), (1, 1, LONG)]
    made = run(account, *rows)

    assert column(made, "equity", "equity") == [20.0, 20.0, -70.0, -70.0, -70.0]
    assert column(made, "equity", "signal") == [-1.0, -1.0, 0.0, 0.0, 0.0]
    assert column(made, "equity", "lots") == [0, -1, -1, 0, 0]


@pytest.mark.parametrize("dear", [101.0, 1000.0])
def test_what_a_dearer_open_leaves_unpaid_is_canceled(dear):
    """Sized at a close of 100, paid at the next open."""
    made = run(Account(cash=1000.0), (100, 100, LONG), (dear, dear, LONG))

    assert column(made, "orders", "status") == ["accepted", "canceled"]
    assert sum(column(made, "fills", "lots")) + column(made, "orders", "lots")[1] == 10


def test_features_are_waited_for():
    """Before its features are valid a strategy wants nothing."""
    setup = setup_of("sma_cross", terms=make_terms(ONE_LOT))
    made = run_historical(setup, [bars_of((k + 1.0, k + 1.0, 1.0) for k in range(40))])
    signals = column(made, "equity", "signal")

    assert signals == [0.0] * (setup.params.slow - 1) + [1.0] * (41 - setup.params.slow)
