"""What can go wrong with a sweep: killed, interrupted, twice at once, a set that breaks."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

from admf_fast.data import BarBlock
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep import run as running
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.lanes import LaneRun
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.variants import Variants
from admf_fast.sweep.work import open_work
from admf_kernels.errors import KernelError
from admf_kernels.layout import pack
from tests.sweep.kit import BASE, ROOT, SMALL, config_of

# Long enough to be killed in the middle.
LONG = (
    BASE.replace("../data", str(ROOT / "data"))
    + """\
sweep:
  grid: {strategy.params.fast: 'range(2, 41)', strategy.params.slow: 'range(50, 99)'}
"""
)


def whole(tmp_path):
    path = tmp_path / "whole.parquet"
    run_sweep(config_of(SMALL), path, threads=1)
    return path.read_bytes()


def interrupted(path, after):
    def stop(watched):
        if watched.chunks >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(config_of(SMALL), path, threads=1, chunk_sets=2, progress=stop)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_interrupted_sweep_goes_on_to_the_same_bytes(tmp_path, after):
    path = tmp_path / "x.parquet"
    interrupted(path, after)
    assert not path.exists()

    result = run_sweep(config_of(SMALL), path, threads=2)

    assert result.chunks_kept >= after
    assert path.read_bytes() == whole(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["whole.parquet", "x.parquet"]


def test_a_damaged_or_missing_part_is_made_again(tmp_path):
    path = tmp_path / "x.parquet"
    interrupted(path, 3)
    parts = sorted((tmp_path / "x.parquet.work").glob("part-*"))
    content = bytearray(parts[0].read_bytes())
    content[len(content) // 3] ^= 1
    parts[0].write_bytes(content)
    parts[1].write_bytes(parts[1].read_bytes()[:50])

    run_sweep(config_of(SMALL), path)

    assert path.read_bytes() == whole(tmp_path)


def test_parts_of_another_sweep_are_never_taken(tmp_path):
    path = tmp_path / "x.parquet"
    interrupted(path, 2)
    result = run_sweep(config_of(SMALL.replace("[0, 2]", "[0, 3]")), path)

    assert result.chunks_kept == 0
    assert "were removed" in result.notes[0]
    assert pl.read_parquet(path)["costs.fee_bps"].unique().sort().to_list() == [0, 3]


def _process(tmp_path, *more):
    (tmp_path / "long.yaml").write_text(LONG)
    command = [sys.executable, "-m", "admf_fast.cli.main", "sweep", "long.yaml", "--out"]
    return subprocess.Popen(
        [*command, "x.parquet", "--threads", "1", *more], cwd=tmp_path, env={**os.environ},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _until_parts(tmp_path, count, process):
    deadline = time.monotonic() + 120.0
    while len([*tmp_path.glob("x.parquet.work/part-*.parquet")]) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_c01_c02_a_killed_sweep_goes_on_to_the_same_bytes(tmp_path, number):
    process = _process(tmp_path)
    _until_parts(tmp_path, 2, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    assert number == signal.SIGKILL or "goes on from there" in err

    resumed = _process(tmp_path, "--json")
    out, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, err
    found = json.loads(out)
    assert found["chunks_kept"] >= 2
    again = run_sweep(
        running_config(tmp_path), tmp_path / "again.parquet", threads=2, chunk_sets=500
    )
    assert again.found.digest == found["digest"]
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "x.parquet").read_bytes()


def running_config(tmp_path):
    from admf_fast.config import load_config

    return load_config(tmp_path / "long.yaml")


def test_c06_a_second_sweep_of_the_same_file_is_refused(tmp_path):
    path = tmp_path / "x.parquet"
    said = rf"another sweep writes it \(process {os.getpid()}\)"
    with open_work(path), pytest.raises(StateError, match=said):
        run_sweep(config_of(SMALL), path)
    run_sweep(config_of(SMALL), path)


def test_c05_only_the_results_of_a_sweep_are_replaced(tmp_path):
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(StateError, match="found something else"):
        run_sweep(config_of(SMALL), path)
    assert pl.read_parquet(path)["a"].to_list() == [1]

    path.unlink()
    run_sweep(config_of(SMALL), path)
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        run_sweep(config_of("sweep: {grid: {strategy.params.fast: [900]}}"), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("error", [KernelError("it broke"), MemoryError(), ZeroDivisionError("x")])
def test_c01_a_set_that_breaks_is_named_and_the_rest_completes(tmp_path, monkeypatch, error):
    feed = LaneRun.feed

    def poisoned(self, block):
        if any(v.params.fast == 10 and v.params.slow == 15 for v in self._variants):
            raise error
        return feed(self, block)

    monkeypatch.setattr(LaneRun, "feed", poisoned)
    run_sweep(config_of(SMALL), tmp_path / "x.parquet", chunk_sets=5)
    monkeypatch.undo()
    run_sweep(config_of(SMALL), tmp_path / "y.parquet")
    found, good = (pl.read_parquet(tmp_path / f"{n}.parquet") for n in "xy")
    bad = (pl.col("fast") == 10) & (pl.col("slow") == 15)
    errors = found.filter(bad)["error"].to_list()

    assert errors == [str(error) or "MemoryError"] * 2
    assert found.filter(bad)["sharpe"].null_count() == 2
    rest = [c for c in good.columns if not c.startswith("same")]
    assert found.filter(~bad).select(rest).equals(good.filter(~bad).select(rest))


def test_n01_a_set_whose_equity_breaks_stops_alone_and_names_the_bar():
    text = """
sizing: {kind: fixed, quantity: 1}
sweep: {grid: {sizing.quantity: [1, 1000000, 2]}}
"""
    config = config_of(text, BASE.replace("fast: 10, slow: 50", "fast: 2, slow: 3"))
    space = space_of(config)
    variants = Variants(config, space)
    prices = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 1e303, 4.0])
    ts_ns = 86_400_000_000_000 * np.arange(17_000, 17_007)
    block = BarBlock(ts_ns, prices, prices, prices, prices, np.ones(7))
    run = LaneRun([variants.at(values) for values in space.sets()])
    for _ in run.feed(block):
        pass
    found = run.results()

    assert [r.refusal for r in found] == ["", "bar 5: the equity is not finite", ""]
    assert found[0].summary.bars == found[2].summary.bars == 7
    single = found_alone(variants, (1,), block)
    assert pack(found[0].summary).tobytes() == single


def found_alone(variants, values, block):
    run = LaneRun([variants.at(values)])
    for _ in run.feed(block):
        pass
    return pack(run.results()[0].summary).tobytes()


def test_sets_that_a_kernel_refuses_are_rows_with_the_reason(tmp_path):
    text = "sweep: {grid: {strategy.params.fast: [10, 60]}}"
    result = run_sweep(config_of(text), tmp_path / "x.parquet")
    found = pl.read_parquet(tmp_path / "x.parquet")

    assert result.found.failed == 1
    assert "fast < slow" in found["error"][1]
    assert found["signals_digest"].is_null().to_list() == [False, True]


def test_bars_that_change_meanwhile_are_noticed(tmp_path, monkeypatch):
    from admf_fast.errors import DataError
    from admf_fast.sweep import bars as reading

    monkeypatch.setattr(reading, "BARS_KEPT", 10)
    inputs = reading.open_inputs(config_of(SMALL))
    inputs[0].digest = "0" * 32
    with pytest.raises(DataError, match="changed while the sweep ran"):
        list(inputs[0].blocks())


def test_bars_too_many_to_keep_are_read_again(tmp_path, monkeypatch):
    from admf_fast.sweep import bars as reading

    monkeypatch.setattr(reading, "BARS_KEPT", 10)
    path = tmp_path / "x.parquet"
    run_sweep(config_of(SMALL), path, chunk_sets=4)

    assert path.read_bytes() == whole_kept(tmp_path, monkeypatch)


def whole_kept(tmp_path, monkeypatch):
    monkeypatch.undo()
    return whole(tmp_path)


def test_c07_threads_are_as_many_as_asked_for(tmp_path):
    result = run_sweep(config_of(SMALL), tmp_path / "x.parquet", threads=3)

    assert result.threads == 3
    assert run_sweep(config_of(SMALL), tmp_path / "y.parquet").threads == len(
        os.sched_getaffinity(0)
    )
    assert running.peak_memory_bytes() > 0


def test_p12_too_many_open_files_are_no_damage(tmp_path):
    """With a limit of its own, in a process of its own; what was done is kept."""
    path = tmp_path / "x.parquet"
    grid = "{strategy.params.fast: 'range(2, 5)', strategy.params.slow: 'range(20, 31)'}"
    text = f"sweep: {{keep: [signals], grid: {grid}}}\n"
    script = f"""\
import os, pathlib, resource
from admf_fast.sweep import events
from admf_fast.sweep.run import run_sweep
from tests.sweep.kit import config_of

honest = events.event_groups

def of_few_files(*arguments):
    most = len(os.listdir("/proc/self/fd")) + 3
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield from honest(*arguments)

events.event_groups = of_few_files
run_sweep(config_of({text!r}), pathlib.Path({str(path)!r}), chunk_sets=4, threads=1)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "too many files are open; allow more (ulimit -n)" in done.stderr, done.stderr
    assert not path.exists()
    again = run_sweep(config_of(text), path, chunk_sets=4, threads=1)
    assert again.chunks_kept == again.chunks
