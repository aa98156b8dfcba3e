"""A chunk whose process dies: the set that does it is found, all others complete."""

from concurrent.futures import Future

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_fast.sweep import run as running
from admf_fast.sweep.engine import WorkerLost
from admf_fast.sweep.isolation import REASON
from admf_fast.sweep.run import run_sweep
from tests.sweep.kit import SMALL, config_of

SETS = 10


class Fragile:
    """An engine whose process dies over some sets, and takes what it has been given along."""

    name, workers, threads = "fragile", 1, 2

    def __init__(self, make, deadly):
        self._make, self._deadly = make, deadly
        self._given = []

    def submit(self, chunk):
        self._given.append((chunk, future := Future()))
        if len(self._given) == self.threads:
            self._work()
        return future

    def _work(self):
        given, self._given = self._given, []
        dies = any(k in self._deadly for c, _ in given for k in range(c.first, c.last))
        for chunk, future in given:
            if dies:
                future.set_exception(OSError("gone"))
            else:
                self._make(chunk)
                future.set_result(0)

    def fault(self, error):
        return WorkerLost() if isinstance(error, OSError) else error

    def look(self):
        if self._given:
            self._work()

    def close(self):
        pass


def swept(path, deadly, chunk_sets):
    def fragile(threads, make, stop):
        return Fragile(make, deadly)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "ThreadEngine", fragile)
        return run_sweep(config_of(SMALL), path, threads=2, chunk_sets=chunk_sets)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "x.parquet"
    run_sweep(config_of(SMALL), path)
    return path


@settings(max_examples=15, deadline=None)
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "ThreadEngine", lambda t, make, stop: Fragile(make, {3}))
        run_sweep(config_of(text), tmp_path / "x.parquet", chunk_sets=4)
    run_sweep(config_of(text), tmp_path / "y.parquet")
    for name in ("signals", "trades"):
        found, whole = (pl.read_parquet(tmp_path / f"{n}.{name}.parquet") for n in "xy")
        assert found.equals(whole.filter(pl.col("set") != 3))
        assert len(found) < len(whole)
