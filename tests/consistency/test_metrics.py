"""The figures of consistency: counted as they are defined, in constant memory."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.consistency import ConsistencyMonitor, DivergenceMonitor, Family
from admf_fast.consistency.divergence import (
    DIVERGENCES_KEPT,
    Divergence,
    between,
    ulps_between,
    word_of,
)
from admf_fast.consistency.histogram import TimeHistogram
from admf_fast.consistency.metrics import Answer, Sequences
from admf_fast.errors import DivergenceError
from tests.kernels.strategies import quick

TIMES = st.lists(
    st.integers(0, 200) | st.integers(0, 2**40) | st.integers(2**62, 2**63 - 1),
    min_size=1, max_size=300,
)  # fmt: skip


@quick(200)
@given(TIMES, st.sampled_from((0.0, 0.5, 0.95, 0.99, 1.0)))
def test_a_quantile_is_at_most_a_64th_too_high_and_never_too_low(times, share):
    histogram = TimeHistogram()
    for first in range(0, len(times), 7):
        histogram.add(times[first : first + 7])
    exact = sorted(times)[max(math.ceil(share * len(times)), 1) - 1]

    found = histogram.quantile(share)
    assert exact <= found <= min(exact + exact // 64 + 1, max(times))
    assert histogram.quantiles()["max"] == max(times)
    assert histogram.count == len(times)


def test_a_time_below_zero_is_refused():
    with pytest.raises(ValueError, match="found -3"):
        TimeHistogram().add([1, -3])


def test_no_times_have_no_quantiles():
    assert TimeHistogram().quantiles() == {"p50": 0, "p95": 0, "p99": 0, "max": 0}


FLOATS = st.floats(allow_nan=False)


@quick(200)
@given(FLOATS, st.integers(0, 50))
def test_ulps_are_steps_to_the_next_float(value, steps):
    other = value
    for _ in range(steps):
        other = math.nextafter(other, math.inf)
    if math.isinf(other):
        return
    # From -0.0 to 0.0 is no step to nextafter, and none here.
    assert ulps_between(word_of(value), word_of(other)) == steps
    assert ulps_between(word_of(other), word_of(value)) == steps


SIGNALS = st.lists(st.lists(st.sampled_from((-1.0, -0.0, 0.0, 1.0)), max_size=2), max_size=20)


@quick(200)
@given(SIGNALS, SIGNALS)
def test_the_rate_of_signals_apart_is_that_of_the_sets(ours, theirs):
    """Those of one side only, over those of either side, as multisets of (bar, bits)."""
    bars = max(len(ours), len(theirs))
    pads = ([*s, *[[] for _ in range(bars - len(s))]] for s in (ours, theirs))
    monitor = ConsistencyMonitor()
    live, shadow = [], []
    for bar, (a, b) in enumerate(zip(*pads, strict=True)):
        events = [[("signals", (0, k, 0, v)) for k, v in enumerate(values)] for values in (a, b)]
        live += [(bar, word_of(v)) for v in a]
        shadow += [(bar, word_of(v)) for v in b]
        monitor.check_consistency(Answer(bar, events[1], 5), Answer(bar, events[0], 5))
    both = sum(min(live.count(x), shadow.count(x)) for x in {*live})
    union = len(live) + len(shadow) - both

    expected = (union - both) / union if union else 0.0
    assert monitor.signal_divergence_rate == pytest.approx(expected, abs=0)
    assert monitor.signals_only_live == len(live) - both
    assert monitor.signals_only_shadow == len(shadow) - both
    assert monitor.state_checksum_mismatches == 0


def test_every_metric_counts_its_own():
    monitor = ConsistencyMonitor()
    order = [("orders", (0, 2, 0, 1))]
    assert monitor.check_consistency(Answer(1, order, 7, 100), Answer(1, order, 7, 350))
    assert not monitor.check_consistency(Answer(2, [], 7), Answer(2, [], 8))
    assert not monitor.check_consistency(Answer(3, order, 7), Answer(3, [], 7))
    assert not monitor.check_consistency(Answer(4, [], 7), Answer(5, [], 7))

    metrics = monitor.metrics
    assert metrics["bars"] == 4
    assert metrics["state_checksum_mismatches"] == 1
    assert metrics["event_sequence_violations"] == 2
    assert metrics["execution_time_delta"]["max"] == 250
    assert metrics["signals"] == {"both": 0, "only_live": 0, "only_shadow": 0}


@pytest.mark.parametrize(
    ("sequences", "violations"),
    [
        ([("signals", 2), ("orders", 3)], 0),
        ([("fills", 2), ("trades", 2), ("orders", 3)], 0),
        ([("signals", 3)], 1),  # one is missing before it
        ([("signals", 2), ("signals", 2)], 1),  # doubled
        ([("orders", 2), ("orders", 4), ("orders", 5)], 1),  # one gap, not two
        ([("trades", 2)], 1),  # a trade without its fill
        ([("orders", 3), ("orders", 2)], 2),  # the wrong way round
    ],
)
def test_events_follow_each_other_by_one(sequences, violations):
    watch = Sequences(0, 0)
    assert watch.violations([(t, (0, s)) for t, s in sequences], 1) == violations


def test_quiet_bars_take_a_number_each():
    watch = Sequences(10, 3)
    assert watch.violations([("orders", (0, 10 + 4 + 1))], 7) == 0
    assert watch.violations([("fills", (0, 10 + 4 + 1 + 2))], 8) == 0


def divergence_in(family: Family, bar: int) -> Divergence:
    return between(family, "run", ("state", bar, bar, "x"), 1.0, 2.0)


def test_families_are_never_mixed_and_the_first_ones_kept():
    monitor = DivergenceMonitor()
    for bar in range(DIVERGENCES_KEPT + 50):
        monitor.record_divergence(divergence_in(Family.INPUT, bar))
    monitor.record_divergence(divergence_in(Family.EXECUTION, 3))

    assert monitor.counts[Family.INPUT] == DIVERGENCES_KEPT + 50
    assert [d.bar for d in monitor.of(Family.INPUT)] == list(range(DIVERGENCES_KEPT))
    assert monitor.counts[Family.LOGIC] == 0
    assert monitor.first() is None
    monitor.require_none()
    with pytest.raises(DivergenceError, match="execution divergence of run 'run' at bar 3"):
        monitor.require_none(Family.EXECUTION)
