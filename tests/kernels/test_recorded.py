"""Columns of stored signals: the last change at or before each bar, however bars are cut."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_kernels.errors import KernelError
from admf_kernels.feature_program import FeatureProgram
from admf_kernels.lane_program import LaneProgram
from admf_kernels.recorded import Params, recorded_of, replay

TIMES = st.lists(st.integers(1, 400), unique=True, max_size=40).map(
    lambda found: np.array(sorted(found), np.int64)
)


def changes(ts_ns, seed):
    random = np.random.Generator(np.random.Philox(seed))
    return ts_ns, random.choice([-1.0, 0.0, 0.25, 1.0], len(ts_ns))


@settings(max_examples=60)
@given(
    TIMES.filter(len), st.lists(TIMES, min_size=1, max_size=12), st.lists(st.integers(0, 40)),
    st.integers(0, 99),
)  # fmt: skip
def test_a_column_holds_the_last_change_of_every_bar(bars, series, cuts, seed):
    played = [changes(ts_ns, seed + k) for k, ts_ns in enumerate(series)]
    names = [f"recorded:{k}" for k in range(len(series))]
    program = FeatureProgram(names, block_bars=16, recorded=recorded_of(played))
    found = {name: [] for name in names}
    edges = sorted({0, len(bars), *range(0, len(bars), 16), *(c for c in cuts if c < len(bars))})
    for first, last in itertools.pairwise(edges):
        block = bars[first:last]
        rows = program.feed(block, *[np.ones(len(block))] * 5)
        for name in names:
            found[name].append(program.columns[program.plan.column(name), rows].copy())
    for name, (ts_ns, signal) in zip(names, played, strict=True):
        places = np.searchsorted(ts_ns, bars, side="right") - 1
        expected = np.where(places >= 0, np.append(signal, 0.0)[places], 0.0)
        assert np.concatenate(found[name]).tobytes() == expected.tobytes()


def test_a_program_needs_the_series_that_it_reads():
    one = recorded_of([changes(np.array([5]), 1)])
    for names, recorded in ((["recorded:0"], None), (["recorded:1"], one), ([], None)):
        if not names:
            FeatureProgram(names, recorded=recorded)
            continue
        with pytest.raises(KernelError, match="expected stored signals for recorded"):
            FeatureProgram(names, recorded=recorded)
    with pytest.raises(KernelError, match="expected stored signals"):
        LaneProgram(replay, [Params(0)])


@pytest.mark.parametrize("times", [[3, 3], [4, 2]])
def test_changes_must_rise(times):
    with pytest.raises(KernelError, match="the times rising"):
        recorded_of([(np.array(times, np.int64), np.zeros(2))])
