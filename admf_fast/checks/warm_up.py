"""Warm-up: how many bars of history a start in the middle needs until nothing differs in bits."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from admf_fast.checks.columns import Columns, in_blocks
from admf_fast.checks.findings import Finding, plural
from admf_fast.data import BarBlock
from admf_fast.runners.setup import Setup
from admf_kernels.contract import Output
from admf_kernels.program import Program

NAME = "warm-up"
BARS_MAX = 100_000
STARTS = 6
ENDING_BARS = 50
FACTORS = (1, 2, 4, 8, 16)  # of the declared warm-up, as lengths of history


class Start(NamedTuple):
    """A run that began on a later bar, and the rows of the whole run beside it."""

    bar: int
    late: Columns
    whole: Columns


def warm_up(setup: Setup, bars: BarBlock) -> Iterator[Finding]:
    """Yield for each feature after how many bars its values agree with those of an early start,
    and which signals a shorter history would have changed.
    """
    looked = bars.slice(0, BARS_MAX)
    program = setup.program(1)
    ready = program.ready_bars(program.reads)
    starts = _starts(setup, looked, ready)
    if not starts:
        text = f"{plural(len(looked), 'bar')} are too few to start in the middle of them"
        yield Finding(NAME, "features", "note", text)
        return
    declared = {
        name: program.plan.ready_bars(output)
        for name, output in zip(starts[0].whole.names, _outputs_of(program), strict=False)
    }
    waits = any(program.plan.waits(output) for output in _outputs_of(program))
    for name in starts[0].whole.feature_names():
        yield _feature(name, declared[name], starts, waits=waits)
    yield _signals(starts, ready)


def _outputs_of(program: Program) -> list[Output]:
    features = program.plan.features
    return [Output(f, k) for f in features for k in range(len(f.indicator.outputs))]


def _starts(setup: Setup, bars: BarBlock, ready: int) -> list[Start]:
    """Return runs from some bars of the first half, each with enough bars after it."""
    count = len(bars)
    chosen = sorted({count * k // (2 * STARTS) for k in range(1, STARTS + 1)} - {0})
    chosen = [bar for bar in chosen if count - bar >= 2 * ready]
    if not chosen:
        return []
    whole = in_blocks(setup, bars)
    made = []
    for bar in chosen:
        rows = whole._replace(bits=whole.bits[:, bar:])
        made.append(Start(bar, in_blocks(setup, bars.slice(bar, count)), rows))
    return made


def agrees_after(late: np.ndarray, whole: np.ndarray) -> int | None:
    """Return after how many bars two rows agree to the end; None if they do not at the end."""
    unequal = np.flatnonzero(late != whole)
    if not len(unequal):
        return 0
    return None if unequal[-1] == len(late) - 1 else int(unequal[-1]) + 1


def _feature(name: str, declared: int, starts: list[Start], *, waits: bool) -> Finding:
    said = f"declared {plural(declared, 'bar')}"
    empty = _missing(name, declared, starts)
    if empty is not None and not waits:
        text = f"{said}, but {plural(empty, 'bar')} after a start there is no number yet"
        return Finding(NAME, name, "failed", text)
    found = [_agrees_after(name, start) for start in starts]
    known = [bars for bars in found if bars is not None]
    gap = _relative(name, starts, declared - 1)
    off = f", off by up to {gap:.0e} of the value after them" if gap else ""
    if len(known) == len(found):
        text = f"{said}{off}; the same bits after {max(known):,}"
        return Finding(NAME, name, "ok", text)
    last = _relative(name, starts, -ENDING_BARS)
    text = (
        f"{said}{off}, by {last:.0e} at the end: {len(found) - len(known)} of {len(found)} starts"
    )
    return Finding(NAME, name, "ok", text)


def _agrees_after(name: str, start: Start) -> int | None:
    """Return after how many bars values agree to the end, and the state behind them then."""
    label = start.late.label_of(name)
    if start.late.final.get(label) != start.whole.final.get(label):
        return None
    return agrees_after(start.late.of(name), start.whole.of(name))


def _missing(name: str, declared: int, starts: list[Start]) -> int | None:
    """Return the first bar from the declared one on without a number, counted from the start."""
    for start in starts:
        values = start.late.of(name).view(np.float64)
        empty = np.flatnonzero(np.isnan(values[declared - 1 :]))
        if len(empty):
            return declared + int(empty[0])
    return None


def _relative(name: str, starts: list[Start], first: int) -> float:
    """Return how far values are apart from a row on, relative to the larger one."""
    worst = 0.0
    for start in starts:
        a, b = (c.of(name).view(np.float64)[first:] for c in (start.late, start.whole))
        size = np.maximum(np.abs(a), np.abs(b))
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = np.nan_to_num(np.where(size > 0.0, np.abs(a - b) / size, 0.0))
        worst = max(worst, float(apart.max(initial=0.0)))
    return worst


def _signals(starts: list[Start], ready: int) -> Finding:
    """Say which signals a start with the declared history changes, and what changes none."""
    lengths = [ready * factor for factor in FACTORS]
    changed = [_changed(starts, length) for length in lengths]
    total = sum(max(0, len(s.late.of("signal")) - ready + 1) for s in starts)
    if changed[0] == 0:
        text = f"{plural(ready, 'bar')} of history change none of {total:,} signals"
        return Finding(NAME, "signals", "ok", text)
    enough = next((n for n, count in zip(lengths, changed, strict=True) if count == 0), None)
    remedy = (
        f"{enough:,} bars of history change none"
        if enough
        else f"{lengths[-1]:,} bars still change {changed[-1]:,}; start from a saved state"
    )
    text = (
        f"{plural(ready, 'bar')} of history, as declared, change {changed[0]:,} of {total:,} "
        f"signals after them; {remedy}"
    )
    return Finding(NAME, "signals", "warning", text)


def _changed(starts: list[Start], history: int) -> int:
    """Return how many signals differ after so many bars of history, over all starts."""
    differ = 0
    for start in starts:
        late, whole = (c.of("signal")[history - 1 :] for c in (start.late, start.whole))
        differ += int(np.count_nonzero(late != whole))
    return differ
