"""Stops that follow the price through splits: the run, its general form and lanes agree."""

import numpy as np
import pytest

from admf_kernels import get, make_terms
from admf_kernels.actions import Actions
from admf_kernels.execution.terms import AMOUNT, FIXED, FRACTION, Account, Exits, Instrument
from admf_kernels.lane_program import LaneProgram
from admf_kernels.program import Program
from tests.engine.kit import follow_volume

BARS, SPLIT_BAR = 96, 40
TS_NS = (np.arange(BARS, dtype=np.int64) + 28_000_000) * 60_000_000_000


def actions(ratio):
    return Actions(
        np.array([TS_NS[SPLIT_BAR] - 1]), np.array([ratio]), np.array([0.0]), np.array([0.0])
    )


def columns(close, volume=None):
    """Return bars that reach a cent above and below their close."""
    volume = np.full(BARS, 1e6) if volume is None else volume
    return TS_NS, close, close + 0.01, close - 0.01, close, volume


def agreed(strategy, terms, ratio, bars):
    """Return the run's position at the end, all ways of making it being equal."""
    params = strategy.checked()
    runs = [
        Program(strategy, params, terms, actions=actions(ratio), general=general)
        for general in (False, True)
    ]
    lanes = LaneProgram(strategy, [params, params], terms, tap=0, actions=actions(ratio))
    for program in (*runs, lanes):
        program.feed(*bars)
    assert runs[0].checksum.tolist() == runs[1].checksum.tolist() == lanes.checksum.tolist()
    assert lanes.differing(0, 1) == []
    assert lanes.ledgers()[1] == runs[0].value("ledger")
    return runs[0].value("q")


@pytest.mark.parametrize("ratio", [0.5, 0.25, 2.0])
@pytest.mark.parametrize("dip", [0.0, 6.0])
@pytest.mark.parametrize(
    ("exits", "ticks"),
    [
        (Exits(trail=AMOUNT, trail_value=5.0), 0.0),
        (Exits(trail=FRACTION, trail_value=0.02), 1.0),
        (Exits(trail=FRACTION, trail_value=0.02), 0.0),
        (Exits(even=AMOUNT, even_value=3.0, even_offset=0.5), 0.0),
    ],
)
def test_a_stop_that_follows_is_the_same_after_a_split(exits, ticks, dip, ratio):
    rise = np.concatenate([np.linspace(100.0, 100.58, SPLIT_BAR), np.zeros(BARS - SPLIT_BAR)])
    # Below the highest price before the split, restated, and rising.
    rise[SPLIT_BAR:] = (100.58 - 0.6) / ratio + 0.008 * np.arange(BARS - SPLIT_BAR)
    rise[-4:] -= dip / ratio
    terms = make_terms(Account(), Instrument(ticks=ticks), x=exits, actions=True)

    agreed(get("buy_and_hold"), terms, ratio, columns(rise))


def test_a_stop_outlives_a_split_whatever_it_was_made_for():
    """One lot is bought, nine more, and one for two is left of each two: five are protected."""
    close = np.where(np.arange(BARS) < SPLIT_BAR, 100.0, 200.0) + 0.02 * np.arange(BARS)
    volume = 4.0 + 4.0 * np.where(np.arange(BARS) < 10, 0.1, 1.0)
    volume[SPLIT_BAR:] *= 0.5  # as it is traded: the strategy goes on to want the same
    account = Account(sizing=FIXED, sizing_value=10.0)
    terms = make_terms(account, x=Exits(trail=FRACTION, trail_value=0.05), actions=True)

    position = agreed(follow_volume, terms, 0.5, columns(close, volume))

    assert position.lots == 5.0
    highest = close[-1] + 0.01
    assert position.stop == highest - highest * 0.05
