"""Whole runs against a backtest in exact rationals that shares no code with the engine."""

from fractions import Fraction

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.runners.historical import run_historical
from admf_kernels.execution.terms import Terms
from admf_kernels.execution.uses import make_terms
from tests.engine.kit import (
    MINUTE_NS,
    START_NS,
    bars_of,
    exact_terms,
    follow_volume,
    setup_of,
    sixteenths,
)
from tests.engine.simple_backtest import SimpleBacktest
from tests.kernels.strategies import quick

prices = st.one_of(sixteenths(1, 64), sixteenths(1, 64).map(lambda price: price / 8))
# The strategy reads its signal from the volume: mostly long, flat and short, some in between.
volumes = st.sampled_from((0.0, 4.0, 8.0, 0.0, 4.0, 8.0, 1.0, 5.0, 7.0))
ORDER_COLUMNS = ("order_id", "status", "lots")
FILL_COLUMNS = ("order_id", "lots", "price", "fee")
TRADE_COLUMNS = ("entry_ts", "lots", "entry_price", "exit_price", "pnl", "fees")
rows = st.lists(st.tuples(prices, prices, volumes), min_size=1, max_size=12)


def _rows(table: pa.Table) -> list[tuple]:
    """Rows of a table, times as the number of the bar."""
    plain = {
        name: column.cast(pa.int64()).to_numpy()
        if pa.types.is_timestamp(column.type)
        else column.to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    for name in ("ts", "entry_ts"):
        if name in plain:
            plain[name] = [(int(ts) - START_NS) // MINUTE_NS for ts in plain[name]]
    plain.pop("checksum", None)
    return list(zip(*plain.values(), strict=True))


def _some(table: pa.Table, *names: str) -> list[tuple]:
    return _rows(table.select(["ts", "sequence", *names]))


def _simple(terms: Terms, drawn: list[tuple[float, float, float]]) -> SimpleBacktest:
    simple = SimpleBacktest(terms)
    for t, (open_, close, volume) in enumerate(drawn):
        simple.bar(t, open_, close, volume / 4 - 1)
    return simple


def _run(terms: Terms, drawn: list[tuple[float, float, float]]):
    return run_historical(setup_of(follow_volume, terms=terms), [bars_of(drawn)])


def _rounding(terms: Terms) -> Fraction:
    """What a few roundings of sums about as large as the account may come to."""
    return Fraction(terms.a.cash + 1) / 2**44


@quick(300)
@given(exact_terms(), rows)
def test_signals_orders_fills_and_equity_are_exactly_those_of_the_rules(terms, drawn):
    """Sizes, prices, fees, cancellations, order of events, cash and equity, bar by bar."""
    tables = _run(terms, drawn).tables
    simple = _simple(terms, drawn)

    assert _some(tables["signals"], "signal") == simple.signals
    assert _some(tables["orders"], *ORDER_COLUMNS) == simple.orders
    assert _some(tables["fills"], *FILL_COLUMNS) == simple.fills
    assert _rows(tables["equity"]) == simple.equity


@quick(150)
@given(exact_terms(), rows)
def test_trades_are_those_of_the_rules(terms, drawn):
    """Averages are rounded once; a fee that two trades share is rounded before it is added."""
    made = _some(_run(terms, drawn).tables["trades"], *TRADE_COLUMNS)
    expected = _simple(terms, drawn).trades

    assert [trade[:4] for trade in made] == [trade[:4] for trade in expected]
    for found, exact in zip(made, expected, strict=True):
        assert found[4:6] == (float(exact[4]), float(exact[5]))
        assert all(
            abs(Fraction(v) - e) <= _rounding(terms) * (1 + abs(exact[6]))
            for v, e in zip(found[6:], exact[6:], strict=True)
        )


@quick(150)
@given(exact_terms(), rows)
def test_a_run_that_ends_flat_has_gained_what_its_trades_gained(terms, drawn):
    # Two bars without a wish close whatever is held.
    result = _run(terms, [*drawn, (1.0, 1.0, 4.0), (1.0, 1.0, 4.0)])
    gained = sum(trade["pnl"] for trade in result.tables["trades"].to_pylist())

    assert result.tables["equity"].column("lots")[-1].as_py() == 0
    assert abs(result.summary.equity_final - terms.a.cash - gained) <= _rounding(terms)


@quick(150)
@given(exact_terms(), rows)
def test_equity_changes_by_price_moves_and_fees_only(terms, drawn):
    """From one bar's close to the next: the position's move, the fills' own move, the fees."""
    tables = _run(terms, drawn).tables
    fills = _some(tables["fills"], *FILL_COLUMNS)
    worth, lots, close = Fraction(terms.a.cash), 0, None
    for t, _, _, held, cash, equity in _rows(tables["equity"]):
        price = Fraction(drawn[t][1])
        moved = lots * (price - close) if close is not None else 0
        moved += sum(n * (price - Fraction(at)) for k, _, _, n, at, _ in fills if k == t)
        fees = sum(Fraction(fee) for k, *_, fee in fills if k == t)

        assert equity == worth + moved * Fraction(terms.n.lot_size) - fees
        assert equity == Fraction(cash) + held * Fraction(terms.n.lot_size) * price
        worth, lots, close = Fraction(equity), held, price


@quick(60)
@given(exact_terms(), rows)
def test_a_side_that_is_not_traded_is_never_held(terms, drawn):
    for lots in _run(terms, drawn).tables["equity"].column("lots").to_pylist():
        assert terms.a.long_allowed or lots <= 0
        assert terms.a.short_allowed or lots >= 0


@quick(60)
@given(exact_terms(), rows)
def test_cash_is_never_negative_without_shorts(terms, drawn):
    account = terms.a._replace(long_allowed=True, short_allowed=False)
    # A sale too small for its own fee costs what selling costs, and nothing can pay that.
    terms = make_terms(account, terms.n._replace(fee_fixed=0.0, fee_per_unit=0.0))

    assert min(_run(terms, drawn).tables["equity"].column("cash").to_pylist()) >= 0.0
