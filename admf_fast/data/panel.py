"""Bars of several instruments side by side, moment by moment, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import xxhash

from admf_fast.data.block import BarBlock, concat_blocks
from admf_fast.data.digest import BarDigest
from admf_fast.data.source import BarSource, blocks_of_some
from admf_fast.errors import AdmfError, ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from admf_fast.data.report import DataReport

MOMENTS_MAX: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class PanelBlock:
    """Consecutive moments, each a time at which at least one instrument has a bar.

    Attributes
    ----------
    ts_ns : int64[moments]
        UTC nanoseconds of each moment, the close of its bars, strictly increasing.
    blocks : tuple of BarBlock
        One per instrument: its bars within these moments, in order; may have none.
    rows : int64[instruments, moments]
        Where the bar of an instrument at a moment is in its block; -1 where it has none.

    `ts_ns` and `rows` are C-contiguous and read-only.
    """

    ts_ns: NDArray[np.int64]
    blocks: tuple[BarBlock, ...]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ts_ns)

    @property
    def bars(self) -> int:
        """How many bars there are, of all instruments."""
        return sum(len(block) for block in self.blocks)

    def slice(self, start: int, stop: int) -> PanelBlock:
        """Return the moments [start, stop), bars as views; bounds are those of a Python slice."""
        start, stop, _ = slice(start, stop).indices(len(self))
        ts_ns = self.ts_ns[start : max(start, stop)]
        cuts = [_span(block.ts_ns, ts_ns) for block in self.blocks]
        rows = np.ascontiguousarray(self.rows[:, start : start + len(ts_ns)])
        first = np.array([cut[0] for cut in cuts], np.int64).reshape(-1, 1)
        if first.any():
            rows = np.maximum(rows - first, -1)  # what has no row stays below all others
        blocks = (block.slice(*cut) for block, cut in zip(self.blocks, cuts, strict=True))
        return PanelBlock(ts_ns, tuple(blocks), _read_only(rows))


def concat_panels(panels: Sequence[PanelBlock]) -> PanelBlock:
    """Return consecutive moments of one or more panels as one, copied."""
    legs = [[panel.blocks[k] for panel in panels] for k in range(len(panels[0].blocks))]
    rows, first = [], np.zeros((len(legs), 1), np.int64)
    for panel in panels:
        rows.append(np.where(panel.rows < 0, panel.rows, panel.rows + first))
        first = first + np.array([[len(block)] for block in panel.blocks], np.int64)
    return PanelBlock(
        _read_only(np.concatenate([panel.ts_ns for panel in panels])),
        tuple(concat_blocks(blocks) for blocks in legs),
        _read_only(np.ascontiguousarray(np.concatenate(rows, axis=1))),
    )


def merge_blocks(
    streams: Sequence[Iterator[BarBlock]], *, moments_max: int = MOMENTS_MAX
) -> Iterator[PanelBlock]:
    """Yield the bars of several streams side by side, in blocks of 1 to `moments_max` moments.

    Each stream is consecutive bars, of any timeframe. How they are cut into blocks changes how
    the moments are cut, and nothing else. Of each stream at most one block is held, besides
    what the last panel refers to.
    """
    merge = _Merge([_Cursor(blocks) for blocks in streams], moments_max)
    while (pieces := merge.take()) is not None:
        yield from merge.panels(pieces)


class Panel(Protocol):
    """Bars of several instruments side by side, from files or as they arrive.

    Attributes
    ----------
    symbols : tuple of str
        Of the instruments, in order, each another.
    rows_total : int, optional
        Rows to be read, of all instruments, when known up front; for progress.
    """

    symbols: tuple[str, ...]
    rows_total: int | None

    def blocks(self) -> Iterator[PanelBlock]:
        """Yield the bars in order."""
        ...

    def reports(self) -> tuple[DataReport, ...]:
        """Return what the last pass has read so far of each instrument."""
        ...

    def digests(self) -> tuple[str, ...]:
        """Return the digest of the bars of each instrument; final when the pass is over."""
        ...

    def digest(self) -> str:
        """Return one digest of all of them, in order; symbols are no part of it."""
        ...


class PanelSource:
    """Validated bars of several instruments side by side, each from a source of its own.

    Attributes
    ----------
    sources : tuple of BarSource
        In the order of the instruments.
    symbols : tuple of str
        Of the instruments, each another.
    rows_total : int, optional
        Rows to be read, of all instruments, when known up front; for progress.
    """

    def __init__(self, sources: Sequence[BarSource]) -> None:
        self.sources = tuple(sources)
        self.symbols = tuple(source.symbol for source in sources)
        for symbol in self.symbols:
            if self.symbols.count(symbol) > 1:
                raise ConfigError(f"instruments: expected symbols used once, found {symbol} twice")
        rows = [source.rows_total for source in sources]
        self.rows_total = None if None in rows else sum(r or 0 for r in rows)
        self._digests = [BarDigest() for _ in sources]

    def blocks(self, *, moments_max: int = MOMENTS_MAX) -> Iterator[PanelBlock]:
        """Yield the bars in order; see `merge_blocks`.

        Raises what the sources do, in front of it the symbol; and DataFileError when files of an
        instrument have no rows.
        """
        self._digests = [BarDigest() for _ in self.sources]
        streams = [_digested(*pair) for pair in zip(self.sources, self._digests, strict=True)]
        return merge_blocks(streams, moments_max=moments_max)

    def reports(self) -> tuple[DataReport, ...]:
        """Return what the last pass has read so far of each instrument."""
        return tuple(source.report() for source in self.sources)

    def digests(self) -> tuple[str, ...]:
        """Return the digest of the bars of each instrument; final when the pass is over."""
        return tuple(digest.hexdigest() for digest in self._digests)

    def digest(self) -> str:
        """Return one digest of all of them, in order; symbols are no part of it."""
        return digest_of(self.digests())


def digest_of(digests: Sequence[str]) -> str:
    """Return one digest of the digests of all instruments, in order."""
    total = xxhash.xxh3_128(f"admf-panel 1 {len(digests)}\n".encode())
    for digest in digests:
        total.update(bytes.fromhex(digest))
    return total.hexdigest()


def _digested(source: BarSource, digest: BarDigest) -> Iterator[BarBlock]:
    try:
        for block in blocks_of_some(source):
            digest.update(block)
            yield block
    except AdmfError as error:
        raise type(error)(f"{source.symbol}: {error}") from error


class _Cursor:
    """A stream, the block of it at hand, and how much of that is taken."""

    def __init__(self, blocks: Iterator[BarBlock]) -> None:
        self._blocks = blocks
        self._block = _no_bars()
        self._at = 0

    def fill(self) -> bool:
        """Have a bar at hand; false when the stream has ended."""
        while self._at == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                self._block, self._at = _no_bars(), 0
                return False
            self._block, self._at = block, 0
        return True

    def reach_ns(self, bars: int) -> int:
        """Return the last time up to which all bars are at hand, and no more than `bars`."""
        return self._block.ts_ns.item(min(self._at + bars, len(self._block)) - 1)

    def take(self, until_ns: int, bars: int) -> BarBlock:
        """Take the bars up to a time, that of `reach_ns(bars)` at most."""
        start, stop = self._at, min(self._at + bars, len(self._block))
        ts_ns = self._block.ts_ns
        if start < stop and ts_ns.item(start) > until_ns:
            stop = start
        elif start < stop and ts_ns.item(stop - 1) != until_ns:
            stop = start + int(ts_ns[start:stop].searchsorted(until_ns, "right"))
        self._at = stop
        return self._block.slice(start, stop)


def _no_bars() -> BarBlock:
    """Return a block without bars, read-only as those of sources are."""
    block = concat_blocks([])
    for column in block.columns():
        column.setflags(write=False)
    return block


class _Merge:
    """Takes what is complete of all streams, and lays it out side by side."""

    def __init__(self, cursors: list[_Cursor], moments_max: int) -> None:
        assert moments_max > 0
        self._cursors = cursors
        self._moments_max = moments_max
        self._aligned = np.empty((len(cursors), 0), np.int64)

    def take(self) -> list[BarBlock] | None:
        """Take the next bars of every stream, all those up to some time; None at the end."""
        open_ = [cursor for cursor in self._cursors if cursor.fill()]
        if not open_:
            return None
        # One at the end of its block may have its next bar right after it.
        until_ns = min(cursor.reach_ns(self._moments_max) for cursor in open_)
        return [cursor.take(until_ns, self._moments_max) for cursor in self._cursors]

    def panels(self, pieces: list[BarBlock]) -> Iterator[PanelBlock]:
        """Yield bars taken together, in blocks of at most `moments_max` moments."""
        times, which = _distinct([piece.ts_ns for piece in pieces])
        if len(times) == 1:
            rows = self._aligned_rows(len(times[0]))
            yield PanelBlock(_read_only(times[0][:]), tuple(pieces), rows)
            return
        moments_ns = _union(times)
        places = [moments_ns.searchsorted(t) for t in times]
        starts = [*range(0, len(moments_ns), self._moments_max), len(moments_ns)]
        cuts = [place.searchsorted(starts).tolist() for place in places]
        for n, (start, stop) in enumerate(pairwise(starts)):
            rows = np.full((len(pieces), stop - start), -1, np.int64)
            blocks = []
            for piece, at, own_rows in zip(pieces, which, rows, strict=True):
                first, end = cuts[at][n : n + 2]
                own_rows[places[at][first:end] - start] = np.arange(end - first)
                blocks.append(piece.slice(first, end))
            yield PanelBlock(moments_ns[start:stop], tuple(blocks), _read_only(rows))

    def _aligned_rows(self, moments: int) -> NDArray[np.int64]:
        """Return the rows where every instrument has a bar at every moment."""
        if self._aligned.shape[1] != moments:
            self._aligned = _read_only(np.tile(np.arange(moments), (len(self._cursors), 1)))
        return self._aligned


def _distinct(arrays: list[NDArray[np.int64]]) -> tuple[list[NDArray[np.int64]], list[int]]:
    """Return the different ones of some arrays, and which of them each array is.

    Some may be equal all the same: it saves work and decides nothing.
    """
    found: list[NDArray[np.int64]] = []
    which: list[int] = []
    known: dict[tuple[int, ...], int] = {}
    for values in arrays:
        key = (len(values), values.item(0), values.item(-1)) if len(values) else (0,)
        at = known.setdefault(key, len(found))
        if at == len(found) or not np.array_equal(found[at], values):
            at = len(found)
            found.append(values)
        which.append(at)
    return found, which


def _union(times: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return all times of increasing arrays, each once, in order."""
    some = [t for t in times if len(t)]
    if len(some) == 1:
        return _read_only(some[0][:])
    merged = np.concatenate(some)
    merged.sort(kind="stable")  # which merges increasing runs
    first = np.empty(len(merged), np.bool_)
    first[0] = True
    np.not_equal(merged[1:], merged[:-1], out=first[1:])
    return _read_only(merged[first])


def _span(times_ns: NDArray[np.int64], moments_ns: NDArray[np.int64]) -> tuple[int, int]:
    """Return from where to where increasing times fall into consecutive moments."""
    if len(moments_ns) == 0:
        return 0, 0
    start = int(times_ns.searchsorted(moments_ns[0], "left"))
    return start, int(times_ns.searchsorted(moments_ns[-1], "right"))


def _read_only(values: NDArray[np.int64]) -> NDArray[np.int64]:
    values.setflags(write=False)
    return values
