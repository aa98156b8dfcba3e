"""The live runner: a bar that breaks a rule is refused and changes nothing."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.errors import BarError, DataError
from admf_fast.feeds import replay
from admf_fast.parity.compare import first_difference
from admf_fast.runners.historical import run_historical
from admf_fast.runners.live import LIVE_BARS, LiveRunner, run_live
from admf_kernels.registry import strategy
from admf_kernels.testing import random_bars
from tests.engine.kit import MINUTE_NS, START_NS, bars_of, block_of, follow_volume, log_of, setup_of
from tests.kernels.strategies import quick

GOOD = {"ts_ns": START_NS, "open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 8.0}
NEXT = {**GOOD, "ts_ns": START_NS + MINUTE_NS}
BAD_VALUES = (math.nan, math.inf, -math.inf, -1.0)
BAD_BARS = [
    *({name: value} for name in ("open", "high", "low", "close", "volume") for value in BAD_VALUES),
    *({name: 0.0} for name in ("open", "high", "low", "close")),
    {"low": sys.float_info.min / 2},
    {"high": 10.999},
    {"low": 10.001},
    {"open": 12.001},
    {"close": 8.999},
    {"ts_ns": START_NS},
    {"ts_ns": START_NS - 1},
    {"ts_ns": -1},
    {"ts_ns": 2**63},
]


@pytest.mark.parametrize("wrong", BAD_BARS, ids=str)
def test_a_bar_that_breaks_a_rule_is_refused_and_changes_nothing(wrong):
    runner, other = LiveRunner(setup_of("sma_cross")), LiveRunner(setup_of("sma_cross"))
    for each in (runner, other):
        each.step(**GOOD)
    before = runner.save()

    with pytest.raises(BarError, match="not taken"):
        runner.step(**{**NEXT, **wrong})

    assert runner.save() == before
    assert runner.step(**NEXT) == other.step(**NEXT)
    assert first_difference("refused", log_of(other.finish()), log_of(runner.finish())) is None


@quick(200)
@given(st.dictionaries(
    st.sampled_from(("open", "high", "low", "close", "volume")),
    st.floats() | st.sampled_from((9.0, 10.0, 11.0, 12.0)), min_size=1,
))  # fmt: skip
def test_bars_are_taken_by_the_rules_of_files_and_no_others(changes):
    bar = {**NEXT, **changes}
    prices = [bar[name] for name in ("open", "high", "low", "close")]
    valid = all(sys.float_info.min <= p < math.inf for p in prices)
    valid = valid and bar["low"] == min(prices) and bar["high"] == max(prices)
    valid = valid and 0.0 <= bar["volume"] < math.inf
    runner = LiveRunner(setup_of("buy_and_hold"))
    runner.step(**GOOD)
    before = runner.save()
    try:
        runner.step(**bar)
        taken = True
    except BarError:
        taken = False

    assert taken == valid
    assert (runner.save() == before) == (not taken)


def test_a_volume_of_minus_zero_is_zero_as_in_files():
    rows = [(10.0, 10.0, 0.0)] * 3
    bars = [(*bar[:5], -0.0) for bar in replay([bars_of(rows)])]
    setup = setup_of(follow_volume, features={})

    assert run_live(setup, bars).layers == run_historical(setup, [bars_of(rows)]).layers
    runner = LiveRunner(setup)
    runner.step(*bars[0])
    assert math.copysign(1.0, runner.program.columns[5, runner.program.cursor - 1]) == 1.0


@strategy()
def wants_too_much(volume: float) -> float:
    """Want more than everything on a bar with volume."""
    return volume


def test_a_signal_out_of_range_stops_the_run_with_its_bar():
    bars = bars_of([(1.0, 1.0, 0.0)] * 5 + [(1.0, 1.0, 2.0)] + [(1.0, 1.0, 0.0)] * 5)
    setup = setup_of(wants_too_much)
    reason = rf"bar 5 \(ts_ns {bars.ts_ns[5]}\): the strategy's signal is not in \[-1, 1\]"

    with pytest.raises(DataError, match=reason):
        run_historical(setup, [bars])
    with pytest.raises(DataError, match=reason):
        run_live(setup, replay([bars]))


def test_a_run_that_stopped_takes_no_more_bars():
    bars = list(replay([bars_of([(1.0, 1.0, 0.0), (1.0, 1.0, 2.0), (1.0, 1.0, 0.0)])]))
    runner = LiveRunner(setup_of(wants_too_much))
    runner.step(*bars[0])

    with pytest.raises(DataError, match=r"^bar 1 "):
        runner.step(*bars[1])
    with pytest.raises(DataError, match=r"stopped at bar 1 "):
        runner.step(*bars[2])


def test_more_bars_than_the_columns_hold_are_all_recorded():
    """The columns move on, and their rows are handed over before."""
    bars = block_of(random_bars(2 * LIVE_BARS + 100, 1))
    setup = setup_of("sma_cross")
    expected = run_historical(setup, [bars])

    assert run_live(setup, replay([bars])).layers == expected.layers


def test_steps_report_every_event_in_order():
    """What the steps returned is what the tables hold."""
    bars = block_of(random_bars(500, 2))
    steps = []
    result = run_live(
        setup_of("sma_cross"), replay([bars]), observe=lambda runner, ts, step: steps.append(step)
    )
    events = [event for step in steps for event in step.events]
    sequences = [values[1] for table, values in events if table != "trades"]

    assert [s.checksum for s in steps] == result.tables["equity"].column("checksum").to_pylist()
    assert sequences == sorted(sequences)
    for table in ("signals", "orders", "fills", "trades"):
        found = [values[1] for name, values in events if name == table]
        assert found == result.tables[table].column("sequence").to_pylist()
        assert found
