"""Hypothesis strategies for the kernel tests: bars, parameters, cuts, features."""

import os

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from admf_kernels import get
from admf_kernels.contract import Indicator, Kernel
from admf_kernels.layout import Field, fields_of
from admf_kernels.parameters import defaults_of, range_of
from admf_kernels.recording import Bars

PRICE_MIN, PRICE_MAX = 1e-8, 1e12
SPAN = 24  # how far above its lowest value an integer parameter is drawn


def quick(max_examples: int) -> settings:
    """Settings for a test of `max_examples`; the same examples every time in CI."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def _walk(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.exp(np.cumsum(0.02 * rng.standard_normal(count)))


def _still(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.ones(count)


def _ulps(rng: np.random.Generator, count: int) -> np.ndarray:
    return 1.0 + 2.0**-52 * rng.integers(0, 4, count)


def _spikes(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.where(rng.random(count) < 0.2, 10.0 ** rng.integers(-6, 7, count), 1.0)


def _trend(rng: np.random.Generator, count: int) -> np.ndarray:
    return 1.0 + 0.01 * np.arange(count)


SHAPES = (_walk, _still, _ulps, _spikes, _trend)
segments = st.tuples(
    st.sampled_from(SHAPES),
    st.integers(1, 50),
    st.integers(-8, 12),
    st.integers(0, 2**32 - 1),
)


@st.composite
def bars(draw: st.DrawFn, min_bars: int = 1) -> Bars:
    """Valid bars: prices from 1e-8 to 1e12, jumps, still stretches, moves of one ulp."""
    drawn = draw(st.lists(segments, min_size=1, max_size=5))
    if sum(length for _, length, _, _ in drawn) < min_bars:
        drawn.append((_walk, min_bars, 2, draw(st.integers(0, 99))))
    close = np.concatenate(
        [
            10.0**level * shape(np.random.default_rng(seed), length)
            for shape, length, level, seed in drawn
        ]
    )
    close = np.clip(close, PRICE_MIN, PRICE_MAX)
    count = len(close)
    rng = np.random.default_rng(drawn[0][3])
    before = np.concatenate([close[:1], close[:-1]])
    open_ = np.where(rng.random(count) < 0.5, before, close)
    reach = rng.choice([0.0, 1e-9, 0.01, 0.5], (2, count))
    high = np.maximum(open_, close) * (1.0 + reach[0])
    low = np.minimum(open_, close) * (1.0 - reach[1])
    volume = np.floor(10.0 ** rng.integers(0, 10, count)) * (rng.random(count) < 0.9)
    ts_ns = draw(st.integers(0, 2**61)) + 60_000_000_000 * np.arange(count, dtype=np.int64)
    return Bars(ts_ns, open_, high, low, close, volume)


def _values(field: Field, default: object) -> st.SearchStrategy:
    limits = range_of(field)
    if field.kind == "bool":
        return st.booleans()
    if limits is None:
        return st.just(default)
    if field.kind == "int":
        return st.integers(int(limits.low), int(min(limits.high, limits.low + SPAN)))
    return st.floats(limits.low, min(limits.high, 100.0))


def parameters(kernel: Kernel) -> st.SearchStrategy:
    """Parameters inside the declared ranges that keep the declared rules."""
    defaults = defaults_of(kernel.params)
    fields = fields_of(kernel.params)
    drawn = st.tuples(*(_values(f, defaults.get(f.name)) for f in fields))
    made = drawn.map(lambda values: kernel.params(*values))
    return made.filter(lambda p: all(rule.holds(p) for rule in kernel.rules))


@st.composite
def cuts(draw: st.DrawFn, count: int) -> list[int]:
    """Block sizes that add up to `count`, cut at any positions."""
    if count < 2:
        return [count]
    edges = draw(st.sets(st.integers(1, count - 1), max_size=12))
    return [int(size) for size in np.diff([0, *sorted(edges), count])]


@st.composite
def features(draw: st.DrawFn, names: tuple[str, ...], depth: int = 3) -> object:
    """A feature over bar columns, or over other features, nested up to `depth`."""
    kernel = get(draw(st.sampled_from(names)))
    params = draw(parameters(kernel))
    sources = [
        draw(features(names, depth - 1))
        if depth > 1 and draw(st.booleans())
        else draw(st.sampled_from(("open", "high", "low", "close", "volume")))
        for _ in kernel.sources
    ]
    made = kernel(*params, of=tuple(sources))
    if isinstance(kernel, Indicator) or len(kernel.outputs) > 1:
        return getattr(made, draw(st.sampled_from(kernel.outputs)))
    return made
