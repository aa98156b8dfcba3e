"""Clocks: the fastest of interleaved repetitions, and fresh processes."""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
Call = Callable[[], Any]


def fastest_s(
    calls: Mapping[str, Call], rounds: int, after: Call = lambda: None
) -> dict[str, float]:
    """Return the least wall time of each call.

    The calls take turns, so a busy moment of the machine meets all of them; the minimum is
    the repetition that was disturbed least. `after` cleans up after each, untimed.
    """
    best = dict.fromkeys(calls, float("inf"))
    for call in calls.values():
        call()  # compiles, loads, faults pages in
        after()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                started = time.perf_counter()
                call()
                best[name] = min(best[name], time.perf_counter() - started)
                after()
    finally:
        gc.enable()
    return best


def environment(**changed: str) -> dict[str, str]:
    """Return the environment of a child process: this project importable, and changes."""
    paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **changed}


def run_python(*arguments: str, cwd: Path = ROOT, **changed: str) -> tuple[float, str]:
    """Run a fresh interpreter; return its wall time in seconds and its standard output."""
    command = [sys.executable, *arguments]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, env=environment(**changed), capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return seconds, done.stdout


def child(command: str, *arguments: str, **changed: str) -> Any:
    """Return what `bench.child` measured about itself in a fresh process."""
    return json.loads(run_python("-m", "bench.child", command, *arguments, **changed)[1])
