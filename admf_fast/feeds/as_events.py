"""The bars of a source as events: by block for a backtest, one by one for live."""

from collections.abc import Iterator

from admf_fast.data import BarSource
from admf_fast.events import BarEvent, BarsEvent
from admf_fast.feeds.replay import replay

SOURCE = "feed"
NAMES = ("ts_ns", "open", "high", "low", "close", "volume")


def block_events(source: BarSource) -> Iterator[BarsEvent]:
    """Yield the bars of a source as one event per block."""
    for block in source.blocks():
        ts_ns = int(block.ts_ns[-1])
        yield BarsEvent(source=SOURCE, symbol=source.symbol, ts_ns=ts_ns, sequence=0, block=block)


def bar_events(source: BarSource) -> Iterator[BarEvent]:
    """Yield the bars of a source as one event per bar."""
    for bar in replay(source.blocks()):
        values = dict(zip(NAMES, bar, strict=True))
        yield BarEvent(source=SOURCE, symbol=source.symbol, sequence=0, **values)  # type: ignore[arg-type]
