"""What `backtesting` does that an order engine cannot or should not do, each on a few bars.

These are the reasons for what the comparison leaves out. When one of them fails, the peer has
changed, and the comparison can be widened.
"""

from typing import Any

import numpy as np
import pytest
from backtesting import Strategy

from tests.peers.kinds import ALL_IN, Bars, Instructions, PeerResult
from tests.peers.peer_backtesting import run_backtesting, run_strategy, to_frame


def _bars(*rows: tuple[float, float, float, float]) -> Bars:
    """Return bars of open, high, low, close; the first is the warm-up."""
    columns = np.array([(100.0, 100.0, 100.0, 100.0), *rows]).T
    return Bars(*columns)


def _run(bars: Bars, *orders: tuple[int, dict[str, float]], **options: Any) -> PeerResult:
    told = Instructions.nothing(len(bars))
    for bar, given in orders:
        for name, value in given.items():
            getattr(told, name)[bar] = value
    return run_backtesting(bars, told, **options)


FLAT = (100.0, 100.0, 100.0, 100.0)


def test_a_stop_limit_fills_at_its_stop_although_the_market_opened_beyond():
    bars = _bars(FLAT, (104.0, 106.0, 103.0, 105.0), FLAT)

    result = _run(bars, (1, {"size": 1.0, "stop": 102.0, "limit": 105.0}))

    # 102 was never traded in that bar.
    assert result.open_trades[0].entry_price == 102.0


def test_a_stop_entry_under_trade_on_close_does_not_pay_the_gap():
    bars = _bars(FLAT, (110.0, 112.0, 109.0, 111.0), FLAT)
    order = (1, {"size": 1.0, "stop": 105.0})

    assert _run(bars, order).open_trades[0].entry_price == 110.0
    assert _run(bars, order, on_close=True).open_trades[0].entry_price == 105.0


def test_a_stop_loss_fills_before_the_opposite_market_order_at_the_open():
    bars = _bars(FLAT, FLAT, (100.0, 101.0, 94.0, 96.0), FLAT)
    orders = ((1, {"size": 5.0, "sl": 95.0}), (2, {"size": -5.0}))

    later = _run(bars, *orders, exclusive=False)
    first = _run(bars, *orders, exclusive=True)

    # Stopped out in the bar at 95, and then sold short at its open, 100.
    assert later.trades[0].exit_price == 95.0
    assert (later.open_trades[0].units, later.open_trades[0].entry_price) == (-5.0, 100.0)
    # An exclusive order closes at the open first.
    assert first.trades[0].exit_price == 100.0


def test_a_target_beyond_the_open_loses_to_a_stop_loss_later_in_the_bar():
    bars = _bars(FLAT, (100.0, 101.0, 99.0, 100.0), (110.0, 111.0, 94.0, 96.0), FLAT)

    result = _run(bars, (1, {"size": 1.0, "sl": 95.0, "tp": 105.0}))

    assert result.trades[0].exit_price == 95.0


def test_a_fixed_commission_counts_for_every_unit_of_a_share_of_the_account():
    result = _run(_bars(FLAT, FLAT, FLAT), (1, {"size": ALL_IN}), commission=(10.0, 0.0))

    # (10000 - 10) / 100 would be 99; the peer reckons 110 a unit.
    assert result.open_trades[0].units == 90.0


def test_all_in_is_a_hair_less_than_all():
    result = _run(_bars(FLAT, FLAT, FLAT), (1, {"size": ALL_IN}))

    assert result.open_trades[0].units == 99.0


def test_adding_by_a_share_looks_at_the_close_of_the_bar_it_fills_in():
    def units_added(close: float) -> float:
        bars = _bars(FLAT, FLAT, (100.0, 200.0, 50.0, close), FLAT)
        orders = ((1, {"size": -20.0}), (2, {"size": -0.5}))
        return _run(bars, *orders, exclusive=False).open_trades[-1].units

    # Both fill at the open of 100.
    assert units_added(100.0) == -40.0
    assert units_added(150.0) == -30.0


def test_an_order_too_large_is_dropped_whole():
    result = _run(_bars(FLAT, FLAT, FLAT), (1, {"size": 101.0}))

    assert not result.open_trades
    assert not result.trades


def test_the_reversal_part_of_an_order_too_large_is_dropped_and_its_closing_part_kept():
    bars = _bars(FLAT, FLAT, FLAT, FLAT)
    result = _run(bars, (1, {"size": 50.0}), (2, {"size": -200.0}), exclusive=False)

    assert [t.units for t in result.trades] == [50.0]
    assert not result.open_trades


def test_closing_at_the_end_takes_the_open_of_the_last_bar():
    bars = _bars(FLAT, FLAT, (102.0, 108.0, 101.0, 107.0))
    order = (1, {"size": 1.0})

    assert _run(bars, order, finalize=True).trades[0].exit_price == 102.0
    assert _run(bars, order, finalize=True, on_close=True).trades[0].exit_price == 100.0
    assert _run(bars, order).final_equity == 10_007.0


def test_brackets_wait_a_bar_after_a_limit_entry_but_not_after_a_market_entry():
    wild = (100.0, 106.0, 94.0, 100.0)
    bars = _bars(FLAT, wild, FLAT, FLAT)

    market = _run(bars, (1, {"size": 1.0, "sl": 95.0}))
    limit = _run(bars, (1, {"size": 1.0, "limit": 99.0, "sl": 95.0}))
    reached = _run(
        _bars(FLAT, (100.0, 110.0, 99.0, 109.0), FLAT),
        (1, {"size": 1.0, "stop": 102.0, "sl": 95.0, "tp": 106.0}),
    )

    assert market.trades[0][:2] == (2, 2)
    assert not limit.trades
    # A stop entry and its target lie in one direction: both in one bar.
    assert reached.trades[0][:2] == (2, 2)


def test_the_spread_worsens_a_limit_but_no_exit():
    bars = _bars(FLAT, (100.0, 100.0, 98.0, 99.0), (99.0, 106.0, 99.0, 104.0), FLAT)

    result = _run(bars, (1, {"size": 1.0, "limit": 99.0, "tp": 105.0}), spread=0.01)

    assert result.trades[0][3:5] == (99.0 * 1.01, 105.0)


def test_the_fixed_commission_is_shown_on_every_part_of_a_trade_closed_in_parts():
    bars = _bars(FLAT, FLAT, FLAT, FLAT, FLAT)
    orders = ((1, {"size": 10.0}), (2, {"close": 0.5}), (3, {"close": 1.0}))

    result = _run(bars, *orders, commission=(5.0, 0.0))

    # Three orders, 15 in cash, 20 in the records.
    assert result.final_equity == 10_000.0 - 15.0
    assert sum(t.commission for t in result.trades) == 20.0


def test_of_two_exclusive_orders_in_one_bar_both_are_kept():
    class Twice(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            if len(self.data) == 2:
                self.buy(size=1)
            if len(self.data) == 3:
                self.buy(size=2)
                # Cancels the closing order of the first trade, and skips the order after it.
                self.buy(size=4)

    frame = to_frame(_bars(FLAT, FLAT, FLAT, FLAT))
    result = run_strategy(frame, Twice, exclusive_orders=True)

    assert [t.units for t in result.trades] == [1.0]
    assert [t.units for t in result.open_trades] == [2.0, 4.0]


@pytest.mark.parametrize("exclusive", [True, False])
def test_every_entry_is_a_trade_of_its_own(exclusive):
    bars = _bars(FLAT, FLAT, FLAT, FLAT)
    orders = ((1, {"size": 10.0}), (2, {"size": 10.0}))

    result = _run(bars, *orders, exclusive=exclusive)

    assert len(result.open_trades) == (1 if exclusive else 2)


def test_an_account_without_equity_is_closed_at_the_close():
    bars = _bars(FLAT, FLAT, (100.0, 100.0, 50.0, 50.0), FLAT)

    result = _run(bars, (1, {"size": 300.0}), margin=0.25)

    assert result.trades[0][1:5] == (3, 300.0, 100.0, 50.0)
    assert result.equity.tolist()[-2:] == [0.0, 0.0]
