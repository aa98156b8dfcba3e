"""JSON lines of several instruments as a panel, one block of one moment at a time.

Bars of one time may come in any order. A moment is over when every instrument has its bar, when
a bar of a later time arrives, or when the input ends: a bar of its time is then too late.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from admf_fast.data import BarDigest, BarSpec, DataReport, PanelBlock
from admf_fast.data.block import concat_blocks
from admf_fast.data.panel import digest_of
from admf_fast.feeds.line_source import guarded, one_bar, strict_guard
from admf_fast.feeds.replay import Bar


class PanelLines:
    """Bars of several instruments that arrive as JSON lines, each with its symbol.

    Parameters
    ----------
    lines
        See `feeds.json_lines` for their form.
    specs
        One per instrument, in order, each with another symbol; see `feeds.line_source` for
        what applies of them.
    """

    rows_total: int | None = None

    def __init__(self, lines: Iterable[bytes], specs: Sequence[BarSpec]) -> None:
        self._lines = lines
        self._guard = strict_guard(specs)
        self.symbols = self._guard.symbols
        self._digests = [BarDigest() for _ in specs]

    def blocks(self) -> Iterator[PanelBlock]:
        """Yield the bars of each moment as soon as it is over.

        Raises BarError naming the line for one that is no closed bar of an instrument, too late,
        or there twice.
        """
        for moment in guarded(self._lines, self._guard):
            bars = {self.symbols.index(symbol): bar for symbol, bar in moment}
            panel = self._panel(moment[0][1][0], bars)
            for digest, block in zip(self._digests, panel.blocks, strict=True):
                digest.update(block)
            yield panel

    def reports(self) -> tuple[DataReport, ...]:
        """Return what has arrived so far of each instrument."""
        return self._guard.reports()

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
