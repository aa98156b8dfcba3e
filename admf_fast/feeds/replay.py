"""A replay: the bars of a file, one closed bar at a time."""

from collections.abc import Iterable, Iterator

from admf_fast.data.block import BarBlock

# ts_ns (close, UTC), open, high, low, close, volume
Bar = tuple[int, float, float, float, float, float]


def replay(blocks: Iterable[BarBlock]) -> Iterator[Bar]:
    """Yield every bar of `blocks` as Python numbers, in order."""
    for block in blocks:
        yield from zip(*(column.tolist() for column in block.columns()), strict=True)
