"""C08: a set that never comes back from compiled code is ended and named; the rest completes."""

import json
import os
import subprocess
import sys
import threading
import time

import polars as pl
import pytest

from admf_fast.sweep import apart
from admf_fast.sweep.chunk import Chunk, Stopped
from admf_fast.sweep.engine import Running, Watched, WorkerLost, run_chunks
from admf_fast.sweep.threads import ThreadEngine
from tests.sweep.kit import ROOT

OWN = '''"""A strategy that one parameter keeps busy for weeks."""

from typing import NamedTuple

from admf_kernels.registry import strategy


class Params(NamedTuple):
    number: int = 1


@strategy(params=Params)
def endless(c: Params, close: float) -> float:
    """Short below 50; only after weeks if `number` is 13."""
    value = close
    if c.number == 13:
        for _ in range(1_000_000_000_000_000):
            value = value * 0.5 + 1.0
    return 1.0 if value > 50.0 else -1.0
'''
TEXT = """\
bars: {path: %s, timeframe: 1d, stamp: open}
strategy: {kernel: "own:endless"}
sweep:
  grid: {strategy.params.number: %s}
  deadline_s: %d
"""


def swept(folder, name, values, deadline_s):
    path = folder / f"{name}.yaml"
    path.write_text(TEXT % (ROOT / "data" / "AAPL_1d.parquet", values, deadline_s))
    out = folder / f"{name}.parquet"
    command = [sys.executable, "-m", "admf_fast.cli.main", "sweep", str(path), "--out", str(out)]
    done = subprocess.run(
        [*command, "--threads", "1", "--json"], env={**os.environ}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), pl.read_parquet(out)


def test_c08_a_stuck_set_is_named_and_the_rest_completes(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    _, good = swept(tmp_path, "good", "[1, 2, 3]", 100)  # compiles, too
    started = time.monotonic()
    found, rows = swept(tmp_path, "stuck", "[1, 13, 2, 3]", 2)

    assert time.monotonic() - started < 60.0
    assert found["failed"] == 1
    assert rows["error"][1] == "no progress for 2 s in a process of its own: stuck"
    figures = [c for c in good.columns if not c.startswith("same") and c != "set"]
    kept = rows.filter(pl.col("error").is_null()).select(figures)
    assert kept.equals(good.select(figures))
    assert not [*tmp_path.glob("*.work")]


class Stuck:
    """Chunks of which some wait until they are let go."""

    def __init__(self, stuck):
        self.stuck, self.release, self.ended = stuck, threading.Event(), []
        self.engine = None

    def make(self, chunk):
        self.engine.beat()
        if chunk.number in self.stuck:
            self.release.wait(30.0)
        try:
            self.engine.beat()
        except Stopped:
            self.ended.append(chunk.number)
            raise


@pytest.mark.parametrize("stuck", [{1}, {0, 1, 2}])
def test_a_thread_that_is_stuck_is_replaced_and_cannot_speak_later(stuck):
    stop = threading.Event()
    made = Stuck(stuck)
    made.engine = ThreadEngine(2, made.make, stop, 0.2)
    running = Running(made.engine, Watched(0))
    chunks = [Chunk(k, 0, (k,)) for k in range(8)]
    try:
        assert {chunk.number for chunk in run_chunks(running, chunks)} == stuck
        assert running.watched.chunks == 8 - len(stuck)
    finally:
        made.release.set()
        made.engine.close()
    deadline = time.monotonic() + 10.0
    while len(made.ended) < len(stuck):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert sorted(made.ended) == sorted(stuck)


def test_without_a_deadline_threads_are_waited_for():
    made = Stuck({0})
    made.engine = ThreadEngine(1, made.make, threading.Event(), 0.0)
    future = made.engine.submit(Chunk(0, 0, (0,)))
    time.sleep(0.05)
    made.engine.look()
    assert not future.done()
    made.release.set()
    assert future.result(10.0) == 0
    made.engine.close()


def test_what_a_chunk_raises_is_raised_and_no_other_is_lost():
    def make(chunk):
        raise ValueError(str(chunk.number))

    engine = ThreadEngine(1, make, threading.Event(), 1.0)
    with pytest.raises(ValueError, match="3"):
        engine.submit(Chunk(3, 0, (0,))).result(10.0)
    assert not isinstance(engine.fault(ValueError()), WorkerLost)
    engine.close()


def test_a_process_that_ends_by_itself_says_how(tmp_path):
    """An answer that is no answer: what it said last, and how it ended."""
    with apart._started({"job": {"version": "0"}, "chunks": []}) as (process, lines):
        said = lines.get(timeout=60.0)
        process.wait()
    assert said
    assert "ended with code" in apart._ending(process, said)
