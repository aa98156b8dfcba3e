"""A replay: the bars of files, one closed bar or one moment at a time."""

from collections.abc import Iterable, Iterator

from admf_fast.data.block import BarBlock
from admf_fast.data.panel import PanelBlock

# ts_ns (close, UTC), open, high, low, close, volume
Bar = tuple[int, float, float, float, float, float]
# open, high, low, close, volume
Values = tuple[float, float, float, float, float]
# ts_ns (close, UTC), and the bars then by number of the instrument, in order
Moment = tuple[int, dict[int, Values]]


def replay(blocks: Iterable[BarBlock]) -> Iterator[Bar]:
    """Yield every bar of `blocks` as Python numbers, in order."""
    for block in blocks:
        yield from zip(*(column.tolist() for column in block.columns()), strict=True)


def replay_panel(panels: Iterable[PanelBlock]) -> Iterator[Moment]:
    """Yield every moment of `panels` as Python numbers, in order."""
    for panel in panels:
        values = [
            list(zip(*(column.tolist() for column in block.columns()[1:]), strict=True))
            for block in panel.blocks
        ]
        for ts_ns, rows in zip(panel.ts_ns.tolist(), panel.rows.T.tolist(), strict=True):
            yield ts_ns, {k: values[k][row] for k, row in enumerate(rows) if row >= 0}
