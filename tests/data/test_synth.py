"""Synthetic bars: valid, seeded, and the same for every block size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_fast.data import (
    TIMEFRAMES,
    BarDigest,
    BarSpec,
    SynthSpec,
    concat_blocks,
    describe,
    open_bars,
    parse_timeframe,
    synth_blocks,
    write_synth,
)
from admf_fast.data.convert import RawBlock
from admf_fast.data.place import Place
from admf_fast.data.validate import BarValidator
from admf_fast.errors import ConfigError, StateError


def digest_of(**changes):
    digest = BarDigest()
    for block in synth_blocks(SynthSpec(**{"bars": 9000, "seed": 1, **changes})):
        digest.update(block)
    return digest.hexdigest()


def test_known_bytes():
    """Pinned: a change of the generator changes every recorded run on synthetic bars."""
    assert digest_of(gap_probability=0.01) == PINNED


PINNED = "81f5ddf37d6080a86990aa4444946f8b"


@given(st.integers(1, 10_000))
@settings(max_examples=10, deadline=None)
def test_block_size_changes_nothing(size):
    assert digest_of(block_bars=size) == digest_of()


def test_more_bars_change_no_earlier_bar():
    long = concat_blocks(list(synth_blocks(SynthSpec(bars=9000, seed=5))))
    short = concat_blocks(list(synth_blocks(SynthSpec(bars=4097, seed=5))))
    assert all((a[:4097] == b).all() for a, b in zip(long.columns(), short.columns(), strict=True))


def test_arguments_matter():
    digests = {
        digest_of(),
        digest_of(seed=2),
        digest_of(seed=2**64 - 1),
        digest_of(timeframe="5m"),
        digest_of(session="us"),
        digest_of(gap_probability=0.1),
        digest_of(regime_bars=10),
    }
    assert len(digests) == 7


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("session", ["always", "weekdays", "us"])
@pytest.mark.parametrize("gaps", [0.0, 0.02])
def test_every_bar_is_valid(timeframe, session, gaps):
    spec = SynthSpec(
        bars=5000, timeframe=timeframe, session=session, gap_probability=gaps, gap_bars_max=9
    )
    if timeframe == "1w" and session != "always":
        with pytest.raises(ConfigError, match=r"synth\.session"):
            list(synth_blocks(spec))
        return
    validator = BarValidator(BarSpec(stamp="close"), parse_timeframe(timeframe))
    for block in synth_blocks(spec):
        validator.check(RawBlock(block, Place("synth"), 0))
    assert validator.rows_kept == 5000
    found = validator.gaps.report().count > 0
    assert found or (gaps == 0 and (session == "always" or timeframe[-1] in "sm"))
    assert not found or gaps > 0 or session != "always"


@pytest.mark.parametrize("seed", range(4))
def test_prices_stay_plausible_and_change_regime(seed):
    spec = SynthSpec(bars=100_000, seed=seed, annual_volatility=0.5)
    bars = concat_blocks(list(synth_blocks(spec)))
    assert 10 < bars.low.min() < bars.high.max() < 1000
    assert (bars.close == np.rint(bars.close * 100) / 100).all()
    spread = np.abs(np.diff(np.log(bars.close)))[:99_000].reshape(99, 1000).mean(axis=1)
    assert spread.max() > 2 * spread.min()


def test_tiny_prices_and_wild_volatility_stay_valid():
    spec = SynthSpec(bars=20_000, price=0.02, annual_volatility=10, timeframe="1d")
    validator = BarValidator(BarSpec(stamp="close"), parse_timeframe("1d"))
    for block in synth_blocks(spec):
        validator.check(RawBlock(block, Place("synth"), 0))


@pytest.mark.parametrize(
    "changes", [{"bars": -1}, {"seed": -1}, {"price": 0}, {"timeframe": "7m"}, {"symbol": "a/b"}]
)
def test_bad_arguments(changes):
    with pytest.raises(ConfigError):
        list(synth_blocks(SynthSpec(**{"bars": 10, **changes})))


@pytest.mark.parametrize("bars", [0, 1, 150_000])
def test_written_and_read_again(kit, bars):
    spec = SynthSpec(bars=bars, seed=9, symbol="ABC", gap_probability=0.001)
    path = kit.path()
    assert write_synth(spec, path) == bars
    source = open_bars(BarSpec(path=str(path)))
    report = describe(source)
    assert (report.symbol, report.timeframe, report.stamp) == ("ABC", "1m", "open")
    assert report.rows_kept == bars
    assert kit.digest(concat_blocks(list(source.blocks()))) == kit.digest(
        concat_blocks(list(synth_blocks(spec)))
    )
    again = kit.path()
    write_synth(spec, again)
    assert again.read_bytes() == path.read_bytes()


def test_d21_nothing_is_left_when_writing_fails(kit):
    path = kit.path()
    path.write_text("old")
    with pytest.raises(ConfigError):
        write_synth(SynthSpec(bars=-1), path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert path.read_text() == "old"
    with pytest.raises(StateError, match="create the folder first"):
        write_synth(SynthSpec(bars=1), path.parent / "no" / "x.parquet")
