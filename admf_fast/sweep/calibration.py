"""How fast this core is with these sets: a few milliseconds of the sweep itself."""

import itertools
import time
from collections.abc import Sequence
from typing import Any

from admf_fast.data import BarBlock
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.lanes import LaneRun
from admf_fast.sweep.variants import Variants
from admf_kernels.errors import KernelError

SETS, BARS, ROUNDS = 64, 4096, 5


def calibrated(variants: Variants, sets: Sequence[Sequence[Any]], bars: Bars) -> float | None:
    """Return ns per bar and set of one core; None if none can run."""
    some = sets[:: max(1, len(sets) // SETS)][:SETS]
    chosen = [variants.at(values, bars.symbol) for values in some]
    ready = [variant for variant in chosen if variant.setup is not None]
    alike = [variant for variant in ready if variant.kind == ready[0].kind]
    block = next(iter(bars.blocks()), None)
    if not alike or block is None or not len(block):
        return None
    # What a call costs besides is shared by many sets in a sweep, and by as many here.
    lanes = list(itertools.islice(itertools.cycle(alike), SETS))
    piece = block.slice(0, BARS)
    try:
        best_s = min(
            _fed_s(LaneRun(lanes, playback=variants.playback(bars.symbol)), piece)
            for _ in range(ROUNDS)
        )
    except KernelError:
        return None
    return 1e9 * best_s / (len(piece) * SETS)


def compile_for(variants: Variants, sets: Sequence[Sequence[Any]], symbol: str) -> None:
    """Compile what the first set needs, before many processes would each do it; run nothing."""
    variant = variants.at(sets[0], symbol)
    if variant.setup is not None:
        LaneRun([variant], playback=variants.playback(symbol))


def _fed_s(run: LaneRun, piece: BarBlock) -> float:
    started = time.perf_counter()
    for _ in run.feed(piece):
        pass
    return time.perf_counter() - started
