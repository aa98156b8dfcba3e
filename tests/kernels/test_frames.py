"""Longer timeframes: made of closed bars only, alike in every way of running."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import FeatureProgram, KernelError, Program, Stream, on, snapshot, strategy
from admf_kernels.clock import Clock
from admf_kernels.indicators import atr, bollinger, ema, rsi, session_vwap, shift, sma
from admf_kernels.lane_program import LaneProgram
from admf_kernels.plain import PlainProgram
from admf_kernels.recording import (
    Bars,
    Run,
    clock_over,
    record_compiled,
    record_plain,
    require_equal,
)
from admf_kernels.strategies import sma_cross
from admf_kernels.testing import (
    check_blocks,
    check_plain,
    check_prefix,
    check_repeat,
    check_warmup,
    random_bars,
)
from admf_kernels.timeframe import TIMEFRAMES, timeframe_ns
from tests.kernels.strategies import cuts, quick

MINUTE_NS = 60_000_000_000
CLOSE = shift(0)


@st.composite
def gappy(draw: st.DrawFn, most: int = 400) -> Bars:
    """Bars on the minute, with gaps of any length, or at any times."""
    count = draw(st.integers(1, most))
    data = random_bars(count, draw(st.integers(0, 99)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    steps = rng.choice([1, 1, 1, 1, 1, 1, 2, 5, 17, 400], count)
    unit = draw(st.sampled_from((MINUTE_NS, 7_919_000_000_000)))
    ts_ns = draw(st.integers(2, 2_000_000)) * MINUTE_NS + unit * np.cumsum(steps)
    return Bars(ts_ns.astype(np.int64), *data[1:])


FRAMES = st.sampled_from(("2m", "5m", "15m", "1h", "4h", "1d", "1w"))
INNER = (
    CLOSE,
    sma(3),
    ema(4, of="high"),
    atr(2),
    bollinger(3, 2.0).lower,
    sma(2, of=rsi(2)),
    shift(2, of="volume"),
    session_vwap(),
)


@st.composite
def longer(draw: st.DrawFn) -> object:
    made = on(draw(FRAMES), draw(st.sampled_from(INNER)))
    over = draw(st.sampled_from((None, sma, ema, rsi)))
    return made if over is None else over(draw(st.integers(2, 4)), of=made)


@strategy(features=lambda p: {"slow": on("5m", sma(3)), "fast": ema(4, of=on("2m", CLOSE))})
def two_frames(slow, fast, close):
    """Long while faster bars are above slower ones. First signal: when both have closed."""
    return 1.0 if fast > slow and close > 0.0 else 0.0


@strategy(
    features=lambda p: {"day": on("1d", CLOSE), "hour": on("1h", atr(2)), "own": sma(30)},
)
def three_frames(day, hour, own, close):
    """Long above yesterday. First signal: when all have closed."""
    return 1.0 if close > day + 0.1 * hour and own > 0.0 else -0.5


@quick(50)
@given(drawn=gappy(), wanted=st.lists(longer(), min_size=1, max_size=4), data=st.data())
def test_features_are_alike_in_every_way(drawn, wanted, data):
    run = Run("frames", tuple(map(_output, wanted)))
    whole = record_compiled(run, drawn, [drawn.bars])

    require_equal(run, "plain", record_plain(run, drawn), whole)
    for sizes in ([1] * drawn.bars, data.draw(cuts(drawn.bars))):
        require_equal(run, f"in {sizes[:5]}", whole, record_compiled(run, drawn, sizes))


def _output(feature):
    return feature.value if hasattr(feature, "sources") else feature


@pytest.mark.parametrize("kernel", [two_frames, three_frames])
@quick(30)
@given(data=st.data())
def test_strategies_are_alike_in_every_way(kernel, data):
    drawn = data.draw(gappy())
    check_plain(kernel, bars=drawn)
    check_blocks(kernel, bars=drawn, sizes=[data.draw(cuts(drawn.bars))])


@quick(30)
@given(drawn=gappy(150), feature=longer())
def test_later_bars_change_nothing(drawn, feature):
    if drawn.bars > 3:
        check_prefix(feature, bars=drawn)
        check_repeat(feature, bars=drawn)
        check_warmup(feature, bars=drawn)


def by_hand(data: Bars, length_ns: int) -> list[float]:
    """For every bar the close of the last bucket that has ended, the first one left out."""
    found, ends = [], (-(-data.ts_ns // length_ns) * length_ns).tolist()
    for t in range(data.bars):
        closed = [
            k
            for k in range(t + 1)
            if ends[k] <= data.ts_ns[t] and ends[k] != ends[0] and k + 1 <= t + 1
        ]
        found.append(data.close[closed[-1]] if closed else float("nan"))
    return found


@quick(40)
@given(drawn=gappy(120), timeframe=st.sampled_from(("2m", "5m", "1h", "1d")))
def test_what_is_seen_is_the_last_bar_that_has_closed(drawn, timeframe):
    feature = on(timeframe, CLOSE)
    program = FeatureProgram([feature])
    rows = program.feed(*drawn)

    expected = np.array(by_hand(drawn, timeframe_ns(timeframe)))
    assert np.array_equal(program.column(feature)[rows], expected, equal_nan=True)


def test_a_bar_is_all_of_its_bars_and_comes_when_it_closes():
    """On the minute: first bucket dropped, then one every five; a missing end delays it."""
    data = random_bars(20)
    keep = np.array([k for k in range(20) if k != 14])  # minute 15 is missing
    ts_ns = (1_000_000 * 5 + 1 + np.arange(20)) * MINUTE_NS
    bars = Bars(ts_ns[keep], *(c[keep] for c in data[1:]))
    outputs = {n: on("5m", shift(0, of=n)) for n in ("open", "high", "low", "close", "volume")}
    program = FeatureProgram(outputs.values())
    rows = program.feed(*bars)
    seen = {name: program.column(o)[rows] for name, o in outputs.items()}

    assert np.isnan(seen["close"][:9]).all()
    second, third = slice(5, 10), slice(10, 14)
    for rows_, bucket in ((slice(9, 14), second), (slice(14, 18), third)):
        whole = bars.rows(bucket.start, bucket.stop)
        assert set(seen["open"][rows_]) == {whole.open[0]}
        assert set(seen["high"][rows_]) == {whole.high.max()}
        assert set(seen["low"][rows_]) == {whole.low.min()}
        assert set(seen["close"][rows_]) == {whole.close[-1]}
        assert set(seen["volume"][rows_]) == {sum(whole.volume.tolist())}


def test_days_are_sessions_where_there_is_a_clock():
    """Bars before the open and after the close are of no session; a day shows at its close."""
    day = np.arange(10, 14)
    hour = 60 * MINUTE_NS
    opens = day * 24 * hour + 14 * hour
    clock = Clock("x", opens, opens + 6 * hour, day, opens[:1] - 1, np.zeros(1))
    ts_ns = opens[0] + hour * np.arange(1, 60)
    data = Bars(ts_ns, *random_bars(59)[1:])
    feature = on("1d", shift(0, of="high"))
    program = FeatureProgram([feature], clock=clock)
    rows = program.feed(*data)

    found = program.column(feature)[rows]
    inside = (ts_ns > opens[1]) & (ts_ns <= clock.close_ns[1])
    assert np.isnan(found[ts_ns < clock.close_ns[1]]).all()
    after = found[(ts_ns >= clock.close_ns[1]) & (ts_ns < clock.close_ns[2])]
    assert set(after) == {data.high[inside].max()}


@pytest.mark.parametrize("cut", [0, 1, 60, 61, 63, 300, 999])
@pytest.mark.parametrize("kernel", [two_frames, three_frames])
def test_continues_after_a_restart(kernel, cut):
    data = random_bars(1500, 4)
    clock = clock_over(data)

    def made():
        return Program(kernel, block_bars=1000, clock=clock)

    whole, first, second = made(), made(), made()
    first.feed(*data.rows(0, cut))
    saved = snapshot.save(first)
    snapshot.restore(second, saved)
    twin = PlainProgram.resumed(second)

    assert snapshot.save(second) == saved
    whole.feed(*data.rows(0, cut))
    for start in range(cut, 1500, 250):
        part = data.rows(start, min(1500, start + 250))
        rows, again = whole.feed(*part), second.feed(*part)
        for name in whole.per_bar:
            assert whole.per_bar[name][rows].tolist() == second.per_bar[name][again].tolist()
        assert whole.checksum[rows].tolist() == second.checksum[again].tolist()
        plain = [twin.step(*bar) for bar in zip(*(c.tolist() for c in part), strict=True)]
        assert [bar.checksum for bar in plain] == whole.checksum[rows].tolist()
    assert snapshot.save(second) == snapshot.save(whole)
    assert whole.values() == second.values() == twin.state()


def test_many_rows_of_the_longer_timeframe():
    """More than the child keeps: its oldest rows make room."""
    data = random_bars(5000, 4)
    run = Run("long", (on("2m", sma(50)).value, on("2m", rsi(20)).value))
    expected = record_plain(run, data)
    require_equal(run, "plain", expected, record_compiled(run, data, [5000]))
    require_equal(run, "plain", expected, record_compiled(run, data, [1] * 5000))


@quick(15)
@given(drawn=gappy(), extra=longer())
def test_a_longer_timeframe_nobody_reads_changes_nothing(drawn, extra):
    for kernel in (two_frames, sma_cross):
        params = kernel.checked()
        alone, beside = (Run("x", more, kernel, params) for more in ((), (_output(extra),)))
        expected = record_compiled(alone, drawn, [drawn.bars])
        require_equal(alone, "beside", expected, record_compiled(beside, drawn, [drawn.bars]))


def test_a_lane_waits_like_a_run():
    data = random_bars(2000, 2)
    clock = clock_over(data)
    lanes = LaneProgram(three_frames, [three_frames.checked()] * 3, tap=1, clock=clock)
    alone = Program(three_frames, clock=clock)
    rows = lanes.feed(*data)
    alone.feed(*data)

    assert lanes.checksum[rows].tolist() == alone.checksum[rows].tolist()
    assert len(set(alone.per_bar["signal"][rows])) == 3


@pytest.mark.parametrize("name", ["bucket", "child"])
def test_the_checksum_sees_the_longer_timeframe(name):
    data = random_bars(100, 2)

    def fed(word):
        program = FeatureProgram([on("15m", ema(3))])
        program.feed(*data.rows(0, 50))
        if word is not None:
            program.state[word] ^= 1 << 40
        rows = program.feed(*data.rows(50, 100))
        return program.checksum[rows].tolist()

    plain = fed(None)
    changed = fed({"bucket": 9, "child": 11}[name])
    assert plain != changed


def test_what_cannot_be_is_refused():
    with pytest.raises(KernelError, match="found '7m'"):
        on("7m", sma(3))
    with pytest.raises(KernelError, match="a timeframe inside; give one, outermost"):
        on("1d", sma(3, of=on("1h", sma(3))))
    with pytest.raises(KernelError, match="expected a feature"):
        on("1h", "close")
    with pytest.raises(KernelError, match="need times"):
        Stream(on("1h", sma(3)))
    assert on("1h", bollinger(3, 2.0)).upper.label == "on(1h, bollinger(3, 2.0)).upper"
    assert on("1h", sma(3)) == on("1h", sma(3)) != on("2h", sma(3))
    assert all(timeframe_ns(name) > 0 for name in TIMEFRAMES)


def test_without_them_nothing_is_added():
    program = FeatureProgram([sma(3)])
    assert (program.children, len(program._calls), program.history) == ([], 2, 3)
