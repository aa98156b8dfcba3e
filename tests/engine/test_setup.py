"""From a configuration to a run: kernels, terms, and what the engine reads besides the bars."""

import pytest

from admf_fast.runners.setup import prepare
from admf_kernels.indicators import atr, roc, shift, stddev
from tests.engine.kit import config_of


@pytest.mark.parametrize(
    ("direction", "allowed"),
    [("long_short", (1, 1)), ("long_only", (1, 0)), ("short_only", (0, 1))],
)
def test_direction_says_which_sides_are_traded(direction, allowed):
    account = prepare(config_of(f"direction: {direction}")).terms.a

    assert (account.long_allowed, account.short_allowed) == allowed


def test_the_engine_reads_nothing_that_no_exit_and_no_size_needs():
    assert prepare(config_of("exits: {stop_loss: {percent: 1}}")).inputs == {}


def test_the_engine_reads_the_atr_of_this_bar_and_of_the_one_before():
    found = prepare(config_of("exits: {stop_loss: {atr: 2}, atr_period: 7}")).inputs

    assert {name: output.label for name, output in found.items()} == {
        "atr": str(atr(7).label),
        "atr_before": str(shift(1, of=atr(7)).label),
    }


def test_the_engine_reads_the_deviation_that_sizes():
    text = "sizing: {kind: volatility, percent: 10, bars: 9}\nmetrics: {periods_per_year: 252}"
    found = prepare(config_of(text)).inputs

    assert {n: o.label for n, o in found.items()} == {"deviation": stddev(9, of=roc(1)).label}


def test_a_run_has_the_symbol_of_its_bars():
    assert prepare(config_of()).symbols == ("X",)
