"""The cost of a sweep that is not run: `scaling` with its sets, bars and speed."""

from dataclasses import asdict, dataclass
from typing import Any

from admf_fast.config import Config
from admf_fast.sweep.bars import open_inputs
from admf_fast.sweep.calibration import calibrated
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.replaying import variants_of
from admf_fast.sweep.scaling import DASK, THREADS, Costs, Estimate, estimate, thread_chunk_sets

THREADS_SHOWN, CORES_SHOWN = (1, 2), (1, 2, 10, 100, 1000)


@dataclass(frozen=True, slots=True)
class Estimated:
    """A sweep's sets and bars, what one costs here, and what all take on ever more cores."""

    sets: int
    inputs: int
    bars: int
    bar_set_ns: float
    threads: tuple[Estimate, ...]
    dask: tuple[Estimate, ...]


def estimated(config: Config) -> Estimated:
    """Read the bars once, run some sets for a few milliseconds, and estimate the rest.

    Raises ConfigError, DataError.
    """
    space = space_of(config)
    variants = variants_of(config, space)
    inputs = open_inputs(config, bars_kept=0)
    sets, bars = space.sets(), [one.count for one in inputs]
    measured_ns = calibrated(space, variants, sets, inputs[0])

    def costs(typical: Costs) -> Costs:
        return typical if measured_ns is None else typical._replace(bar_set_ns=measured_ns)

    ns = costs(THREADS).bar_set_ns
    here = tuple(
        estimate(
            len(sets), bars, cores, costs(THREADS), thread_chunk_sets(len(sets), len(bars), cores)
        )
        for cores in THREADS_SHOWN
    )
    there = tuple(estimate(len(sets), bars, cores, costs(DASK)) for cores in CORES_SHOWN)
    return Estimated(len(sets), len(inputs), sum(bars), ns, here, there)


def estimated_json(found: Estimated) -> dict[str, Any]:
    """Return an estimate as plain data."""

    def plain(one: Estimate) -> dict[str, Any]:
        said = {"seconds": one.seconds, "efficiency": one.efficiency, "limit": one.limit}
        return asdict(one) | said

    return {
        "sets": found.sets,
        "inputs": found.inputs,
        "bars": found.bars,
        "bar_set_ns": found.bar_set_ns,
        "threads": [plain(one) for one in found.threads],
        "dask": [plain(one) for one in found.dask],
    }


def estimated_lines(found: Estimated) -> list[str]:
    """Return an estimate as text."""
    lines = [
        f"{found.sets:,} sets on {found.inputs} inputs ({found.bars:,} bars), "
        f"{found.bar_set_ns:.1f} ns per bar and set on one core here",
        f"{'engine':<8}{'cores':>6}{'chunk':>7}{'tasks':>9}{'read GB':>10}{'written':>9}"
        f"{'seconds':>12}{'used':>6}  limit",
    ]
    for name, rows in (("threads", found.threads), ("dask", found.dask)):
        lines += [f"{name:<8}{_line(one)}" for one in rows]
    return lines


def _line(one: Estimate) -> str:
    return (
        f"{one.cores:>6,}{one.chunk_sets:>7,}{one.tasks:>9,}{one.bytes_read / 1e9:>10,.2f}"
        f"{one.bytes_written / 1e9:>9,.2f}{one.seconds:>12,.1f}{one.efficiency:>6.0%}"
        f"  {one.limit}"
    )
