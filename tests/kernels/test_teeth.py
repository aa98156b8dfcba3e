"""The equality tests have teeth: each kind of fault, put into a copy, is caught and named."""

import dataclasses
import re
from typing import NamedTuple

import pytest

from admf_kernels import at, drivers, get, indicator, lag, nan, testing, window
from admf_kernels.codegen import run as run_source
from admf_kernels.codegen import scan
from admf_kernels.indicators import atr, macd, sma
from admf_kernels.indicators.sma import State as SmaState
from admf_kernels.indicators.sma import window_sum
from admf_kernels.numeric import Window, fma
from admf_kernels.recording import Run, record_compiled, record_plain, require_equal


@pytest.fixture
def forget():
    """Let no faulty driver outlive its test."""
    caches = (drivers.for_indicator, drivers.for_strategy)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def faulty(monkeypatch, module, change):
    """Let the driver sources of `module` be changed by `change`, which must change them."""
    right = module.source

    def source(*args, **kwargs):
        text = right(*args, **kwargs)
        changed = change(text)
        assert changed != text
        return changed

    monkeypatch.setattr(module, "source", source)


def in_place_of(kernel, step):
    """Return a kernel with another step that goes by the same label."""
    step.__module__ = kernel.step.__module__
    return dataclasses.replace(kernel, step=step)


def swapped_additions(c, s, bars, renew, value, leaving, values):
    """The sma step with its two additions in the other order."""
    total = (s.total + value) - (leaving if bars > c.period else 0.0)
    if renew:
        total = window_sum(values, c.period)
    return SmaState(total), total * c.weight


def test_swapped_additions_are_caught():
    """The compiled form of one order of additions is not the plain form of the other."""
    run = testing.runs_of(sma(20))[0]
    mutant = in_place_of(sma, swapped_additions)
    data = testing.random_bars(400)
    compiled = record_compiled(testing.runs_of(mutant(20))[0], data, [data.bars])

    with pytest.raises(AssertionError, match=r"bar \d+, features\.sma\(20\): expected .* found"):
        require_equal(run, "mutant", record_plain(run, data), compiled)


def contracted(c, s, bars, high, low, previous):
    """The atr step as a compiler would contract it: one rounding less."""
    top = previous if previous > high else high
    bottom = previous if previous < low else low
    decay = 1.0 if bars <= c.period + 1 else c.decay
    weight = 0.0 if bars == 1 else c.alpha
    value = fma(top - bottom, weight, decay * s.value)
    return type(s)(value), value


def test_contraction_is_caught():
    data = testing.random_bars(400)
    run = testing.runs_of(atr(14))[0]
    plain = record_plain(run, data)
    mutant = in_place_of(atr, contracted)
    found = record_plain(testing.runs_of(mutant(14))[0], data)

    with pytest.raises(AssertionError, match=r"bar \d+, (features|state)\."):
        require_equal(run, "mutant", plain, found)


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize("check", [testing.check_prefix, testing.check_blocks, testing.check_plain])
def test_look_ahead_by_one_bar_is_caught(monkeypatch, check):
    faulty(monkeypatch, scan, lambda text: text.replace("in_value[u]", "in_value[u + 1]"))

    with pytest.raises(AssertionError, match=r"bar \d+, features\.sma\(20\)"):
        check(sma(20))


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize("feature", [sma(20), macd()])
def test_state_reset_at_a_block_edge_is_caught(monkeypatch, feature):
    faulty(monkeypatch, scan, lambda text: re.sub(r"s_f\[\d \+ 1\]", "0.0", text, count=1))

    with pytest.raises(AssertionError, match=r"differs from one block: bar \d+, "):
        testing.check_blocks(feature)


@pytest.mark.usefixtures("forget")
def test_a_renewal_by_place_in_the_block_is_caught(monkeypatch):
    """Sums taken afresh by row instead of by bar number differ between cuts."""
    faulty(monkeypatch, scan, lambda text: text.replace("seen % renew_bars", "t % renew_bars"))

    with pytest.raises(AssertionError, match=r"bar \d+, "):
        testing.check_blocks(sma(20))


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize(
    ("before", "after", "layer"),
    [
        ("expose(exposure, wallet, q, n.lot_value, close)",
         "expose(exposure, wallet, q, n.lot_value, open)", r"bars\.cash|bars\.lots|events"),
        ("seen >= ready", "seen > ready", r"bars\.signal|events|state"),
        ("ts_ns, close, equity, q.lots", "ts_ns, open, equity, q.lots",
         r"state\.checksum|bars\.equity"),
        ("out_signal[t] = signal", "out_signal[t] = wanted + 0.5", r"bars\.signal"),
        ("share = kept +", "share =", r"state\.checksum"),
        ("if called != 0 or kept == 0:", "if kept == 0:", r"state\.checksum"),
        ("signal != intent.signal or", "signal > intent.signal or", r"bars\.lots|events"),
        ("(intent.working != 0 and", "(intent.working > 1 and", r"bars\.cash|bars\.lots|events"),
        ("span.bars += 1", "span.bars += 2", r"state\.checksum|events"),
    ],
)  # fmt: skip
def test_a_fault_in_the_run_driver_is_caught(monkeypatch, before, after, layer):
    faulty(monkeypatch, run_source, lambda text: text.replace(before, after))

    with pytest.raises(AssertionError, match=rf"differs from plain Python: bar \d+, ({layer})"):
        testing.check_plain("sma_cross", (3, 8))


@pytest.mark.usefixtures("forget")
def test_a_strategy_that_sees_the_next_bar_is_caught(monkeypatch):
    faulty(
        monkeypatch, run_source, lambda text: text.replace("feature_fast[t]", "feature_fast[t + 1]")
    )

    with pytest.raises(AssertionError, match=r"with(out the| other) bars after \d+: bar \d+, "):
        testing.check_prefix("sma_cross", (3, 8))


@pytest.mark.parametrize("lag_bars", [-1, 3])
def test_a_window_holds_nothing_outside_its_bars(lag_bars):
    """Neither the next bar nor one before the window: both read as NaN, compiled and plain."""

    class Params(NamedTuple):
        back: int = lag_bars

    @indicator(
        params=Params, inputs={"values": window("close", 3), "close": "close"}, warmup_bars=3
    )
    def outside(c: Params, values: Window) -> float:
        return at(values, c.back)

    testing.check_plain(outside)
    with pytest.raises(AssertionError, match="first value on bar"):
        testing.check_warmup(outside)


def test_a_warmup_declared_too_short_is_caught():
    @indicator(inputs={"x": "close", "old": lag("x", 3)}, warmup_bars=2)
    def change(x: float, old: float) -> float:
        return x - old

    with pytest.raises(AssertionError, match=r"valid from bar 2 on.*first value on bar 4"):
        testing.check_warmup(change)


def test_a_value_that_is_nan_later_is_caught():
    @indicator(inputs={"x": "close", "old": lag("x", 1)}, warmup_bars=2)
    def moved(x: float, old: float) -> float:
        return x if x != old else nan

    with pytest.raises(AssertionError, match=r"bar \d+, .*moved\(\) is NaN"):
        testing.check_warmup(moved)


class Counted(NamedTuple):
    """A state."""

    count: int = 0


def test_a_division_by_zero_is_named():
    @indicator(inputs={"x": "close"}, warmup_bars=1)
    def ratio(x: float) -> float:
        return 1.0 / (x - x)

    with pytest.raises(AssertionError, match=r"ZeroDivisionError.*guard the operation"):
        testing.check_plain(ratio)


def test_an_integer_that_overflows_is_caught():
    @indicator(inputs={"x": "close"}, warmup_bars=1, state=Counted)
    def counter(s: Counted, x: float) -> tuple[Counted, float]:
        return Counted(s.count * 3 + 1), x

    with pytest.raises(
        AssertionError, match=r"OverflowError: Counted\.count does not fit into 64 bits"
    ):
        testing.check_plain(counter)


def test_nothing_is_found_where_nothing_is_wrong():
    """The same comparison, unmutated, is silent."""
    kernel = get("sma_cross")
    run = Run("sma_cross", (), kernel, kernel.checked(3, 8))
    data = testing.random_bars(300)

    require_equal(run, "same", record_plain(run, data), record_compiled(run, data, [300]))
