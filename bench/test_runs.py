"""Runs: historical in memory and through Parquet, live, lanes; each timed, none gated."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from bench import containers, historical, lanes, live
from bench.bars import bars_of, parquet_of


def test_memory_run(benchmark, bar_count: int) -> None:
    result = benchmark(historical.memory_run(bar_count))

    assert result.bars == bar_count


def test_parquet_run(benchmark, bar_count: int, tmp_path: Path) -> None:
    source = parquet_of(tmp_path, bar_count)

    benchmark(historical.parquet_run(source, tmp_path))

    assert pq.read_metadata(tmp_path / "run-0" / "equity.parquet").num_rows == bar_count


def test_stages_run(tmp_path: Path) -> None:
    for stage in historical.stages(parquet_of(tmp_path, 1000), tmp_path / "stage").values():
        stage()


def test_live_steps(benchmark) -> None:
    taken = benchmark.pedantic(live.step_ns, args=(1000,))

    assert len(taken) == 1000
    assert (taken > 0).all()


def test_containers_side_by_side(benchmark) -> None:
    engine = containers.engine_of(containers.KINDS["live"], 20)
    engine.add_feed("bars", [bars_of(200)], symbol="SYNTH")

    benchmark.pedantic(engine.execute, kwargs={"finish": False})

    assert {c.get_state()["bars"] for c in engine.containers} == {200}


def test_lanes(benchmark, bar_count: int) -> None:
    """A lane ends where the run of its parameters alone ends."""
    strategy, sets, bars = lanes.workload(bar_count // 10)

    program = benchmark(lanes.feed_lanes(strategy, sets, bars))

    alone = lanes.feed_one(strategy, sets[0], bars)()
    assert np.array_equal(program.parts[-1].words, alone.parts[-1].words)
