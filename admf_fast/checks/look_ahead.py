"""Look-ahead: what a bar led to must not depend on any later bar.

Every bar is computed twice: among later bars, and before the next bar is in memory at all. What
is the same in bits both times cannot have used a later bar, on any bar of the run; what differs
has. So there are no false alarms, and nothing is left to chance.

A source of bars is held to the same: what it gave of the past at some moment must be what it
gives of it later.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from admf_fast.checks.columns import first_unequal, in_blocks, one_by_one, shown
from admf_fast.checks.findings import Finding, plural
from admf_fast.config import Config
from admf_fast.data import BarBlock, concat_blocks, format_ts, open_bars
from admf_fast.runners.setup import Setup

NAME = "look-ahead"
BARS_MAX = 100_000
MOMENTS = 5

AsOf = Callable[[int], Iterable[BarBlock]]


def look_ahead(setup: Setup, bars: BarBlock) -> Iterator[Finding]:
    """Yield what of a run uses later bars: the first bar and value of each, features first."""
    looked = bars.slice(0, BARS_MAX)
    among, alone = in_blocks(setup, looked), one_by_one(setup, looked)
    found = []
    for name, a, b in zip(among.names, among.bits, alone.bits, strict=True):
        row = first_unequal(a, b)
        if row < len(looked):
            values = f"{shown(name, a[row])} with later bars, {shown(name, b[row])} without"
            when = f"bar {row} ({format_ts(looked.ts_ns[row])})"
            found.append((row, Finding(NAME, name, "failed", f"uses later bars: {when}: {values}")))
    program = setup.program(1)
    ready = program.ready_bars(program.reads)
    if not found and len(looked) < ready:
        text = f"{plural(len(looked), 'bar')} are too few: the strategy is ready on bar {ready}"
        yield Finding(NAME, "kernels", "note", text)
    elif not found:
        what = f"{plural(len(among.names), 'column')} of features, orders and state"
        text = f"none of {what} uses a later bar, on any of {len(looked):,} bars"
        yield Finding(NAME, "kernels", "ok", text)
    # A feature that looks ahead takes along whatever reads it.
    yield from (finding for _, finding in sorted(found, key=lambda f: f[0])[:SHOWN_MAX])


SHOWN_MAX = 5


def source_ahead(bars: BarBlock, as_of: AsOf) -> Iterator[Finding]:
    """Yield what a source said of the past at a moment and not later.

    ``as_of(ts_ns)`` gives the bars that were known at that moment; it may not give one that
    closes later, nor other values than `bars` has.
    """
    count = len(bars)
    known = sorted({count * k // MOMENTS for k in range(1, MOMENTS)} - {0})
    for cut in known:
        ts_ns = int(bars.ts_ns[cut - 1])
        early = concat_blocks(list(as_of(ts_ns)))
        if text := _early_difference(bars, cut, early):
            yield Finding(NAME, "source", "failed", f"asked at {format_ts(ts_ns)}, {text}")
            return
    text = f"gave the same bars of the past at {plural(len(known), 'moment')} as later"
    yield Finding(NAME, "source", "ok", text)


def _early_difference(bars: BarBlock, cut: int, early: BarBlock) -> str:
    """Return what of an early answer is not as it was later; nothing for none."""
    names = ("ts_ns", "open", "high", "low", "close", "volume")
    if len(early) > cut:
        return f"it gave a bar that closes later, at {format_ts(early.ts_ns[cut])}: not closed yet"
    if len(early) < cut:
        return f"it gave {len(early)} bars where later it has {cut}"
    firsts = [
        (first_unequal(np.asarray(a[:cut]).view(np.int64), np.asarray(b).view(np.int64)), k)
        for k, (a, b) in enumerate(zip(bars.columns(), early.columns(), strict=True))
    ]
    row, k = min(firsts)
    if row == cut:
        return ""
    old, new = early.columns()[k][row], bars.columns()[k][row]
    return f"{names[k]} of bar {row} ({format_ts(bars.ts_ns[row])}) was {old}, later it is {new}"


def as_of_file(config: Config) -> AsOf:
    """Return how the bars of a configuration's file are asked for at a moment."""

    def as_of(ts_ns: int) -> Iterable[BarBlock]:
        end = format_ts(ts_ns // 1000 * 1000 + 1000)  # of bars.end: microseconds, and exclusive
        spec = msgspec.structs.replace(config.bars, end=end)
        return open_bars(spec, base_dir=config_folder(config)).blocks()

    return as_of


def config_folder(config: Config) -> Path:
    """Return the folder that the paths of a configuration start at."""
    return Path(config.source.base_dir or ".")
