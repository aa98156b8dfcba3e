"""Saved state: refused unless whole and of the same program; then as if never stopped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.errors import StateError
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_kernels import FeatureProgram, Program, get, names, snapshot
from admf_kernels.contract import Indicator, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.execution.terms import Instrument
from admf_kernels.execution.uses import make_terms
from admf_kernels.lane_program import LaneProgram
from admf_kernels.recording import clock_over
from admf_kernels.testing import random_bars
from tests.engine.kit import block_of, follow_volume, setup_of
from tests.kernels.strategies import quick

BARS = random_bars(300, 5)
COSTLY = make_terms(n=Instrument(fee_fixed=1.0))
PERIODS = {"period": 12, "fast": 4, "slow": 11, "entry": 9, "exit": 4, "signal": 3}


def _short(kernel, by: int = 0):
    """Parameters with periods short enough for the bars here."""
    fields = kernel.params._fields
    return kernel.checked(**{n: v + by for n, v in PERIODS.items() if n in fields})


def _all_features():
    kernels = [k for n in names(Indicator) if isinstance(k := get(n), Indicator)]
    made = [(k, k(*_short(k))) for k in kernels]
    return [getattr(feature, output) for k, feature in made for output in k.outputs]


def _lanes(name: str, tap: int = 1) -> LaneProgram:
    kernel = get(name)
    return LaneProgram(kernel, [_short(kernel, by) for by in (1, 0, 2)], tap=tap, block_bars=64)


KINDS = {
    "features": lambda: FeatureProgram(_all_features(), block_bars=64, clock=clock_over(BARS)),
    **{n: lambda n=n: Program(get(n), _short(get(n)), block_bars=64) for n in names(Strategy)},
    **{f"lanes of {n}": lambda n=n: _lanes(n) for n in names(Strategy)},
}


def _fed(program: FeatureProgram, first: int, last: int) -> list[bytes]:
    """Feed bars in blocks; returns what each leaves: columns, outputs, events and checksums."""
    left = []
    for start in range(first, last, 50):
        rows = program.feed(*BARS.rows(start, min(last, start + 50)))
        left += [program.columns[:, rows].tobytes(), program.checksum[rows].tobytes()]
        for values in getattr(program, "per_bar", {}).values():
            left.append(values[rows].tobytes())
        for k, table in enumerate(getattr(program, "events", {}).values()):
            # The row of an event is where it lies in the columns, and no part of the log.
            left += [v[: program.counts[k]].tobytes() for n, v in table.items() if n != "row"]
    return left


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [0, 1, 7, 100, 250])
def test_continues_as_if_never_stopped(kind, cut):
    whole = KINDS[kind]()
    _fed(whole, 0, cut)
    saved = snapshot.save(whole)
    restored = KINDS[kind]()
    snapshot.restore(restored, saved)

    assert snapshot.save(restored) == saved
    assert restored.last_checksum == whole.last_checksum
    assert _fed(restored, cut, 300) == _fed(whole, cut, 300)
    assert snapshot.save(restored) == snapshot.save(whole)


@pytest.fixture(scope="module")
def saved() -> bytes:
    program = KINDS["sma_cross"]()
    _fed(program, 0, 100)
    return snapshot.save(program)


@pytest.fixture(scope="module")
def untouched() -> Program:
    """A program that every test here fails to restore into."""
    return KINDS["sma_cross"]()


def _contents(program: FeatureProgram) -> tuple:
    return (program.state.tobytes(), program.columns.tobytes(), program.cursor, program.bars_seen,
            program.last_checksum)  # fmt: skip


@quick(200)
@given(data=st.data())
def test_damage_at_any_bit_is_refused_and_changes_nothing(saved, untouched, data):
    at, bit = data.draw(st.integers(0, len(saved) - 1)), data.draw(st.integers(0, 7))
    damaged = bytearray(saved)
    damaged[at] ^= 1 << bit
    before = _contents(untouched)

    with pytest.raises(KernelError, match="damaged"):
        snapshot.restore(untouched, bytes(damaged))
    assert _contents(untouched) == before


@quick(100)
@given(data=st.data())
def test_any_other_length_is_refused_and_changes_nothing(saved, untouched, data):
    short = saved[: data.draw(st.integers(0, len(saved) - 1))]
    before = _contents(untouched)

    for wrong in (short, saved + b"\0", short + saved):
        if wrong != saved:
            with pytest.raises(KernelError, match="damaged"):
                snapshot.restore(untouched, wrong)
    assert _contents(untouched) == before


OTHERS = {
    "parameters": lambda: Program(get("sma_cross"), _short(get("sma_cross"), 1)),
    "costs": lambda: Program(get("sma_cross"), _short(get("sma_cross")), COSTLY),
    "strategy": lambda: Program(get("buy_and_hold")),
    "kind": lambda: _lanes("sma_cross"),
    "features": lambda: Program(
        get("sma_cross"), _short(get("sma_cross")), features=[get("ema")(5)]
    ),
}


@pytest.mark.parametrize("other", OTHERS)
def test_state_of_another_program_is_refused_and_changes_nothing(saved, other):
    program = OTHERS[other]()
    before = _contents(program)

    with pytest.raises(KernelError, match="belongs to"):
        snapshot.restore(program, saved)
    assert _contents(program) == before


def test_lanes_with_other_parameters_beside_the_tap_are_refused():
    before = snapshot.save(_lanes("rsi_reversion"))
    kernel = get("rsi_reversion")
    sets = [_short(kernel, by)._replace(high=71.0 if by else 70.0) for by in (1, 0, 2)]

    with pytest.raises(KernelError, match="belongs to"):
        snapshot.restore(LaneProgram(kernel, sets, tap=1, block_bars=64), before)


def test_the_tap_of_lanes_is_part_of_the_state():
    with pytest.raises(KernelError, match="belongs to"):
        snapshot.restore(_lanes("sma_cross", tap=0), snapshot.save(_lanes("sma_cross", tap=1)))


@pytest.mark.parametrize("runner", [HistoricalRunner, LiveRunner])
def test_a_runner_refuses_with_the_error_of_the_state(runner):
    before = runner(setup_of("sma_cross"))
    state = before.save()

    with pytest.raises(StateError, match="damaged"):
        before.restore(b"")
    assert before.save() == state


def test_a_live_runner_continues_after_the_last_bar_it_saved():
    """The bar it saved last is refused, the next one taken; with no bar saved, any is."""
    runner = LiveRunner(setup_of(follow_volume))
    empty = runner.save()
    runner.step(7, 1.0, 1.0, 1.0, 1.0, 4.0)
    later, fresh = LiveRunner(setup_of(follow_volume)), LiveRunner(setup_of(follow_volume))
    later.restore(runner.save())
    fresh.restore(empty)

    with pytest.raises(Exception, match="after the last bar's 7"):
        later.step(7, 1.0, 1.0, 1.0, 1.0, 4.0)
    later.step(8, 1.0, 1.0, 1.0, 1.0, 4.0)
    fresh.step(0, 1.0, 1.0, 1.0, 1.0, 4.0)


def test_history_continues_live_and_back():
    """One state serves both runners."""
    setup = setup_of("sma_cross")
    block = block_of(BARS)
    whole = HistoricalRunner(setup)
    whole.feed(block)
    first, second, third = HistoricalRunner(setup), LiveRunner(setup), HistoricalRunner(setup)
    first.feed(block.slice(0, 90))
    second.restore(first.save())
    for k in range(90, 180):
        second.step(*(column[k].item() for column in block.columns()))
    third.restore(second.save())
    third.feed(block.slice(180, 300))

    assert third.save() == whole.save()
