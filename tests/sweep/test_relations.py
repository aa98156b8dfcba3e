"""Which sets gave the same, and which parameters changed nothing, against looking at all pairs."""

import itertools

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.sweep.relations import codes_of, digest_array, first_equal, is_dead
from admf_fast.sweep.run import run_sweep
from tests.sweep.kit import config_of

rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=12,
    unique=True,
)  # fmt: skip


@given(st.lists(st.sampled_from(("a", "b", "c", None)), min_size=1, max_size=12))
def test_the_first_equal_row_is_found(texts):
    found = first_equal(digest_array(texts)).tolist()

    for k, text in enumerate(texts):
        earlier = [j for j in range(k) if text and texts[j] == text]
        assert found[k] == (earlier[0] if earlier else -1)


@given(
    rows, st.lists(st.sampled_from(("x", "y", None)), min_size=12, max_size=12), st.integers(0, 2)
)
def test_a_parameter_is_dead_if_no_pair_that_differs_in_it_alone_differs(sets, texts, axis):
    results = texts[: len(sets)]
    pairs = [
        (results[i], results[j])
        for i, j in itertools.combinations(range(len(sets)), 2)
        if all((sets[i][k] == sets[j][k]) == (k != axis) for k in range(3))
    ]
    known = [(a, b) for a, b in pairs if a and b]
    dead = is_dead(codes_of(sets, 3), axis, [digest_array(results)])

    if dead:
        assert known
        assert all(a == b for a, b in known)
    elif all(results):  # without gaps all pairs are compared
        assert not known or any(a != b for a, b in known)


def test_dead_parameters_and_equal_sets_are_said(tmp_path):
    text = (
        "sweep: {grid: {strategy.params.fast: [5, 10], costs.fee_bps: [1, 2], "
        "exits.atr_period: [5, 14], exits.memory: [all, none]}}"
    )
    result = run_sweep(config_of(text), tmp_path / "x.parquet")
    found = pl.read_parquet(tmp_path / "x.parquet")

    assert result.found.dead == ("exits.atr_period", "exits.memory")
    assert found["same_signals_as"].to_list() == [None, *[0] * 7, None, *[8] * 7]
    assert found["same_result_as"].to_list() == [
        *(None if k % 4 == 0 else k - k % 4 for k in range(16))
    ]
    assert np.unique(found["equity_final"].to_numpy()).size == 4
