"""JSON lines as a source of bars, held to the declarations of `bars` as a file is.

Of these, `timeframe`, `stamp`, `symbol`, `off_grid` and `duplicates` apply; whatever else is wrong
with a line is refused. `gaps`, `start`, `end` and what describes files do not apply.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from admf_fast.config.feed import FeedSpec
from admf_fast.data.block import BarBlock
from admf_fast.data.report import DataReport
from admf_fast.data.spec import BarSpec
from admf_fast.errors import BarError
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Ruling

# As strict as a file: the first fault ends it, nothing is waited for, nothing is judged.
STRICT = FeedSpec(
    gaps="mark", wait_bars=0, duplicates="refuse", conflicts="refuse", late="refuse",
    malformed_per_minute=0, implausible="keep", repeated_bars=0, stale_bars=0,
)  # fmt: skip


def strict_guard(instruments: Sequence[BarSpec]) -> FeedGuard:
    """Return a guard that refuses what a file is refused for."""
    return FeedGuard(instruments, STRICT, realtime=False)


def guarded(lines: Iterable[bytes], guard: FeedGuard) -> Iterator[list[tuple[str, Bar]]]:
    """Yield the bars of each moment with their symbols; BarError for what is refused."""
    for line in lines:
        yield from _moments(guard.take(line, 0, 0))
    yield from _moments(guard.finish(0, 0))


def _moments(rulings: list[Ruling]) -> Iterator[list[tuple[str, Bar]]]:
    moment: list[tuple[str, Bar]] = []
    for ruling in rulings:
        bar = ruling.bar
        if ruling.action == "process" and bar is not None:
            if moment and moment[0][1][0] != bar[0]:
                yield moment
                moment = []
            moment.append((ruling.symbol, bar))
    if moment:
        yield moment
    for ruling in rulings:
        if ruling.action == "refuse":
            raise BarError(ruling.text)


class LineSource:
    """Bars that arrive as JSON lines; see `feeds.json_lines` for their form."""

    rows_total: int | None = None

    def __init__(self, lines: Iterable[bytes], spec: BarSpec) -> None:
        self.spec = spec
        self._guard = strict_guard([spec])
        self.symbol = self._guard.symbols[0]
        self.timeframe_ns = self.report().timeframe_ns
        self._lines = lines

    def blocks(self) -> Iterator[BarBlock]:
        """Yield each closed bar as it arrives."""
        for ((_, bar),) in guarded(self._lines, self._guard):
            yield one_bar(bar)

    def report(self) -> DataReport:
        """Return what has arrived so far."""
        return self._guard.reports()[0]


def one_bar(bar: Bar) -> BarBlock:
    """Return a block of one bar."""
    ts_ns, *values = bar
    return BarBlock(np.array([ts_ns], np.int64), *(np.array([value]) for value in values))
