"""What splits and dividends do to a position, its orders and the money."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels.execution.terms import Instrument
from admf_kernels.execution.uses import make_terms
from tests.engine.any_terms import all_terms, follow_volume_steps, hostile_bars
from tests.engine.cases import FLAT, LONG, TEN, exits
from tests.engine.stage import bars_of as stage_bars
from tests.engine.stage import play, run
from tests.kernels.strategies import quick

BOTH = exits(stop=5.0, target=10.0)
HALF = (50, 51, 49, 50)


def terms_of(x=BOTH, **costs):
    return make_terms(TEN, Instrument(**costs), x=x, actions=True)


@pytest.mark.parametrize("engine", ["plain", "compiled"])
@pytest.mark.parametrize(
    ("side", "last", "price"),
    [
        (1.0, (48, 49, 47, 48), 47.5),
        (1.0, (54, 56, 53, 54), 55.0),
        (-1.0, (52, 53, 51, 52), 52.5),
        (-1.0, (46, 47, 44, 46), 45.0),
    ],
)
def test_a_split_restates_position_stop_and_target(engine, side, last, price):
    """Two for one: twice the lots, half the prices, and nothing gained by it."""
    rows = [FLAT, FLAT, HALF, last]
    made = play(terms_of(), rows, [side], extra={2: {"split": 2.0}}, engine=engine)

    assert made.pick("adjustments", "bar", "split", "lots", "amount") == [(2, 2.0, side * 20, 0.0)]
    assert made.equity[:3] == [100_000.0] * 3
    assert made.pick("fills", "bar", "lots", "price")[-1] == (3, -side * 20, price)
    (trade,) = made.trades
    assert trade.pnl == side * 20 * (price - 50.0)


@pytest.mark.parametrize("engine", ["plain", "compiled"])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_dividend_is_paid_to_the_long_and_by_the_short(engine, side):
    """Per old unit, where a split comes with it; prices of orders stay."""
    rows = [FLAT, FLAT, (98, 99, 97, 98), HALF]
    extra = {2: {"dividend": 2.0}, 3: {"dividend": 1.0, "split": 2.0}}
    made = play(terms_of(exits(stop=5.0)), rows, [side], extra=extra, engine=engine)

    assert [w.dividends for w in made.wallets] == [0.0, 0.0, side * 20.0, side * 30.0]
    assert made.equity[2] == 100_000.0
    assert made.equity[3] == 100_000.0 + side * (30.0 + 20 * 50.0 - 10 * 100.0)


@pytest.mark.parametrize("engine", ["plain", "compiled"])
def test_an_order_of_less_than_a_lot_is_canceled(engine):
    """One for twenty: ten lots are half a one, paid in cash, and their exits are gone."""
    high = (2000, 2000, 2000, 2000)
    made = play(terms_of(), [FLAT, FLAT, high], [LONG], extra={2: {"split": 0.05}}, engine=engine)

    assert made.pick("adjustments", "lots", "amount") == [(0, 1000.0)]
    ended = [o for o in made.orders if o.status == "canceled"]
    assert {o.reason for o in ended} == {"corporate_action"}
    assert not any(o.id for o in made.working)
    assert made.equity[-1] == 100_000.0


def random_run(terms, seed, engine):
    rng, count = np.random.default_rng(seed), 150
    rows = list(zip(*(c.tolist() for c in hostile_bars(seed, count)[1:]), strict=True))
    split = rng.choice([1.0, 2.0, 3.0, 0.5, 0.1, 1.5], count, p=[0.9, *[0.02] * 5])
    factor = np.cumprod(split)
    paid = np.where(rng.random(count) < 0.05, 0.01, 0.0)
    extra = {
        k: {"split": split[k], "dividend": paid[k] * rows[k - 1][3] * split[k] / factor[k],
            "atr": 0.01 * rows[k][3] / factor[k], "atr_before": 0.01 * rows[k][3] / factor[k],
            "deviation": 0.01}
        for k in range(1, count)
    }  # fmt: skip
    moved = [(*(p / factor[k] for p in row[:4]), row[4]) for k, row in enumerate(rows)]

    def decides(k, bar, lots):
        return follow_volume_steps.step(bar.volume), ()

    return run(terms, stage_bars(terms, moved, extra), decides, engine=engine)


@quick(60)
@given(all_terms(actions=True), st.integers(0, 10**6))
def test_lots_and_cash_are_those_of_fills_and_adjustments(terms, seed):
    made = random_run(terms, seed, "compiled")
    spent, lots, brought = Fraction(0), 0, Fraction(0)
    for table, row in made.events:
        if table == "fills":
            lots += row.lots
            spent += row.lots * Fraction(row.price) * Fraction(terms.n.lot_value)
            spent += Fraction(row.fee)
        elif table == "adjustments":
            assert abs(row.lots) <= abs(lots * row.split) + 1e-6
            assert abs(lots * row.split) - abs(row.lots) < 1.0
            lots, brought = row.lots, brought + Fraction(row.amount)
    wallet = made.wallets[-1]
    expected = Fraction(terms.a.cash) - spent - Fraction(wallet.financing) + brought
    near = Fraction(made.records["ledger"].turnover + terms.a.cash) / 10**9

    assert made.lots[-1] == lots
    assert abs(Fraction(made.cash[-1]) - expected) <= near
    assert abs(Fraction(wallet.dividends) - brought) <= near


@quick(40)
@given(all_terms(actions=True), st.integers(0, 10**6))
def test_both_forms_do_the_same_to_it(terms, seed):
    compiled, plain = (random_run(terms, seed, engine) for engine in ("compiled", "plain"))

    assert repr(compiled.events) == repr(plain.events)
    assert repr(compiled.wallets) == repr(plain.wallets)
    assert repr(compiled.records) == repr(plain.records)
    assert repr(compiled.working) == repr(plain.working)
