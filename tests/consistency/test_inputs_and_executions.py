"""Bars seen against bars downloaded later, and fills of a venue against those of the model."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.consistency import Family, execution_divergence, input_divergence, input_effect
from admf_fast.consistency.executions import Executed, executed
from admf_fast.data import BarBlock
from admf_fast.runners.historical import run_historical
from admf_fast.runners.setup import prepare
from tests.consistency.kit import PLAIN, block, config_of
from tests.kernels.strategies import quick

BARS = block(500, 4)
SOME = st.sets(st.integers(0, 499), max_size=20)


def changed(bars: BarBlock, rows: list[int], by: float) -> BarBlock:
    high = bars.high.copy()
    high[rows] += by
    return replace(bars, high=high)


def without(bars: BarBlock, rows: list[int]) -> BarBlock:
    keep = np.ones(len(bars), np.bool_)
    keep[rows] = False
    return bars.take(keep)


@quick(80)
@given(SOME, SOME, SOME)
def test_changed_missing_and_extra_bars_are_counted_apart(moved, lost, more):
    lost, more = lost - moved, more - moved - lost
    seen = without(changed(BARS, sorted(moved), 0.25), sorted(lost))
    later = without(BARS, sorted(more))
    found = input_divergence(seen, later, tick_size=0.05)

    assert (found.bars, found.changed) == (500, len(moved))
    assert (found.missing, found.extra) == (len(lost), len(more))
    assert found.volume_changed == 0
    assert found.ticks_max == pytest.approx(5.0 if moved else 0.0)
    assert found.identical == (not (moved or lost or more)) == (found.first is None)
    told = found.to_json()
    assert told["per_10000_bars"]["changed"] == len(moved) * 20
    json.dumps(told, allow_nan=False)
    if found.first is not None:
        row = min(moved | lost | more)
        assert found.first.family == Family.INPUT
        assert found.first.ts_ns == BARS.ts_ns[row]
        assert found.first.field == ("high" if row in moved else "ts_ns")


def test_no_bars_on_either_side():
    empty = BARS.slice(0, 0)
    assert input_divergence(empty, empty).identical
    assert input_divergence(empty, BARS).missing == 500
    assert input_divergence(BARS, empty).extra == 500


def test_the_effect_is_that_of_the_batch_on_both_streams():
    """L03: a bar that was revised later; what it would have changed is measured, not guessed."""
    setup = prepare(config_of(PLAIN))
    close = BARS.close.copy()
    close[200:260] = BARS.low[200:260]
    later = replace(BARS, close=close)
    effect = input_effect(setup, BARS, later)
    alone = [run_historical(setup, [bars]).summary for bars in (BARS, later)]

    assert not effect.identical
    assert (effect.trades_seen, effect.trades_later) == (alone[0].trades, alone[1].trades)
    assert effect.equity_later == alone[1].equity_final != alone[0].equity_final
    assert effect.first is not None
    assert effect.first.family == Family.INPUT
    assert effect.first.bar == 200
    assert input_effect(setup, BARS, BARS).identical
    told = effect.to_json()
    assert told["equity_change"] == effect.equity_later - effect.equity_seen


def order(ts_ns: int, lots: int, price: float, **more: object) -> Executed:
    made = Executed("X", ts_ns, "signal", lots, lots, lots * price, 1.0, ts_ns + 60_000_000_000)
    return made._replace(**more)  # type: ignore[arg-type]


def test_what_a_venue_did_worse_is_told_in_ticks_time_fees_and_bps():
    model = [order(1, 100, 50.0), order(2, -100, 60.0), order(3, 10, 55.0)]
    second = 1_000_000_000
    venue = [
        order(1, 100, 50.02, last_ns=model[0].last_ns + second, fee=1.5),  # bought dearer
        order(2, -100, 60.03, last_ns=model[1].last_ns + 3 * second),  # sold better
        order(3, 10, 55.0, filled=0, points=0.0, fee=0.0, refused=True),
        order(4, 10, 55.0),
    ]
    found = execution_divergence(model, venue, tick_size=0.01)

    assert (found.orders, found.only_model, found.only_venue) == (3, 0, 1)
    assert found.price_ticks.mean == pytest.approx(-0.5)
    assert found.price_ticks.max == pytest.approx(2.0)
    assert found.delay_ms.p50 == pytest.approx(2000.0)
    assert found.fee.max == pytest.approx(0.5)
    assert found.fill_ratio == pytest.approx(200 / 210)
    assert (found.refused_model, found.refused_venue) == (0, 1)
    # 2 paid more, 3 gained, half a unit of fees; of 11,550 that the model traded.
    assert found.pnl_bps == pytest.approx(-1e4 * (2.0 - 3.0 + 0.5) / 11_550)
    json.dumps(found.to_json(), allow_nan=False)


def test_the_model_against_itself_shows_nothing():
    tables = run_historical(prepare(config_of(PLAIN)), [BARS]).tables
    orders = executed(tables["orders"], tables["fills"])
    found = execution_divergence(orders, orders, tick_size=0.01)

    assert found.orders == len(orders) > 10
    assert sum(abs(o.filled) for o in orders) == sum(
        abs(lots) for lots in tables["fills"].column("lots").to_pylist()
    )
    assert not any(found.price_ticks + found.delay_ms + found.fee)
    assert (found.fill_ratio, found.pnl_bps) == (1.0, 0.0)
    assert execution_divergence([], []).fill_ratio == 1.0
