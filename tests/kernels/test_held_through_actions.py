"""Positions and their orders held through splits and dividends."""

import numpy as np
import pytest

from admf_kernels import Account, Exits, Program, make_terms
from admf_kernels.actions import actions_of
from admf_kernels.execution.reasons import CORPORATE_ACTION
from admf_kernels.execution.terms import FIXED, FRACTION
from admf_kernels.recording import Run, record_compiled, record_plain, require_equal
from tests.kernels.flat import MINUTE_NS, flat_bars, follow_volume


@pytest.mark.parametrize(("side", "lots"), [(8.0, 100), (0.0, -100), (4.0, 0)])
def test_a_dividend_is_paid_to_who_held_and_by_who_was_short(side, lots):
    data = flat_bars([50.0, 50.0, 50.0, 48.0, 48.0], [side] * 5)
    terms = make_terms(Account(sizing=FIXED, sizing_value=100.0), actions=True)
    program = Program(follow_volume, None, terms, actions=actions_of([(3 * MINUTE_NS, 1, 2, 0)]))
    rows = program.feed(*data)

    equity, cash = program.per_bar["equity"][rows], program.per_bar["cash"][rows]
    assert equity.tolist() == [100_000.0] * 5
    assert np.diff(cash).tolist() == [-50.0 * lots, 0.0, 2.0 * lots, 0.0]
    assert program.values()["wallet"].dividends == 2.0 * lots


def test_who_buys_at_the_open_of_the_day_gets_no_dividend():
    data = flat_bars([50.0, 50.0, 50.0, 48.0, 48.0], [4.0, 4.0, 8.0, 8.0, 8.0])
    terms = make_terms(Account(sizing=FIXED, sizing_value=100.0), actions=True)
    program = Program(follow_volume, None, terms, actions=actions_of([(3 * MINUTE_NS, 1, 2, 0)]))
    program.feed(*data)

    assert program.values()["wallet"].dividends == 0.0
    assert program.values()["q"].lots == 100.0


@pytest.mark.parametrize(("side", "sign"), [(8.0, 1.0), (0.0, -1.0)])
def test_what_is_left_of_a_lot_is_paid_in_cash(side, sign):
    """101 lots at 10, one for two: 50 lots, and half of one paid at the open of 20."""
    data = flat_bars([10.0, 10.0, 10.0, 20.0, 20.0, 20.0], [side] * 4 + [4.0] * 2, split=0.5)
    terms = make_terms(Account(sizing=FIXED, sizing_value=101.0), actions=True)
    program = Program(follow_volume, None, terms, actions=actions_of([(3 * MINUTE_NS, 0.5, 0, 0)]))
    rows = program.feed(*data)

    assert program.per_bar["lots"][rows].tolist() == [sign * k for k in (0, 101, 101, 50, 50, 0)]
    assert program.per_bar["equity"][rows].tolist() == [100_000.0] * 6
    assert program.values()["wallet"].dividends == sign * 10.0
    assert program.events["trades"]["lots"][0] == sign * 50


@pytest.mark.parametrize("lots", [7, 9, 49, 98, 103, 9973])
def test_whole_lots_stay_whole(lots):
    """One for `lots`: one lot is left, and a trade of one lot, whatever the last bits say."""
    prices = [10.0, 10.0, 10.0] + [10.0 * lots] * 3
    terms = make_terms(Account(cash=1e9, sizing=FIXED, sizing_value=lots * 1.0), actions=True)
    program = Program(
        follow_volume, None, terms, actions=actions_of([(3 * MINUTE_NS, 1.0 / lots, 0, 0)])
    )
    rows = program.feed(*flat_bars(prices, [8.0] * 4 + [4.0] * 2, split=1.0 / lots))

    assert program.per_bar["lots"][rows].tolist() == [0, lots, lots, 1, 1, 0]
    assert program.events["trades"]["lots"][0] == 1
    assert program.values()["wallet"].dividends == 0.0


def test_less_than_a_lot_ends_the_round_trip():
    """Three lots, one for ten: all of it is paid, its stop is canceled, the next trade is new."""
    prices = [10.0, 10.0, 10.0, 100.0, 100.0, 100.0, 100.0, 100.0]
    data = flat_bars(prices, [8.0, 8.0, 8.0, 4.0, 8.0, 8.0, 4.0, 4.0], split=0.1)
    terms = make_terms(Account(sizing=FIXED, sizing_value=3.0), x=Exits(FRACTION, 0.5),
                       actions=True)  # fmt: skip
    table = actions_of([(3 * MINUTE_NS, 0.1, 0, 0)])
    run = Run("x", (), follow_volume, follow_volume.checked(), terms, table)
    program = run.compiled(8)
    rows = program.feed(*data)

    require_equal(run, "plain", record_plain(run, data), record_compiled(run, data, [8]))
    assert program.per_bar["equity"][rows].tolist() == [100_000.0] * 8
    assert program.per_bar["lots"][rows].tolist() == [0, 3, 3, 0, 0, 3, 3, 0]
    assert CORPORATE_ACTION in program.events["orders"]["reason"][: program.counts[1]]
    trades = program.events["trades"]
    assert (trades["pnl"][0], trades["entry_price"][0], trades["lots"][0]) == (0.0, 100.0, 3)
