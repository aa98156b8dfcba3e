"""Bars as events: by block for a backtest, one by one for live."""

from collections.abc import Iterable, Iterator

from admf_fast.data import BarBlock, BarSource
from admf_fast.events import BarEvent, BarsEvent, Event
from admf_fast.feeds.replay import replay

SOURCE = "feed"


def block_events(source: BarSource) -> Iterator[Event]:
    """Yield the bars of a source as one event per block."""
    return events_of_blocks(source.blocks(), source.symbol)


def bar_events(source: BarSource) -> Iterator[Event]:
    """Yield the bars of a source as one event per bar."""
    return events_of_bars(source.blocks(), source.symbol)


def events_of_blocks(blocks: Iterable[BarBlock], symbol: str) -> Iterator[Event]:
    """Yield one BarsEvent a block; none for a block without bars."""
    for block in blocks:
        if len(block):
            ts_ns = int(block.ts_ns[-1])
            yield BarsEvent(source=SOURCE, symbol=symbol, ts_ns=ts_ns, sequence=0, block=block)


def events_of_bars(blocks: Iterable[BarBlock], symbol: str) -> Iterator[Event]:
    """Yield one BarEvent a bar."""
    for ts_ns, open_, high, low, close, volume in replay(blocks):
        yield BarEvent(
            source=SOURCE, symbol=symbol, ts_ns=ts_ns, sequence=0,
            open=open_, high=high, low=low, close=close, volume=volume,
        )  # fmt: skip
