"""Several instruments side by side are what a dictionary of bars per moment says, however cut."""

from __future__ import annotations

import weakref

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_fast.data import BarBlock, BarDigest, PanelSource, concat_blocks, merge_blocks, open_bars
from admf_fast.errors import BarError, ConfigError, DataFileError

MINUTE_NS = 60 * 10**9
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
# Whole times, or few enough that instruments often share them, or share all of them.
TIMES = st.one_of(
    st.sets(st.integers(0, 30)),
    st.sets(st.integers(-(2**62), 2**62), max_size=8),
    st.integers(0, 30).map(range),
    st.tuples(st.integers(0, 40), st.integers(1, 5)).map(lambda p: range(p[0], 40, p[1])),
)
PANELS = st.lists(TIMES, max_size=5)


def bars_at(instrument, times):
    """Bars whose values tell the instrument and the time."""
    ts_ns = np.array(sorted(times), np.int64)
    at = np.arange(len(ts_ns)) + 1000.0 * (instrument + 1)
    return BarBlock(ts_ns, at, at + 1, at - 1, at + 0.5, at * 2)


def cut(block, sizes):
    start = count = 0
    while start < len(block):
        size = sizes[count % len(sizes)]
        yield block.slice(start, start + size)
        start, count = start + size, count + 1


def model(blocks):
    """The bars of every moment: {time: {instrument: (open, high, low, close, volume)}}."""
    found = {}
    for k, block in enumerate(blocks):
        for ts_ns, *values in zip(*(c.tolist() for c in block.columns()), strict=True):
            found.setdefault(ts_ns, {})[k] = tuple(values)
    return [(ts_ns, found[ts_ns]) for ts_ns in sorted(found)]


def moments(panels):
    """The same of panels, by way of their rows."""
    for panel in panels:
        assert panel.rows.shape == (len(panel.blocks), len(panel))
        assert panel.rows.flags.c_contiguous
        assert not panel.rows.flags.writeable
        assert panel.bars == (panel.rows >= 0).sum()
        values = [list(zip(*(c.tolist() for c in b.columns()), strict=True)) for b in panel.blocks]
        for at, ts_ns in enumerate(panel.ts_ns.tolist()):
            rows = [(k, row) for k, row in enumerate(panel.rows[:, at].tolist()) if row >= 0]
            assert all(values[k][row][0] == ts_ns for k, row in rows)
            yield ts_ns, {k: values[k][row][1:] for k, row in rows}


@given(PANELS, st.lists(CUTS, min_size=5, max_size=5), st.integers(1, 40))
@settings(max_examples=400, deadline=None)
def test_any_cut_of_any_streams_gives_the_moments_of_the_model(panel, sizes, moments_max):
    blocks = [bars_at(k, times) for k, times in enumerate(panel)]
    streams = [cut(*pair) for pair in zip(blocks, sizes, strict=False)]

    made = list(merge_blocks(streams, moments_max=moments_max))

    assert list(moments(made)) == model(blocks)
    assert all(1 <= len(piece) <= moments_max for piece in made)
    for k, block in enumerate(blocks):
        whole = concat_blocks([piece.blocks[k] for piece in made])
        for column, expected in zip(whole.columns(), block.columns(), strict=True):
            np.testing.assert_array_equal(column, expected, strict=True)


@given(PANELS.filter(any), st.integers(-50, 50), st.integers(-50, 50))
@settings(max_examples=200, deadline=None)
def test_a_slice_of_a_panel_is_the_panel_of_its_moments(panel, start, stop):
    blocks = [bars_at(k, times) for k, times in enumerate(panel)]
    whole = next(merge_blocks([iter([b]) for b in blocks if len(b)], moments_max=1000))

    part = whole.slice(start, stop)

    assert part.ts_ns.tolist() == whole.ts_ns[start:stop].tolist()
    assert list(moments([part])) == list(moments([whole]))[start:stop]


def test_no_stream_and_streams_without_bars_give_no_panel():
    assert list(merge_blocks([])) == []
    assert list(merge_blocks([iter(()), iter([concat_blocks([])])])) == []


def test_a_stream_holds_one_block_at_a_time():
    """However far apart the streams are in time, and however short some of them."""
    held: list[weakref.ref] = []

    def stream(first, count, bars):
        for n in range(count):
            start = first + n * bars
            block = bars_at(0, range(start, start + bars))
            held.append(weakref.ref(block.ts_ns))
            yield block

    most = 0
    streams = [stream(0, 50, 100), stream(2500, 50, 100), stream(0, 5000, 1), stream(4990, 2, 100)]
    for _ in merge_blocks(streams, moments_max=16):
        held = [ref for ref in held if ref() is not None]
        most = max(most, len(held))

    assert most <= 2 * len(streams)


def source_of(kit, symbol, rows, **changes):
    return open_bars(kit.spec(kit.write(kit.table(rows)), symbol=symbol, **changes))


def test_a_panel_of_sources_reports_and_digests_every_instrument(kit):
    columns = kit.columns(30)
    gappy = {
        name: np.delete(values, [3, 4, 20, *range(24, 30)]) for name, values in columns.items()
    }
    made = [source_of(kit, "A", columns), source_of(kit, "B", gappy)]
    panel = PanelSource(made)

    blocks = list(panel.blocks(moments_max=7))

    assert not any(c.flags.writeable for b in blocks for bars in b.blocks for c in bars.columns())

    assert panel.symbols == ("A", "B")
    assert panel.rows_total == 51
    assert [r.rows_kept for r in panel.reports()] == [30, 21]
    assert all(report.complete for report in panel.reports())
    assert (concat_rows(blocks) < 0).sum(axis=1).tolist() == [0, 9]
    for source, digest in zip(made, panel.digests(), strict=True):
        alone = BarDigest()
        for block in source.blocks():
            alone.update(block)
        assert digest == alone.hexdigest()


def concat_rows(blocks):
    return np.concatenate([block.rows for block in blocks], axis=1)


def test_the_digest_of_a_panel_knows_the_order_and_no_cuts(kit):
    def digest(order, moments_max):
        tables = {"A": kit.columns(30), "B": kit.columns(20), "C": kit.columns(30)}
        panel = PanelSource([source_of(kit, name, tables[name]) for name in order])
        for _ in panel.blocks(moments_max=moments_max):
            pass
        return panel.digest()

    assert digest("AB", 7) == digest("AB", 4096)
    # Content and not names: A and C are the same bars.
    assert digest("AB", 7) == digest("CB", 7)
    assert len({digest("AB", 7), digest("BA", 7), digest("A", 7), digest("ABC", 7)}) == 4


def test_a_panel_can_be_read_again(kit):
    panel = PanelSource([source_of(kit, "A", 12), source_of(kit, "B", 9)])
    first = list(moments(panel.blocks())), panel.digest()

    assert (list(moments(panel.blocks())), panel.digest()) == first


def test_timeframes_meet_where_their_bars_close(kit):
    """Five bars of a minute, then at the close of the fifth the one of five minutes."""
    hour = source_of(kit, "SLOW", kit.columns(4, 5 * MINUTE_NS), timeframe="5m")
    panel = PanelSource([hour, source_of(kit, "FAST", 20)])

    rows = concat_rows(list(panel.blocks()))

    assert rows[0].tolist() == [n // 5 if n % 5 == 4 else -1 for n in range(20)]
    assert rows[1].tolist() == list(range(20))


def test_a_fault_names_the_instrument(kit):
    columns = kit.columns(12)
    columns["close"][7] = 1000.0
    objects = pl.from_arrow(kit.table(columns))
    bad = open_bars(kit.spec(symbol="BAD"), objects)

    with pytest.raises(BarError, match=r"^BAD: polars DataFrame: row 7, column close: "):
        list(PanelSource([source_of(kit, "A", 12), bad]).blocks())
    with pytest.raises(DataFileError, match=r"^NONE: .*found no rows"):
        list(PanelSource([source_of(kit, "A", 12), source_of(kit, "NONE", 0)]).blocks())


def test_a_symbol_is_there_once(kit):
    with pytest.raises(ConfigError, match="expected symbols used once, found A twice"):
        PanelSource([source_of(kit, "A", 12), source_of(kit, "A", 9)])
