"""The ways of running the same bars; each returns the log it left."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from admf_fast.data import BarBlock
from admf_fast.feeds import replay
from admf_fast.parity.compare import Log
from admf_fast.runners.historical import HistoricalRunner, Progress, run_historical
from admf_fast.runners.live import run_live
from admf_fast.runners.setup import Setup
from admf_kernels.errors import KernelError
from admf_kernels.lane_program import LaneProgram
from admf_kernels.layout import fields_of
from admf_kernels.parameters import Between, range_of

BLOCK_SIZES = (1, 2, 3, 5, 7, 64, 100, 1000, 4096, 8192)


def one_block(setup: Setup, bars: BarBlock, progress: Progress | None = None) -> Log:
    """Historical, all bars in one block."""
    result = run_historical(setup, [bars], block_bars=max(1, len(bars)), progress=progress)
    return Log(result.tables, result.summary)


def random_blocks(setup: Setup, bars: BarBlock, seed: int, progress: Progress | None = None) -> Log:
    """Historical, cut anywhere."""
    blocks = (bars.slice(a, b) for a, b in random_cuts(len(bars), seed))
    result = run_historical(setup, blocks, progress=progress)
    return Log(result.tables, result.summary)


def random_cuts(count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield consecutive ranges of random sizes, small ones included, that cover `count`."""
    random = np.random.Generator(np.random.Philox(seed))
    first = 0
    while first < count:
        size = int(random.integers(1, 1 + BLOCK_SIZES[random.integers(len(BLOCK_SIZES))]))
        # Tiny cuts all the way would take minutes on long data.
        size = size if first < 20_000 else size + 4096
        yield first, min(count, first + size)
        first += size


def bar_by_bar(setup: Setup, bars: BarBlock, progress: Progress | None = None) -> Log:
    """Live: one closed bar at a time."""
    result = run_live(setup, replay([bars]), progress=progress)
    return Log(result.tables, result.summary)


def lane(setup: Setup, bars: BarBlock, seed: int, progress: Progress | None = None) -> Log:
    """One lane of the sweep driver, among lanes with other parameters.

    What it leaves on every bar is compared as that of any run. A twin beside it leaves nothing on
    the way, as the lanes of a sweep do, which take their bars eight at a time: all its state must
    be the same at the end, or KernelError.
    """
    sets, tap = neighbours(setup, seed)
    program = LaneProgram(
        setup.strategy, [*sets, setup.params], setup.terms, inputs=setup.inputs, tap=tap,
        clock=setup.clock, actions=setup.actions,
    )  # fmt: skip
    runner = HistoricalRunner(replace(setup, features={}), program=program)
    for first in range(0, len(bars), LANE_BARS):
        runner.feed(bars.slice(first, first + LANE_BARS))
        if progress:
            progress(min(LANE_BARS, len(bars) - first))
    result = runner.finish()
    apart = program.differing(tap, len(sets))
    if apart:
        raise KernelError(
            f"two lanes with equal parameters differ after {len(bars)} bars in {', '.join(apart)}: "
            "the driver of sweeps is wrong; report it with this configuration"
        )
    return Log(result.tables, result.summary)


LANE_BARS = 65_536
LANES = 64  # that run beside each other


def neighbours(setup: Setup, seed: int) -> tuple[list[Any], int]:
    """Return parameter sets around the configured one, and where among them it stands."""
    random = np.random.Generator(np.random.Philox(seed))
    found = [other for _ in range(4 * LANES) if (other := _near(setup, random)) is not None]
    sets = found[: LANES - 1]
    tap = int(random.integers(0, len(sets) + 1))
    return [*sets[:tap], setup.params, *sets[tap:]], tap


def _near(setup: Setup, random: np.random.Generator) -> Any:
    """Return parameters within a third of the configured ones, or None if a rule is broken."""
    values = {}
    for field, value in zip(fields_of(setup.strategy.params), setup.params, strict=True):
        limits = range_of(field) or Between(-1e18, 1e18)
        if field.kind == "bool":
            values[field.name] = value
            continue
        moved = value * (1.0 + random.uniform(-1.0, 1.0) / 3.0)
        moved = min(max(moved, limits.low), limits.high)
        values[field.name] = round(moved) if field.kind == "int" else moved
    try:
        return setup.strategy.checked(**values)
    except KernelError:
        return None
