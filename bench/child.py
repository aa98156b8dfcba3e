"""What a fresh process measures about itself: ``python -m bench.child COMMAND``; prints JSON."""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Editions of the engine, by size.
ENGINES = ("the engine for market orders", "the engine with exits", "the engine with all parts")


def imports(package: str) -> dict[str, float]:
    """Return the time to import a package."""
    started = time.perf_counter()
    __import__(package)
    return {"ms": 1e3 * (time.perf_counter() - started)}


def kernels() -> dict[str, float]:
    """Return the time to get every driver: compiled, or loaded when the cache has it."""
    from admf_kernels import Indicator, Strategy, drivers, get, make_terms, names
    from admf_kernels.codegen.engine import Form
    from admf_kernels.execution.costs import standard_fee
    from admf_kernels.execution.uses import EDITIONS, no_size

    found = {"toolchain": _ms(drivers.execute_all)}
    for name, edition in zip(ENGINES, EDITIONS, strict=True):
        found[name] = _ms(partial(drivers.engine_for, edition, standard_fee, no_size))
    for name in names(Indicator):
        found[name] = _ms(partial(drivers.for_indicator, get(name), hashed=True))
    for name in names(Strategy):
        kernel: Any = get(name)
        reads = tuple(kernel.outputs_for(kernel.params()))
        form = Form(make_terms(requests=kernel.orders).uses)
        found[name] = _ms(partial(drivers.for_strategy, kernel, reads, form))
    return found


def memory(source: str, out: str) -> dict[str, float]:
    """Return the peak resident memory of this process after a run from file to directory."""
    from admf_fast.jobs import backtest
    from bench.bars import config_for

    backtest(config_for(Path(source)), out=Path(out))
    return {"peak_mib": _peak_kib() / 1024}


def _peak_kib() -> int:
    # getrusage's figure starts with what the parent had at the time of the exec.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status names no VmHWM")


def _ms(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - started)


def containers(name: str, count: str) -> dict[str, float]:
    """Return what hundreds of containers of a kind take over so many bars."""
    from bench.containers import side_by_side

    return side_by_side(name, int(count))


COMMANDS: dict[str, Callable[..., dict[str, float]]] = {
    "imports": imports,
    "kernels": kernels,
    "memory": memory,
    "containers": containers,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
