"""JSON lines of several instruments as a panel, one block of one moment at a time.

Bars of one time may come in any order. A moment is over when every instrument has its bar, when
a bar of a later time arrives, or when the input ends: a bar of an earlier time is then too late.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from admf_fast.data import BarDigest, BarSpec, DataReport, PanelBlock
from admf_fast.data.block import concat_blocks
from admf_fast.data.panel import digest_of
from admf_fast.errors import BarError, ConfigError
from admf_fast.feeds.intake import Intake
from admf_fast.feeds.json_lines import read_symbol_lines
from admf_fast.feeds.line_source import one_bar
from admf_fast.feeds.replay import Bar


class PanelLines:
    """Bars of several instruments that arrive as JSON lines, each with its symbol.

    Parameters
    ----------
    lines
        See `feeds.json_lines` for their form.
    specs
        One per instrument, in order, each with another symbol; see `feeds.intake` for what
        applies of them.
    """

    rows_total: int | None = None

    def __init__(self, lines: Iterable[bytes], specs: Sequence[BarSpec]) -> None:
        self._lines = lines
        self._specs = {spec.symbol: spec for spec in specs}
        if len(self._specs) < len(specs) or "" in self._specs:
            found = ", ".join(spec.symbol or "nothing" for spec in specs)
            raise ConfigError(f"bars.symbol: expected one symbol per instrument, found {found}")
        self.symbols = tuple(self._specs)
        self._intakes = [Intake(spec) for spec in specs]
        self._digests = [BarDigest() for _ in specs]

    def blocks(self) -> Iterator[PanelBlock]:
        """Yield the bars of each moment as soon as it is over.

        Raises BarError naming the line for one that is no closed bar of an instrument, too late,
        or there twice.
        """
        for ts_ns, bars in self._moments():
            panel = self._panel(ts_ns, bars)
            for digest, block in zip(self._digests, panel.blocks, strict=True):
                digest.update(block)
            yield panel
            for k in bars:
                self._intakes[k].count(ts_ns)
        for intake in self._intakes:
            intake.complete = True

    def _moments(self) -> Iterator[tuple[int, dict[int, Bar]]]:
        """Yield the bars of each moment by instrument."""
        ts_ns, bars = -1, dict[int, Bar]()
        for number, symbol, bar in read_symbol_lines(self._lines, self._specs):
            k = self.symbols.index(symbol)
            place = f"line {number}: {symbol}"
            if not self._keeps(k, bar, place):
                continue
            if bar[0] < ts_ns:
                raise BarError(
                    f"{place}: bar at ts_ns {bar[0]}: expected {ts_ns} or later, the last time of "
                    "all instruments; the bar was not taken"
                )
            if bar[0] == ts_ns and (k in bars or not bars):  # none left: all had theirs
                raise BarError(
                    f"{place}: bar at ts_ns {bar[0]}: expected one bar, found a second; "
                    "the bar was not taken"
                )
            if bar[0] > ts_ns and bars:
                yield ts_ns, bars
                bars = {}
            ts_ns = bar[0]
            bars[k] = bar
            if len(bars) == len(self.symbols):
                yield ts_ns, bars
                bars = {}
        if bars:
            yield ts_ns, bars

    def _keeps(self, k: int, bar: Bar, place: str) -> bool:
        try:
            return self._intakes[k].keeps(bar)
        except BarError as error:
            raise BarError(f"{place}: {error}") from None

    def reports(self) -> tuple[DataReport, ...]:
        """Return what has arrived so far of each instrument."""
        return tuple(intake.report() for intake in self._intakes)

    def digests(self) -> tuple[str, ...]:
        """Return the digest of the bars of each instrument so far."""
        return tuple(digest.hexdigest() for digest in self._digests)

    def digest(self) -> str:
        """Return one digest of all of them, in order."""
        return digest_of(self.digests())

    def _panel(self, ts_ns: int, bars: dict[int, Bar]) -> PanelBlock:
        there = [k in bars for k in range(len(self.symbols))]
        blocks = [one_bar(bars[k]) if found else concat_blocks([]) for k, found in enumerate(there)]
        rows = np.array([[0 if found else -1] for found in there], np.int64)
        moments_ns = np.array([ts_ns], np.int64)
        for values in (moments_ns, rows):
            values.setflags(write=False)
        return PanelBlock(moments_ns, tuple(blocks), rows)
