"""The baseline: bootstrap, bands and limits, and its file."""

import math
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.errors import DataError, StateError
from admf_fast.monitor import load_baseline, make_baseline, save_baseline
from admf_fast.monitor.baseline import quantiles
from admf_fast.monitor.bootstrap import Chance, block_length, stationary_days
from admf_fast.monitor.cusum import Cusum, highest_sums
from admf_fast.monitor.figures import AT, FIGURES, day_values, moving_figures
from admf_fast.monitor.limits import BANDS, SUMS, Family, daily_moments, family_factors
from tests.monitor.kit import QUICK, some_days


def test_chance_is_the_documented_stream_of_pcg64():
    found = Chance(1).uniform(3)
    words = np.random.PCG64(1).random_raw(3)
    assert found.tolist() == [int(w) // 2**11 / 2**53 for w in words]
    assert Chance(1).uniform(5).tolist() == [*found, *_next(3, 2)]


def _next(skipped, count):
    chance = Chance(1)
    chance.uniform(skipped)
    return chance.uniform(count).tolist()


@given(st.integers(1, 50), st.integers(1, 80), st.integers(1, 5), st.floats(1.0, 30.0))
def test_blocks_are_consecutive_days_around_the_circle(days, length, replicates, block_days):
    taken = stationary_days(days, length, replicates, block_days, Chance(3))
    assert taken.shape == (replicates, length)
    assert ((taken >= 0) & (taken < days)).all()
    if block_days == 1.0:
        return
    follows = taken[:, 1:] == (taken[:, :-1] + 1) % days
    if replicates * length > 200 and days > 20:
        assert 0.3 < follows.mean() <= 1.0


def test_the_mean_length_of_blocks_is_what_was_asked_for():
    taken = stationary_days(1000, 20_000, 5, 12.0, Chance(7))
    breaks = np.count_nonzero(taken[:, 1:] != (taken[:, :-1] + 1) % 1000)
    assert taken.size / breaks == pytest.approx(12.0, rel=0.05)
    # Every day is taken about as often as another.
    counts = np.bincount(taken.ravel(), minlength=1000)
    assert counts.std() / counts.mean() < 0.6


def _auto_regressive(share, count=2000, seed=0):
    chance = np.random.default_rng(seed)
    made = np.zeros(count)
    for k in range(1, count):
        made[k] = share * made[k - 1] + chance.standard_normal()
    return made


@pytest.mark.parametrize(
    ("share", "expected", "off"),
    [(0.9, 60.515109582015135, 1e-9), (0.5, 14.26783740041853, 0.12),
     (-0.5, 15.88506157963504, 0.12), (0.0, 1.0, 0.0)],
)  # fmt: skip
def test_block_lengths_are_those_of_an_independent_implementation(share, expected, off):
    # arch 8.0.0, optimal_block_length(x)["stationary"], on the same series. It counts a lag more
    # than the paper before it calls the rest insignificant, which shows in the second and third.
    assert block_length(_auto_regressive(share)) == pytest.approx(expected, rel=off)


@pytest.mark.parametrize("values", [[], [1.0] * 50, [math.nan] * 50, [1.0, 2.0]])
def test_a_series_that_says_nothing_has_blocks_of_a_day(values):
    assert block_length(np.array(values)) == 1.0


def test_the_same_days_and_seed_give_the_same_bytes_in_another_process():
    code = (
        "from admf_fast.monitor import make_baseline; from tests.monitor.kit import *;"
        "print(make_baseline(some_days(100), QUICK).digest)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = make_baseline(some_days(100), QUICK)
    assert ran.stdout.strip() == here.digest
    other = make_baseline(some_days(100), msgspec.structs.replace(QUICK, seed=2))
    assert other.digest != here.digest


def test_bands_hold_the_figures_and_grow_with_confidence():
    narrow = make_baseline(some_days(300), msgspec.structs.replace(QUICK, confidence=0.5))
    wide = make_baseline(some_days(300), msgspec.structs.replace(QUICK, confidence=0.99))
    for name in FIGURES:
        a, b = narrow.figures[name], wide.figures[name]
        assert b.low <= a.low <= a.high <= b.high
        assert b.low <= b.value <= b.high
        assert b.alarm_low <= b.alarm_high
    rare = make_baseline(some_days(300), msgspec.structs.replace(QUICK, false_alarms=0.001))
    for name in set(FIGURES) - {"signal_strength"}:  # always 0.7
        assert rare.figures[name].cusum_limit >= wide.figures[name].cusum_limit
        assert rare.figures[name].alarm_high >= wide.figures[name].alarm_high


def test_a_figure_that_never_differs_has_a_band_of_no_width_and_no_sum():
    band = make_baseline(some_days(100), QUICK).figures["signal_strength"]
    assert band.cusum_limit is None
    assert band.alarm_low == pytest.approx(0.7)
    assert band.alarm_high == pytest.approx(0.7)


def test_a_figure_that_was_never_observed_has_no_band():
    rows = some_days(100)
    for name in ("trades", "wins", "costed", "cost"):
        rows[:, AT[name]] = 0.0
    band = make_baseline(rows, QUICK).figures["win_rate"]
    assert set(msgspec.to_builtins(band).values()) == {None}


def test_too_few_days_are_refused_with_the_number_that_is_needed():
    with pytest.raises(DataError, match=r"2 \* monitor\.window_days = 20 days .* found 19"):
        make_baseline(some_days(19), QUICK)


@given(st.lists(st.floats(-5.0, 5.0) | st.just(math.nan), max_size=60), st.floats(0.0, 1.0))
def test_sums_bar_by_bar_are_the_sums_of_the_limit(values, shift):
    cusum = Cusum(0.0, 1.0, shift, math.inf)
    highest = 0.0
    for value in values:
        cusum.add(value)
        highest = max(highest, cusum.up, cusum.down)
    at_once = highest_sums(np.array(values).reshape(1, -1, 1), shift)
    assert at_once.item() == highest


def test_a_sum_alerts_beyond_its_limit_and_begins_again():
    cusum = Cusum(mean=10.0, deviation=2.0, shift=0.5, limit=2.0)
    assert [cusum.add(v) for v in (13.0, 13.0, 13.0)] == [0.0, 0.0, 3.0]
    assert (cusum.up, cusum.down) == (0.0, 0.0)
    assert [cusum.add(v) for v in (5.0, 5.0)] == [0.0, -4.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0.001, 0.999))
def test_quantiles_leave_at_most_their_share_outside(values, share):
    found = quantiles(np.array(values).reshape(-1, 1), share).item()
    if share >= 0.5:
        assert np.mean(np.array(values) > found) <= 1.0 - share + 1e-9
    else:
        assert np.mean(np.array(values) < found) <= share + 1e-9


@given(st.integers(20, 300), st.floats(0.0, 0.5), st.integers(0, 2**32))
def test_all_detectors_together_alert_as_often_as_was_asked_for(productions, share, seed):
    chance = np.random.default_rng(seed)
    excess = chance.standard_normal((productions, 3 * len(FIGURES)))
    excess[:, 3] = excess[:, 4]  # two that say the same are one
    excess[:, 7] = -np.inf  # nothing was observed
    factors = family_factors(excess, share)

    above = (excess > factors).any(axis=1).mean()
    assert above <= share
    assert above >= share - 3.0 / productions
    assert len({*factors[BANDS]}) == len({*factors[SUMS]}) == 1


@pytest.mark.parametrize(("process", "most"), [({}, 0.12), ({"cost": 4.5, "scale": 0.02}, 1.0)])
def test_production_as_the_backtest_alerts_seldom_and_another_does(process, most):
    """The family is asked for 5 %; a limit for each detector alone let a third alert."""
    alerts = total = 0
    for seed in range(4):
        rows = some_days(400, seed)
        values = day_values(rows)
        limits = Family(rows, values, 8.0, QUICK, Chance(1)).limits()
        means, deviations = daily_moments(values)
        length = QUICK.horizon_days + QUICK.window_days - 1
        for k in range(50):
            made = some_days(length, 1000 + 50 * seed + k, **process)
            figures = moving_figures(made[None], QUICK.window_days)[0]
            with np.errstate(all="ignore"):
                standard = (day_values(made)[: QUICK.horizon_days] - means) / deviations
            slack = 1e-9 * np.abs(limits.high)
            low = figures < limits.low - slack
            high = figures > limits.high + slack
            sums = highest_sums(standard[None], QUICK.cusum_shift)[0] > limits.sums
            alerts += bool(low.any() or high.any() or sums.any())
            total += 1

    assert alerts <= most * total
    assert process == {} or alerts > 0.9 * total


def test_a_file_comes_back_as_it_was_and_every_changed_byte_is_noticed(tmp_path):
    made = make_baseline(some_days(100), QUICK, run_id="abc", inputs={"config": "c"})
    path = tmp_path / "baseline.json"
    save_baseline(path, made)
    assert load_baseline(path) == made
    content = path.read_bytes()
    places = [k for k, byte in enumerate(content) if chr(byte).isdigit()][::37]
    for k in places:
        other = b"1" if content[k : k + 1] != b"1" else b"2"
        path.write_bytes(content[:k] + other + content[k + 1 :])
        with pytest.raises(StateError):
            load_baseline(path)
    for content in (b"", b"{}", b"[1]", b"\xff"):
        path.write_bytes(content)
        with pytest.raises(StateError, match="expected a file of admf baseline"):
            load_baseline(path)
    path.unlink()
    with pytest.raises(StateError, match="cannot be read"):
        load_baseline(path)
