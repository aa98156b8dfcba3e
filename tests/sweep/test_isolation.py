"""A chunk whose process dies: the set that does it is found, all others complete."""

from concurrent.futures import Future

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_fast.sweep import dask_engine
from admf_fast.sweep.dask_cluster import DaskSpec
from admf_fast.sweep.engine import WorkerLost
from admf_fast.sweep.isolation import REASON
from admf_fast.sweep.run import run_sweep
from tests.sweep.kit import SMALL, config_of

SETS = 10


class Fragile:
    """Workers that die over some sets, and take along what else they have been given."""

    name, workers, threads = "fragile", 1, 2
    deadly = frozenset()
    deaths_left = 10**9

    def __init__(self, spec, config, maker, work, sets, inputs):
        self._maker, self._work, self._sets, self._inputs = maker, work, sets, inputs
        self._given = []

    def submit(self, chunk):
        self._given.append((chunk, future := Future()))
        if len(self._given) == self.threads:
            self._run()
        return future

    def _run(self):
        given, self._given = self._given, []
        given_sets = [k for chunk, _ in given for k in chunk.sets]
        dies = self.deaths_left > 0 and not self.deadly.isdisjoint(given_sets)
        self.deaths_left -= dies
        for chunk, future in given:
            if dies:
                future.set_exception(OSError("gone"))
            else:
                sets, bars = [self._sets[k] for k in chunk.sets], self._inputs[chunk.input]
                self._maker.make(self._work, chunk, sets, bars)
                future.set_result(bars.count * len(sets))

    def fault(self, error):
        return WorkerLost() if isinstance(error, OSError) else error

    def look(self):
        if self._given:
            self._run()

    def close(self):
        pass


def swept(path, deadly, chunk_sets, text=SMALL):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fragile, "deadly", deadly)
        patch.setattr(dask_engine, "DaskEngine", Fragile)
        return run_sweep(config_of(text), path, chunk_sets=chunk_sets, dask=DaskSpec(workers=1))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "x.parquet"
    run_sweep(config_of(SMALL), path)
    return path


@settings(max_examples=8, deadline=None)
@given(st.frozensets(st.integers(0, SETS - 1), max_size=3), st.integers(1, SETS))
def test_c01_only_the_sets_that_kill_have_no_result(good, tmp_path_factory, deadly, size):
    path = tmp_path_factory.mktemp("x") / "x.parquet"
    result = swept(path, deadly, size)
    found, whole = pl.read_parquet(path), pl.read_parquet(good)

    bad = pl.col("set").is_in(list(deadly))
    assert found.filter(bad)["error"].to_list() == [REASON] * len(deadly)
    assert result.found.failed == len(deadly)
    plain = [c for c in whole.columns if not c.startswith("same")]
    assert found.filter(~bad).select(plain).equals(whole.filter(~bad).select(plain))
    if not deadly:
        assert path.read_bytes() == good.read_bytes()
    assert [p.name for p in path.parent.iterdir()] == ["x.parquet"]
    assert (result.engine, result.chunks) == ("fragile", -(-SETS // size))


def test_events_of_the_others_are_kept(tmp_path):
    text = SMALL + "  keep: [signals, trades]\n"
    swept(tmp_path / "x.parquet", frozenset({3}), 4, text)
    run_sweep(config_of(text), tmp_path / "y.parquet")
    for name in ("signals", "trades"):
        found, whole = (pl.read_parquet(tmp_path / f"{n}.{name}.parquet") for n in "xy")
        assert found.equals(whole.filter(pl.col("set") != 3))
        assert len(found) < len(whole)


def test_a_set_is_not_to_blame_for_two_accidents(good, tmp_path, monkeypatch):
    monkeypatch.setattr(Fragile, "deaths_left", 2)  # beside others, and once alone
    result = swept(tmp_path / "x.parquet", frozenset({4}), 1)

    assert result.found.failed == 0
    assert (tmp_path / "x.parquet").read_bytes() == good.read_bytes()
