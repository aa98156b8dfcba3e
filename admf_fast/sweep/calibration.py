"""How fast this core is with these sets: a few milliseconds of the sweep itself."""

import itertools
import time
from collections.abc import Sequence
from typing import Any

from admf_fast.data import BarBlock
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.lanes import LaneRun
from admf_fast.sweep.scaling import CHUNK_SETS
from admf_fast.sweep.space import Space
from admf_fast.sweep.tiles import tiles_of
from admf_fast.sweep.variants import Variant, Variants
from admf_kernels.errors import KernelError
from admf_kernels.lane_program import LaneProgram

LEAST_SETS, BARS, ROUNDS = 64, 4096, 5


def calibrated(
    space: Space, variants: Variants, sets: Sequence[Sequence[Any]], bars: Bars
) -> float | None:
    """Return ns per bar and set of one core; None if none can run.

    Of the sets of one chunk, on bars before which as many have gone by.
    """
    alike = _some_alike(space, variants, sets, bars.symbol)
    block = next(iter(bars.blocks()), None)
    if not alike or block is None or not len(block):
        return None
    # What a call costs besides is shared by many sets in a sweep, and by as many here.
    lanes = list(itertools.islice(itertools.cycle(alike), max(LEAST_SETS, len(alike))))
    half = min(BARS, len(block) // 2)
    before, piece = block.slice(0, half), block.slice(half, 2 * half or 1)
    try:
        best_s = min(
            _fed_s(LaneRun(lanes, playback=variants.playback(bars.symbol)), before, piece)
            for _ in range(ROUNDS)
        )
    except KernelError:
        return None
    return 1e9 * best_s / (len(piece) * len(lanes))


def _some_alike(
    space: Space, variants: Variants, sets: Sequence[Sequence[Any]], symbol: str
) -> list[Variant]:
    """Return the sets of one chunk that can be run together, of one near the middle."""
    tiles = tiles_of(space, sets, variants, CHUNK_SETS)
    for k in sorted(range(len(tiles)), key=lambda k: abs(k - len(tiles) // 2)):
        chosen = [variants.at(sets[number], symbol) for number in tiles[k]]
        ready = [variant for variant in chosen if variant.setup is not None]
        if ready:
            return [variant for variant in ready if variant.kind == ready[0].kind]
    return []


def compile_for(variants: Variants, sets: Sequence[Sequence[Any]], symbol: str) -> None:
    """Compile what the first set needs, before many processes would each do it; run nothing."""
    variant = variants.at(sets[0], symbol)
    if variant.setup is not None:
        LaneRun([variant], playback=variants.playback(symbol))


def compile_base(variants: Variants) -> None:
    """Compile what the configuration needs as it is; KernelError where that cannot be done.

    What is wrong with every set is then said once, and not found in one set after the other.
    """
    base = variants.base
    LaneProgram(
        base.strategy, [base.params], base.terms, inputs=base.inputs, tap=None,
        keep=("signals",), block_bars=1, hashed=False, clock=base.clock, actions=base.actions,
    )  # fmt: skip


def _fed_s(run: LaneRun, before: BarBlock, piece: BarBlock) -> float:
    """Return how long a run takes over bars; those before are not counted."""
    for _ in run.feed(before):
        pass
    started = time.perf_counter()
    for _ in run.feed(piece):
        pass
    return time.perf_counter() - started
