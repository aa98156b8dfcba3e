"""Determinism: the same bytes in other processes, with other hash seeds, threads and blocks."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from admf_fast.checks.findings import Finding, plural
from admf_fast.config import canonical
from admf_fast.data import BarBlock
from admf_fast.errors import StateError
from admf_fast.parity import Proof
from admf_fast.parity.proving import prove_bars
from admf_fast.runners.part import write_table
from admf_fast.runners.setup import Setup

NAME = "determinism"
BARS_MAX = 100_000
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "ARROW_NUM_THREADS", "MKL_NUM_THREADS")


class World(NamedTuple):
    """The surroundings of a process that must not matter."""

    hash_seed: int
    threads: int
    block_bars: int
    locale: str
    zone: str

    def __str__(self) -> str:
        return (
            f"hash seed {self.hash_seed}, {plural(self.threads, 'thread')}, "
            f"blocks of {self.block_bars:,}, {self.zone}"
        )


WORLDS = (
    World(1, 1, 8192, "C", "UTC"),
    World(4711, 2, 1009, "C.UTF-8", "Pacific/Auckland"),
)


def determinism(setup: Setup, bars: BarBlock) -> Iterator[Finding]:
    """Yield what differs between ways of running, and between processes."""
    looked = bars.slice(0, BARS_MAX)
    proof = prove_bars(setup, looked)
    yield from proven(proof, "bars")
    for world in WORLDS:
        layers = _layers_in(world, setup, looked)
        differing = [name for name, digest in proof.layers.items() if layers.get(name) != digest]
        if differing:
            text = f"another process ({world}) gave other bytes in {', '.join(differing)}"
            yield Finding(NAME, "processes", "failed", text)
            return
    text = "; ".join(str(world) for world in WORLDS)
    yield Finding(NAME, "processes", "ok", f"the same bytes in other processes: {text}")


def proven(proof: Proof, unit: str) -> Iterator[Finding]:
    """Yield what a proof of all ways of running says."""
    if proof.difference:
        yield Finding(NAME, proof.difference.run, "failed", str(proof.difference))
        return
    names = ", ".join(run.name for run in proof.runs)
    text = f"the same bytes of {proof.bars:,} {unit}: {names}"
    yield Finding(NAME, "ways of running", "ok", text)


def _layers_in(world: World, setup: Setup, bars: BarBlock) -> dict[str, str]:
    """Return the digests of a run in a process of its own."""
    surroundings = dict(os.environ, PYTHONHASHSEED=str(world.hash_seed), LC_ALL=world.locale,
                        TZ=world.zone, **dict.fromkeys(THREADS, str(world.threads)))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="admf-check-") as name:
        folder = Path(name)
        (folder / "config.json").write_bytes(canonical(setup.config))
        names = ("ts_ns", "open", "high", "low", "close", "volume")
        table = pa.table(dict(zip(names, map(pa.array, bars.columns()), strict=True)))
        write_table(folder / "bars.arrow", table)
        task: dict[str, Any] = {
            "folder": name,
            "base_dir": str(Path(setup.config.source.base_dir or ".").absolute()),
            "block_bars": world.block_bars,
            "path": sys.path,
        }
        finished = subprocess.run(
            [sys.executable, "-m", "admf_fast.checks.process"],
            input=json.dumps(task).encode(), capture_output=True, check=False, env=surroundings,
        )  # fmt: skip
    if finished.returncode != 0:
        said = finished.stderr.decode(errors="replace")[-2000:]
        raise StateError(f"the run in another process failed (exit {finished.returncode}): {said}")
    layers: dict[str, str] = json.loads(finished.stdout)
    return layers
