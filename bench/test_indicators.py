"""Indicators: each agrees with its peer, and each is timed."""

import pytest

from bench.bars import bars_of
from bench.indicators import COMPARISONS, indicator_names, largest_error, ours

# TA-Lib's own rolling sums of squares lose digits as the price outgrows the spread.
TOLERANCE = {"stddev": 1e-7}


def test_every_comparison_is_of_a_registered_indicator() -> None:
    assert set(COMPARISONS) <= set(indicator_names())


@pytest.mark.parametrize("name", COMPARISONS)
def test_peer_computes_the_same(name: str) -> None:
    """What is compared in speed is the same in value, the NaN in front included."""
    bars = bars_of(20_000)

    error = largest_error(ours(name, bars)(), COMPARISONS[name].peer(bars))

    assert error <= TOLERANCE.get(name, 1e-9)


@pytest.mark.parametrize("name", indicator_names())
def test_ours(benchmark, name: str, bar_count: int) -> None:
    benchmark.group = name
    benchmark(ours(name, bars_of(bar_count)))


@pytest.mark.parametrize("name", COMPARISONS)
def test_talib(benchmark, name: str, bar_count: int) -> None:
    benchmark.group = name
    benchmark(COMPARISONS[name].peer, bars_of(bar_count))
