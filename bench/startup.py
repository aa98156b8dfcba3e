"""Start-up: the first run ever, the next one, imports, and what each kernel takes to be ready."""

import importlib.util
import statistics
import tempfile
from pathlib import Path

from bench.child import ENGINES
from bench.figure import Figure, Scale
from bench.timing import ROOT, child, run_python

EXAMPLE = ROOT / "examples" / "sma_cross.yaml"
COLD_GOAL_S = 10.0
WARM_GOAL_S = 1.0
IMPORTED = ("numpy", "pyarrow", "admf_kernels", "admf_fast.jobs")
IN_PROCESS = """\
import sys
from pathlib import Path
from admf_fast.config import load_config
from admf_fast.jobs import backtest
backtest(load_config(sys.argv[1]), out=Path(sys.argv[2]))
"""


def has_cli() -> bool:
    """Return whether the command line is there to be measured."""
    return importlib.util.find_spec("admf_fast.cli.main") is not None


def command_s(cache: Path | None, out: Path) -> float:
    """Return the wall time of the whole process of a backtest on the shipped bars.

    `cache` is the folder of compiled drivers, None the user's own.
    """
    if has_cli():
        head = ["-m", "admf_fast.cli.main", "backtest", str(EXAMPLE), "--out", str(out)]
    else:
        head = ["-c", IN_PROCESS, str(EXAMPLE), str(out)]
    changed = {"ADMF_CACHE_DIR": str(cache)} if cache else {}
    return run_python(*head, **changed)[0]


def measure(scale: Scale) -> list[Figure]:
    """Return wall times of fresh processes, and of kernels compiled and loaded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cold = [command_s(folder / f"c{k}", folder / "run") for k in range(_few(scale))]
        warm = [command_s(folder / "c0", folder / "run") for _ in range(scale.processes)]
        kernels = _kernels(folder / "kernels")
    what = "admf backtest" if has_cli() else "backtest from Python"
    imports = {p: min(_import_ms(p) for _ in range(scale.processes)) for p in IMPORTED}
    return [
        Figure("start-up", f"{what}, first run ever", min(cold), "s", goal=COLD_GOAL_S),
        Figure("start-up", f"{what}, warm", min(warm), "s", goal=WARM_GOAL_S),
        *(Figure("start-up", f"import {p}", ms, "ms") for p, ms in imports.items()),
        *kernels,
    ]


def _few(scale: Scale) -> int:
    return 1 if scale.processes == 1 else 3


def _import_ms(package: str) -> float:
    return float(child("imports", package)["ms"])


def _kernels(cache: Path) -> list[Figure]:
    compiled = child("kernels", ADMF_CACHE_DIR=str(cache))
    loaded = child("kernels", ADMF_CACHE_DIR=str(cache))
    first = compiled.pop("toolchain"), loaded.pop("toolchain")
    engines = [(name, compiled.pop(name), loaded.pop(name)) for name in ENGINES]
    return [
        Figure("start-up", "Numba imported, first driver compiled", first[0], "ms"),
        Figure("start-up", "LLVM ready, first driver loaded", first[1], "ms"),
        *(Figure("start-up", f"{name}, compiled", cold, "ms") for name, cold, _ in engines),
        *(Figure("start-up", f"{name}, loaded", warm, "ms") for name, _, warm in engines),
        *_spread("compile a kernel", compiled),
        *_spread("load a kernel", loaded),
    ]


def _spread(what: str, ms: dict[str, float]) -> list[Figure]:
    slowest = max(ms, key=lambda n: ms[n])
    return [
        Figure("start-up", f"{what}, median of {len(ms)}", statistics.median(ms.values()), "ms"),
        Figure("start-up", f"{what}, slowest ({slowest})", ms[slowest], "ms"),
    ]
