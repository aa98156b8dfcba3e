"""JSON lines as a source of bars, one block of one bar at a time; see `feeds.intake`."""

from collections.abc import Iterable, Iterator

import numpy as np

from admf_fast.data.block import BarBlock
from admf_fast.data.report import DataReport
from admf_fast.data.spec import BarSpec
from admf_fast.feeds.intake import Intake
from admf_fast.feeds.json_lines import read_json_lines
from admf_fast.feeds.replay import Bar


class LineSource:
    """Bars that arrive as JSON lines; see `feeds.json_lines` for their form."""

    rows_total: int | None = None

    def __init__(self, lines: Iterable[bytes], spec: BarSpec) -> None:
        self.spec = spec
        self._intake = Intake(spec)
        self.symbol = self._intake.symbol
        self.timeframe_ns = self._intake.timeframe_ns
        self._lines = lines

    def blocks(self) -> Iterator[BarBlock]:
        """Yield each closed bar as it arrives."""
        for bar in read_json_lines(self._lines, self.spec, self.spec.symbol):
            if self._intake.keeps(bar):
                yield one_bar(bar)
                self._intake.count(bar[0])
        self._intake.complete = True

    def report(self) -> DataReport:
        """Return what has arrived so far."""
        return self._intake.report()


def one_bar(bar: Bar) -> BarBlock:
    """Return a block of one bar."""
    ts_ns, *values = bar
    return BarBlock(np.array([ts_ns], np.int64), *(np.array([value]) for value in values))
