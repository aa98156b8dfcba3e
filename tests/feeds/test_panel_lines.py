"""Several instruments bar by bar: a replay and JSON lines give the moments of the files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.data import BarBlock, BarDigest, BarSpec, PanelSource, merge_blocks
from admf_fast.errors import BarError, ConfigError
from admf_fast.feeds import PanelLines, replay_panel
from tests.kernels.strategies import quick

MINUTE_NS = 60_000_000_000
NAMES = ("open", "high", "low", "close", "volume")
SYMBOLS = ("EURUSD", "SAP", "BMW")
VALUES = st.tuples(*[st.floats(1e-6, 1e9)] * 5).map(
    lambda v: (*(sorted(v[:4])[at] for at in (1, 3, 0, 2)), v[4])
)
MOMENTS = st.dictionaries(
    st.integers(0, 20).map(lambda n: n * MINUTE_NS),
    st.dictionaries(st.integers(0, 2), VALUES, min_size=1),
    max_size=12,
).map(lambda found: [(ts, dict(sorted(found[ts].items()))) for ts in sorted(found)])


def spec(symbol, **changes):
    return BarSpec(**{"symbol": symbol, "timeframe": "1m", "stamp": "close", **changes})


def line(symbol, minute, *values, **more):
    named = dict(zip(NAMES, values or (1.0, 2.0, 1.0, 2.0, 9.0), strict=True))
    return json.dumps({"ts": minute * MINUTE_NS, "symbol": symbol, **named, **more}).encode()


def read(*lines, **changes):
    source = PanelLines(lines, [spec(symbol, **changes) for symbol in SYMBOLS])
    return [(ts // MINUTE_NS, list(bars)) for ts, bars in replay_panel(source.blocks())]


def blocks_of(moments):
    """The bars of each instrument as one block."""
    made = []
    for k in range(len(SYMBOLS)):
        own = [(ts, bars[k]) for ts, bars in moments if k in bars]
        values = np.array([v for _, v in own], np.float64).reshape(-1, 5).T.copy()
        made.append(BarBlock(np.array([ts for ts, _ in own], np.int64), *values))
    return made


@quick(200)
@given(MOMENTS, st.integers(1, 30))
def test_a_replay_of_a_panel_is_its_moments(moments, moments_max):
    panels = merge_blocks([iter([b]) for b in blocks_of(moments)], moments_max=moments_max)

    assert list(replay_panel(panels)) == moments


@quick(200)
@given(MOMENTS, st.randoms(use_true_random=False))
def test_lines_in_any_order_within_a_moment_are_the_same_panel(moments, random):
    lines = []
    for ts, bars in moments:
        for k in random.sample(list(bars), len(bars)):
            minute = ts // MINUTE_NS
            if random.random() < 0.3:  # what is in progress counts for nothing, of any time
                lines.append(line(SYMBOLS[k], random.randint(0, 30), closed=False))
            lines.append(line(SYMBOLS[k], minute, *bars[k]))
    source = PanelLines(lines, [spec(symbol) for symbol in SYMBOLS])

    assert list(replay_panel(source.blocks())) == moments
    assert [r.rows_kept for r in source.reports()] == [len(b) for b in blocks_of(moments)]
    assert all(report.complete for report in source.reports())
    for block, digest in zip(blocks_of(moments), source.digests(), strict=True):
        expected = BarDigest()
        expected.update(block)
        assert digest == expected.hexdigest()


def test_a_moment_is_handed_on_as_soon_as_it_is_over():
    """With the last bar it can have, or with the first one after it."""
    taken = []

    def lines():
        for number, text in enumerate([
            line("BMW", 1), line("SAP", 1), line("EURUSD", 1),  # all of them
            line("SAP", 2), line("SAP", 3),
        ]):  # fmt: skip
            taken.append(number)
            yield text

    source = PanelLines(lines(), [spec(symbol) for symbol in SYMBOLS])
    seen = [(len(taken), bars) for _, bars in replay_panel(source.blocks())]

    assert [(lines, list(bars)) for lines, bars in seen] == [(3, [0, 1, 2]), (5, [1]), (5, [1])]


def test_instruments_of_different_timeframes_and_stamps_meet_at_the_close():
    specs = [spec("SAP"), spec("BMW", timeframe="5m", stamp="open")]
    lines = [line("SAP", n) for n in range(1, 5)] + [line("BMW", 0), line("SAP", 5)]

    moments = list(replay_panel(PanelLines(lines, specs).blocks()))

    assert [(ts // MINUTE_NS, list(bars)) for ts, bars in moments] == [
        (1, [0]), (2, [0]), (3, [0]), (4, [0]), (5, [0, 1]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line("SAP", 2), line("SAP", 3), line("BMW", 1)],
         "line 3: BMW: bar closing 1970-01-01T00:01:00Z: expected one after "
         "1970-01-01T00:02:00Z; the bar was not taken"),
        ([line("SAP", 2), line("BMW", 2), line("SAP", 2)],
         "line 3: SAP: bar closing 1970-01-01T00:02:00Z: expected one bar, found a second; "
         "the bar was not taken"),
        ([line("SAP", 2), line("BMW", 2), line("EURUSD", 2), b"", line("SAP", 2)],
         "line 5: SAP: bar closing 1970-01-01T00:02:00Z: expected one bar, found a second; "
         "the bar was not taken"),
        ([line("SAP", 1), line("VW", 1)],
         "line 2: expected a symbol of this run, found 'VW' (EURUSD, SAP, BMW)"),
        ([line("", 1)],
         "line 1: expected a symbol of this run, found none (EURUSD, SAP, BMW)"),
        ([line("SAP", 1), line("BMW", 1.5)],
         "line 2: expected one JSON object with ts, open, high, low, close and volume: Expected "
         "`int | str`, got `float` - at `$.ts`"),
        ([line("SAP", 1), line("BMW", 1, ts=90_000_000_000)],
         "line 2: BMW: bar closing 1970-01-01T00:01:30Z: is off the grid of 1m bars (counted from "
         "midnight UTC); send whole bars, or use bars.off_grid: drop or keep"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_line_and_instrument(lines, message):
    with pytest.raises(BarError) as error:
        read(*lines)

    assert str(error.value) == message


def test_policies_apply_per_instrument():
    copies = [line("SAP", 1), line("BMW", 1), line("BMW", 1), line("SAP", 2), line("BMW", 1)]

    assert read(*copies, duplicates="drop") == [(1, [1, 2]), (2, [1])]
    with pytest.raises(BarError, match=r"line 3: BMW: .* found a second"):
        read(*copies)
    odd = [line("SAP", 1), line("BMW", 1, ts=90_000_000_000), line("SAP", 2)]
    assert read(*odd, off_grid="drop") == [(1, [1]), (2, [1])]
    assert read(*odd, off_grid="keep") == [(1, [1]), (1, [2]), (2, [1])]


def test_what_was_handed_on_before_a_fault_is_counted():
    source = PanelLines([line("SAP", 1), line("BMW", 2), b"?"], [spec(s) for s in SYMBOLS])
    with pytest.raises(BarError, match="line 3: "):
        list(source.blocks())

    assert [report.rows_kept for report in source.reports()] == [0, 1, 0]
    assert not any(report.complete for report in source.reports())


@pytest.mark.parametrize("symbols", [("SAP", "SAP"), ("SAP", "")])
def test_every_instrument_needs_a_symbol_of_its_own(symbols):
    with pytest.raises(ConfigError, match="expected one symbol per instrument, found SAP, "):
        PanelLines([], [spec(symbol) for symbol in symbols])


def test_a_panel_of_files_and_its_lines_are_the_same():
    """To the digest, and through the type that a runner takes."""
    moments = [(n * MINUTE_NS, {n % 3: (1.0, 40.0, 0.5, 1.1 * n, 7.0)}) for n in range(1, 30)]
    lines = [
        line(SYMBOLS[k], ts // MINUTE_NS, *bars[k]) for ts, bars in moments for k in bars
    ]  # fmt: skip
    arrived = PanelLines(lines, [spec(symbol) for symbol in SYMBOLS])
    files = PanelSource([_Held(*pair) for pair in zip(SYMBOLS, blocks_of(moments), strict=True)])

    assert list(replay_panel(arrived.blocks())) == list(replay_panel(files.blocks())) == moments
    assert (arrived.symbols, arrived.digest()) == (files.symbols, files.digest())


class _Held:
    """A source of one block."""

    rows_total = None

    def __init__(self, symbol, block):
        self.symbol, self._block = symbol, block

    def blocks(self):
        yield self._block
