"""`compute` over columns and `Stream` value by value: one kernel, one result."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import KernelError, Stream, compute
from admf_kernels.indicators import atr, bollinger, macd, rolling_max, rsi, session_vwap, sma
from admf_kernels.plan import Plan, bar_columns_of
from admf_kernels.recording import Bars, clock_over
from admf_kernels.stream import _outputs
from admf_kernels.testing import random_bars
from tests.kernels.strategies import bars, quick

FEATURES = [
    sma(20),
    sma(50, of=atr(14)),
    rsi(7, of=macd(3, 6, 2).histogram),
    bollinger(10, 2.0),
    bollinger(10, 2.0).lower,
    rolling_max(30, of="high"),
    rolling_max(9, of=sma(4, of="volume")),
    atr(14),
    sma(3, of=session_vwap()),
]


def columns_for(feature, drawn: Bars):
    outputs = _outputs(feature)
    clock = clock_over(drawn).columns(drawn.ts_ns)
    columns = [*drawn, *(clock[name] for name in Plan(outputs).clock_columns)]
    return [columns[k] for k in bar_columns_of(outputs)]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.label)
@quick(15)
@given(drawn=bars(), block_bars=st.integers(1, 200))
def test_compute_does_not_depend_on_the_block(feature, drawn, block_bars):
    columns = columns_for(feature, drawn)

    whole = np.array(compute(feature, *columns))
    cut = np.array(compute(feature, *columns, block_bars=block_bars))

    assert np.array_equal(whole.view(np.int64), cut.view(np.int64))


@pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.label)
def test_stream_gives_what_compute_gives(feature):
    """Over more bars than the stream keeps."""
    columns = columns_for(feature, random_bars(2500))
    stream = Stream(feature)

    live = [stream.update(*map(float, values)) for values in zip(*columns, strict=True)]

    whole = np.array(compute(feature, *columns))
    assert np.array_equal(np.array(live).T.copy().view(np.int64), whole.view(np.int64))


@pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.label)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_bars_are_enough(feature, count):
    found = np.array(compute(feature, *columns_for(feature, random_bars(count))))

    assert found.shape[-1] == count
    assert np.all(np.isnan(found))


def test_columns_are_converted_once():
    close = random_bars(100).close

    expected = compute(sma(5), close)

    assert np.array_equal(compute(sma(5), close.tolist()), expected, equal_nan=True)
    assert np.array_equal(compute(sma(5), np.repeat(close, 2)[::2]), expected, equal_nan=True)
    assert np.array_equal(compute(sma(5), close.astype(">f8")), expected, equal_nan=True)


def test_the_input_is_left_alone():
    close = random_bars(300).close
    before = close.copy()
    close.setflags(write=False)

    compute(sma(5, of=sma(3)), close)

    assert np.array_equal(close, before)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((), r"expected 3 one-dimensional column\(s\) of equal length, found \[\]"),
        (([1.0], [1.0]), r"expected 3 one-dimensional column\(s\)"),
        (([1.0], [1.0], [1.0, 2.0]), r"found \[\(1,\), \(1,\), \(2,\)\]"),
        (([[1.0]], [[1.0]], [[1.0]]), "one-dimensional"),
    ],
)
def test_wrong_columns(columns, message):
    with pytest.raises(KernelError, match=message):
        compute(atr(14), *columns)


def test_a_stream_wants_all_its_values():
    with pytest.raises(KernelError, match=r"expected 3 value\(s\), found 1"):
        Stream(atr(14)).update(1.0)
