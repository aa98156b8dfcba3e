"""Look-ahead is caught on the bar it is on; what looks back is never accused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.checks.look_ahead import look_ahead, source_ahead
from admf_fast.data import BarBlock, concat_blocks
from admf_fast.runners.setup import prepare
from admf_kernels import drivers
from admf_kernels.codegen import scan
from tests.containers.kit import averages, block, config_of, examples, some_bars
from tests.kernels.strategies import quick

MINUTE_NS = 60_000_000_000


@pytest.fixture
def ahead(monkeypatch):
    """Return a function that makes every indicator read one row later, where a text says."""

    def plant(where: str) -> None:
        right = scan.source

        def source(*args, **kwargs):
            text = right(*args, **kwargs)
            changed = text.replace("in_value[u]", f"in_value[{where}]")
            assert changed != text
            return changed

        monkeypatch.setattr(scan, "source", source)

    caches = (drivers.for_indicator, drivers.for_strategy)
    for cache in caches:
        cache.cache_clear()
    yield plant
    for cache in caches:
        cache.cache_clear()


@quick(20)
@given(examples, averages, some_bars)
def test_nothing_that_looks_back_is_accused(example, pair, bars):
    found = list(look_ahead(prepare(config_of(example, *pair)), bars))

    assert [f.status for f in found] == ["ok" if len(bars) >= pair[1] else "note"]
    assert f"{len(bars):,} bar" in found[0].text


def test_a_kernel_that_reads_the_next_row_is_caught_and_named(ahead):
    ahead("u + 1")
    found = list(look_ahead(prepare(config_of()), block(200)))

    assert {f.status for f in found} == {"failed"}
    # The first bar comes first, and on it the feature before the state that holds it.
    assert [f.subject for f in found[:2]] == ["sma(3)", "state"]
    assert "uses later bars: bar 0 " not in found[0].text
    assert "with later bars" in found[0].text
    assert "sma(9)" in {f.subject for f in found}


def test_a_single_bar_that_looks_ahead_is_caught_on_that_bar(ahead):
    """Every bar is looked at, not some of them."""
    ahead("u + (1 if seen == 137 else 0)")
    found = list(look_ahead(prepare(config_of()), block(200)))

    assert found[0].status == "failed"
    assert found[0].subject == "sma(3)"
    assert "uses later bars: bar 137 " in found[0].text


def honest(bars: BarBlock):
    return lambda ts_ns: [bars.slice(0, int(np.searchsorted(bars.ts_ns, ts_ns, "right")))]


@quick(20)
@given(some_bars)
def test_an_honest_source_is_not_accused(bars):
    assert [f.status for f in source_ahead(bars, honest(bars))] == ["ok"]


def resampled(minutes: BarBlock, size: int, *, closed_only: bool = True) -> BarBlock:
    """Return longer bars; the last one, if it has not closed, only where that is wanted."""
    made = []
    for first in range(0, len(minutes), size):
        part = minutes.slice(first, first + size)
        if len(part) < size and closed_only:
            break
        close_ns = int(part.ts_ns[0]) + (size - 1) * MINUTE_NS
        made.append(BarBlock(
            np.array([close_ns]), part.open[:1], np.array([part.high.max()]),
            np.array([part.low.min()]), part.close[-1:], np.array([float(part.volume.sum())]),
        ))  # fmt: skip
    return concat_blocks(made)


MINUTES = block(203)


def until(ts_ns: int) -> BarBlock:
    return MINUTES.slice(0, int(np.searchsorted(MINUTES.ts_ns, ts_ns, "right")))


def test_a_resampled_bar_that_has_not_closed_is_caught():
    bars = resampled(MINUTES, 5)
    fine = source_ahead(bars, lambda ts_ns: [resampled(until(ts_ns), 5)])
    assert [f.status for f in fine] == ["ok"]

    def in_progress(ts_ns):
        return [resampled(until(ts_ns + MINUTE_NS), 5, closed_only=False)]

    found = list(source_ahead(bars, in_progress))
    assert [f.status for f in found] == ["failed"]
    assert "not closed yet" in found[0].text


def test_a_bar_stamped_at_its_open_with_the_values_of_its_close_is_caught():
    """The values of the last known bar change while it lasts."""
    whole = resampled(MINUTES, 5)
    bars = BarBlock(whole.ts_ns - 4 * MINUTE_NS, *whole.columns()[1:])

    def as_known(ts_ns):
        made = resampled(until(ts_ns), 5, closed_only=False)
        return [BarBlock(made.ts_ns - 4 * MINUTE_NS, *made.columns()[1:])]

    found = list(source_ahead(bars, as_known))
    assert [f.status for f in found] == ["failed"]
    assert "later it is" in found[0].text


@quick(20)
@given(st.sampled_from(("open", "high", "low", "close", "volume")), st.integers(0, 39))
def test_a_history_that_is_rewritten_is_caught(column, row):
    bars = block(200)

    def rewritten(ts_ns):
        known = concat_blocks(list(honest(bars)(ts_ns)))
        values = {n: getattr(known, n).copy() for n in ("open", "high", "low", "close", "volume")}
        values[column][row] = np.nextafter(values[column][row], np.inf)
        return [BarBlock(known.ts_ns, **values)]

    found = list(source_ahead(bars, rewritten))
    assert [f.status for f in found] == ["failed"]
    assert f"{column} of bar {row} " in found[0].text


def test_a_source_that_held_bars_back_is_caught():
    bars = block(100)
    found = list(source_ahead(bars, lambda ts_ns: [honest(bars)(ts_ns)[0].slice(0, 10)]))

    assert [f.status for f in found] == ["failed"]
    assert "it gave 10 bars where later it has" in found[0].text
