"""What `vectorbt` does that an order engine cannot or should not do, each on a few bars.

These are the reasons for what the comparison leaves out. When one of them fails, the peer has
changed, and the comparison can be widened.
"""

from typing import Any

import numpy as np
import pytest

from tests.peers.kinds import Bars, PeerResult
from tests.peers.vectorbt_rules import Rules, Signals

pytest.importorskip("vectorbt", reason="vectorbt comes with requirements/peers.txt")

import vectorbt as vbt

from tests.peers.peer_vectorbt import run_orders, run_signals

FLAT = (100.0, 100.0, 100.0, 100.0)


@pytest.fixture(params=["numba", "rust"], autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Tell the peer which of its two engines to run."""
    monkeypatch.setitem(vbt.settings, "engine", request.param)
    return request.param


def _bars(*rows: tuple[float, float, float, float]) -> Bars:
    return Bars(*np.array(rows).T)


def _run(bars: Bars, told: dict[str, list[int]], **rules: Any) -> PeerResult:
    signals = Signals.nothing(len(bars))
    for name, where in told.items():
        getattr(signals, name)[where] = True
    return run_signals([bars], signals, Rules(**rules))


def test_a_stop_in_the_bar_beats_an_exit_at_its_open():
    bars = _bars(FLAT, (100.0, 101.0, 94.0, 96.0), FLAT)

    told = {"long_entry": [0], "long_exit": [1]}
    result = _run(bars, told, sl_stop=0.05, price="open")

    assert result.trades[0].exit_price == 95.0


def test_an_entry_in_the_bar_of_a_stop_is_lost():
    bars = _bars(FLAT, (100.0, 101.0, 94.0, 96.0), FLAT)

    result = _run(bars, {"long_entry": [0], "short_entry": [1]}, sl_stop=0.05)

    assert len(result.fills) == 2
    assert not result.open_trades


def test_stops_are_not_looked_at_in_the_bar_of_the_entry():
    bars = _bars(FLAT, (100.0, 120.0, 80.0, 100.0), FLAT)

    result = _run(bars, {"long_entry": [1]}, sl_stop=0.05, tp_stop=0.05, price="open")

    assert len(result.fills) == 1


def test_stops_are_measured_from_the_close_of_the_bar_of_the_entry():
    bars = _bars((100.0, 110.0, 100.0, 110.0), (108.0, 108.0, 99.0, 100.0), FLAT)

    # Bought at 100; five per cent below the close of 110.
    result = _run(bars, {"long_entry": [0]}, sl_stop=0.05, price="open")

    assert result.trades[0][3:5] == (100.0, 104.5)


def test_a_trailing_stop_follows_highs_after_the_bar_of_the_entry_and_from_the_next_bar_on():
    bars = _bars(
        (100.0, 130.0, 100.0, 100.0),
        (100.0, 120.0, 100.0, 118.0),  # a stop at 114 would be hit if it were looked at now
        (118.0, 118.0, 110.0, 112.0),
    )

    result = _run(bars, {"long_entry": [0]}, sl_stop=0.05, sl_trail=True)

    assert result.trades[0][1:5] == (2, 100.0, 100.0, 114.0)


def test_a_stop_exit_does_not_slip_unless_it_is_told_to():
    bars = _bars(FLAT, (100.0, 100.0, 94.0, 94.0), FLAT)
    told = {"long_entry": [0]}

    exact = _run(bars, told, sl_stop=0.05, slippage=0.01)
    slips = _run(bars, told, sl_stop=0.05, slippage=0.01, stop_exit_price="stopmarket")

    assert exact.trades[0].exit_price == 95.0
    assert slips.trades[0].exit_price == 95.0 * 0.99


def test_a_short_position_that_lost_all_cash_cannot_be_covered():
    bars = _bars(FLAT, (250.0, 250.0, 250.0, 250.0), FLAT)

    result = _run(bars, {"short_entry": [0], "short_exit": [1]}, size=1.0, cash=100.0)

    # 200 in cash cover 0.8 of one at 250; the rest stays open.
    assert [f.units for f in result.fills] == [-1.0, 0.8]


def test_a_short_position_needs_no_cash():
    result = run_orders([_bars(FLAT, FLAT)], np.array([[-1e6], [np.nan]]), Rules(cash=1.0))

    assert result.fills[0].units == -1e6


def test_what_cannot_be_paid_is_bought_in_part():
    result = run_orders([_bars(FLAT, FLAT)], np.array([[200.0], [np.nan]]), Rules(fixed_fees=100.0))

    assert result.fills[0].units == 99.0


def test_a_grid_of_tenths_loses_a_step_when_a_position_is_closed():
    bars = _bars(FLAT, FLAT, FLAT)
    told = {"long_entry": [0], "long_exit": [1]}

    tenths = _run(bars, told, size=0.3, size_granularity=0.1)
    quarters = _run(bars, told, size=0.75, size_granularity=0.25)

    # 0.3 // 0.1 is 2 in floats.
    assert tenths.fills[0].units == 0.2
    assert [f.units for f in quarters.fills] == [0.75, -0.75]


def test_a_share_of_nothing_poisons_the_account_in_one_of_its_engines(engine):
    sizes = np.array([[0.5], [0.0], [0.5]])
    rules = Rules(size_type="percent", direction="shortonly")

    def run() -> PeerResult:
        return run_orders([_bars(FLAT, FLAT, FLAT)], sizes, rules)

    if engine == "rust":
        assert [f.bar for f in run().fills] == [0, 2]
    else:
        with pytest.raises(ValueError, match="cash cannot be NaN"):
            run()


def test_a_reversal_is_one_order_with_one_fixed_fee():
    result = _run(
        _bars(FLAT, FLAT, FLAT), {"long_entry": [0], "short_entry": [1]}, size=1.0, fixed_fees=3.0
    )

    assert [(f.units, f.commission) for f in result.fills] == [(1.0, 3.0), (-2.0, 3.0)]
    # Split by units in the records.
    assert result.trades[0].commission == 3.0 + 1.5


def test_what_is_a_billionth_too_dear_is_bought_all_the_same():
    # A total a billionth above the cash is taken for affordable, and the cash for spent.
    result = run_orders(
        [_bars(FLAT, FLAT)], np.array([[100.0 * (1 + 5e-10)], [np.nan]]), Rules(cash=10_000.0)
    )

    assert result.fills[0].units == 100.0 * (1 + 5e-10)
    # The equity, summed from the records, knows better.
    assert result.final_equity == pytest.approx(10_000.0)
