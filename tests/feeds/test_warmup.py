"""History before the first live bar: as much as is wanted, and equal to what the feed says."""

import pytest

from admf_fast import jobs
from admf_fast.config import FeedSpec, parse_config
from admf_fast.data import BarSpec
from admf_fast.errors import ConfigError
from admf_fast.feeds import (
    Delivered,
    bar_line,
    guard_of,
    open_feed,
    open_replay,
    replay,
    warmup_moments,
)
from admf_fast.feeds.files import DescriptorFeed
from admf_fast.runners.live import run_live
from admf_fast.runners.panel_setup import prepare_panel
from admf_fast.runners.setup import prepare
from admf_fast.runners.warmup import required_warmup_bars
from admf_kernels.testing import random_bars

DAY_NS = 86_400 * 10**9
MINUTE_NS = 60 * 10**9
AAPL = BarSpec(path="data/AAPL_1d.parquet", symbol="AAPL", timeframe="1d", stamp="open")


def history(count=None):
    bars = list(replay(jobs.open_bars(AAPL).blocks()))
    return bars[:count]


def warmed(spec, feed=None, required_bars=1):
    feed = feed or DescriptorFeed((AAPL,), 0)
    return list(warmup_moments(feed, spec, required_bars=required_bars))


def test_all_of_history_a_part_of_it_or_none():
    bars = history()

    assert warmed(FeedSpec(warmup="all")) == [[Delivered("AAPL", bar)] for bar in bars]
    ready = warmed(FeedSpec(warmup="ready", overlap_bars=2), required_bars=50)
    assert ready == [[Delivered("AAPL", bar)] for bar in bars[-52:]]
    assert warmed(FeedSpec()) == []
    assert warmed(FeedSpec(warmup="all"), open_feed("replay:", [AAPL])) == []


def test_another_path_for_history():
    feed = DescriptorFeed((BarSpec(symbol="AAPL", timeframe="1d", stamp="open"),), 0)

    assert len(warmed(FeedSpec(warmup="all", warmup_path=AAPL.path), feed)) == len(history())
    with pytest.raises(ConfigError, match=r"feed\.warmup: all needs history; set feed"):
        warmed(FeedSpec(warmup="all"), feed)


def test_several_instruments_are_warmed_moment_by_moment():
    specs = tuple(
        BarSpec(path=f"data/{s}_1d.parquet", symbol=s, timeframe="1d", stamp="open")
        for s in ("AAPL", "FB")
    )
    moments = warmed(FeedSpec(warmup="all"), DescriptorFeed(specs, 0))

    assert [item for moment in moments for item in moment] == list(open_replay(specs).deliver())
    assert {len(moment) for moment in moments} == {1, 2}
    assert all(len({item.bar[0] for item in moment}) == 1 for moment in moments)


def test_l19_a_warm_run_and_its_feed_are_one_history():
    """The bars of history and those that the guard lets through are those of the whole file."""
    bars = history()
    feed = DescriptorFeed((AAPL,), 0)
    guard = guard_of(feed, FeedSpec(overlap_bars=3))
    for bar in bars[:2000]:
        guard.seed("AAPL", bar, history=True)
    taken = list(bars[:2000])
    for bar in bars[1997:]:
        line = bar_line("AAPL", (bar[0] - DAY_NS, *bar[1:]))  # the feed tells the open
        taken += [r.bar for r in guard.take(line, bar[0], 0) if r.action == "process"]

    assert taken == bars
    assert guard.counts["duplicate"] == 3


def config_of(text):
    return parse_config(text, name="small.yaml", format="yaml")


BARS = "bars: {path: x.parquet, symbol: X, timeframe: 1m, stamp: close}\n"


@pytest.mark.parametrize(("strategy", "bars"), [
    ("{kernel: sma_cross, params: {fast: 5, slow: 20}}", 20),
    ("{long: {enter: 'sma(close, 7) > sma(sma(close, 3), 10)'}}", 12),
])  # fmt: skip
def test_how_many_bars_a_run_needs(strategy, bars):
    setup = prepare(config_of(f"{BARS}strategy: {strategy}"))

    assert required_warmup_bars(setup, [MINUTE_NS]) == bars


LONGER = '''
from admf_kernels import on, strategy
from admf_kernels.indicators import sma


@strategy(features=lambda p: {"slow": on("5m", sma(3)), "fast": sma(4)})
def longer(slow, fast):
    """Long above the average of longer bars. First signal: when three of these have closed."""
    return 1.0 if fast > slow else 0.0
'''


def test_l19_longer_bars_need_whole_buckets_and_the_one_before(tmp_path):
    """The first of five minutes may be half, three follow, and the last closes with the next."""
    (tmp_path / "longer_module.py").write_text(LONGER)
    text = BARS + "strategy: {kernel: 'longer_module:longer'}"
    config = parse_config(text, name="small.yaml", format="yaml", base_dir=str(tmp_path))

    assert required_warmup_bars(prepare(config), [MINUTE_NS]) == 4 * 5 + 1


def test_a_run_that_is_warm_by_that_many_bars_decides_on_the_next():
    """And one with a bar less does not, at its worst moment."""
    setup = prepare(config_of(BARS + "strategy: {kernel: sma_cross, params: {fast: 2, slow: 5}}"))
    needed = required_warmup_bars(setup, [MINUTE_NS])
    drawn = random_bars(needed)
    bars = list(zip(range(MINUTE_NS, MINUTE_NS * (needed + 1), MINUTE_NS),
                    *(column.tolist() for column in drawn[1:]), strict=True))  # fmt: skip

    assert run_live(setup, bars).tables["signals"].num_rows == 1
    assert run_live(setup, bars[:-1]).tables["signals"].num_rows == 0


def test_of_several_instruments_the_most_is_needed():
    listed = "\n".join(
        f"  - {{symbol: {s}, bars: {{path: x, timeframe: 1m, stamp: close}}}}" for s in ("A", "B")
    )
    config = config_of(f"strategy: {{kernel: sma_cross}}\ninstruments:\n{listed}\n")
    slow = config.strategy.params.get("slow") or prepare_panel(config).params.slow

    assert required_warmup_bars(prepare_panel(config), [MINUTE_NS, MINUTE_NS]) == slow
