"""Input divergence: the bars a live run saw against the bars that were downloaded later."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from admf_fast.consistency.divergence import Divergence, Family, between, divergence_of
from admf_fast.consistency.picture import Words
from admf_fast.data import BarBlock
from admf_fast.data.block import VALUE_COLUMNS
from admf_fast.parity.compare import Log, first_difference
from admf_fast.runners.historical import run_historical
from admf_fast.runners.setup import Setup

PRICES = VALUE_COLUMNS[:-1]
PER = 10_000
NO_BAR = Words("no bar")


class InputDivergence(NamedTuple):
    """How two streams of bars differ; rates are per 10,000 bars that either has.

    `missing` bars were not seen live, `extra` ones are not in the history. `ticks_max` is the
    largest move of a price, in units of the price where no tick size is known.
    """

    bars: int
    changed: int
    missing: int
    extra: int
    ticks_max: float
    volume_changed: int
    first: Divergence | None

    @property
    def identical(self) -> bool:
        """Whether the streams are the same bits."""
        return self.changed == self.missing == self.extra == 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, with the rates."""
        per = PER / self.bars if self.bars else 0.0
        rates = {n: getattr(self, n) * per for n in ("changed", "missing", "extra")}
        first = self.first.to_json() if self.first else None
        return {**self._asdict(), "first": first, "per_10000_bars": rates}


class InputEffect(NamedTuple):
    """What other bars did to a run: the batch on both, compared. Money is in account currency."""

    identical: bool
    trades_seen: int
    trades_later: int
    equity_seen: float
    equity_later: float
    first: Divergence | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        first = self.first.to_json() if self.first else None
        return {**self._asdict(), "equity_change": self.equity_later - self.equity_seen,
                "first": first}  # fmt: skip


def input_divergence(
    seen: BarBlock, later: BarBlock, *, tick_size: float = 0.0, run: str = "inputs"
) -> InputDivergence:
    """Return how the bars that were seen live differ from those downloaded later.

    Bars are matched by the time of their close; a value differs if its bits do.
    """
    times = np.union1d(seen.ts_ns, later.ts_ns)
    ours, theirs = np.isin(times, seen.ts_ns), np.isin(times, later.ts_ns)
    a = seen.take(np.isin(seen.ts_ns, later.ts_ns))
    b = later.take(np.isin(later.ts_ns, seen.ts_ns))
    unequal = {n: _bits(getattr(a, n)) != _bits(getattr(b, n)) for n in VALUE_COLUMNS}
    changed = np.logical_or.reduce([*unequal.values()]) if len(a) else np.zeros(0, np.bool_)
    moves = [np.abs(getattr(a, n) - getattr(b, n)).max(initial=0.0) for n in PRICES]
    return InputDivergence(
        bars=len(times),
        changed=int(changed.sum()),
        missing=int((theirs & ~ours).sum()),
        extra=int((ours & ~theirs).sum()),
        ticks_max=float(max(moves)) / (tick_size or 1.0),
        volume_changed=int(unequal["volume"].sum()),
        first=_first(seen, later, run),
    )


def _bits(values: Any) -> Any:
    return values.view(np.int64)


def _first(seen: BarBlock, later: BarBlock, run: str) -> Divergence | None:
    """Return the first bar, and its first value, that differs; later bars are the expected ones."""
    count = min(len(seen), len(later))
    ours = np.stack([_bits(c)[:count] for c in seen.columns()])
    theirs = np.stack([_bits(c)[:count] for c in later.columns()])
    rows = np.flatnonzero((ours != theirs).any(axis=0))
    row = int(rows[0]) if len(rows) else count
    if row == count and len(seen) == len(later):
        return None
    if row < count and seen.ts_ns[row] == later.ts_ns[row]:
        column = int(np.flatnonzero(ours[:, row] != theirs[:, row])[0])
        name = ("ts_ns", *VALUE_COLUMNS)[column]
        place = ("bar", row, int(seen.ts_ns[row]), name)
        values = (float(getattr(b, name)[row]) for b in (later, seen))
        return between(Family.INPUT, run, place, *values)
    times = [int(b.ts_ns[row]) if row < len(b) else None for b in (later, seen)]
    first = min(t for t in times if t is not None)
    shown = [first if t == first else NO_BAR for t in times]
    return between(Family.INPUT, run, ("bar", row, first, "ts_ns"), *shown)


def input_effect(setup: Setup, seen: BarBlock, later: BarBlock) -> InputEffect:
    """Run the batch on both streams and return what the difference of the bars came to."""
    setup = replace(setup, features={})
    a, b = (run_historical(setup, [block]) for block in (seen, later))
    difference = first_difference("inputs", Log(b.tables, b.summary), Log(a.tables, a.summary))
    first = divergence_of(difference, Family.INPUT) if difference else None
    return InputEffect(
        first is None, a.summary.trades, b.summary.trades,
        a.summary.equity_final, b.summary.equity_final, first,
    )  # fmt: skip
