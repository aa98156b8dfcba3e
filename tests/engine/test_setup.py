"""From a configuration to an account."""

import pytest

from admf_fast.errors import ConfigError
from admf_fast.runners.setup import account_of
from admf_kernels.execution import account as accounts
from admf_kernels.execution.account import Account
from admf_kernels.execution.costs import LOTS_MAX
from tests.engine.kit import config_of


def test_units_of_the_configuration_become_those_of_the_account():
    text = """
account: {cash: 5000}
instrument: {lot_size: 10, tick_size: 0.25}
sizing: {kind: percent, percent: 50}
execution: {fill: same_close}
costs: {fee_bps: 1000, fee_per_share: 0.5, fee_fixed: 2, slippage_bps: 1, slippage_ticks: 3}
direction: long_only
"""
    assert account_of(config_of(text)) == Account(
        cash=5000.0,
        lot_size=10.0,
        fee_rate=1000.0 * 1e-4,
        fee_per_unit=0.5,
        fee_fixed=2.0,
        slippage_rate=1e-4,
        slippage_amount=0.75,
        sizing=accounts.PERCENT,
        sizing_value=0.5,
        fill=accounts.SAME_CLOSE,
        long_allowed=True,
        short_allowed=False,
    )


@pytest.mark.parametrize(
    ("direction", "allowed"),
    [("long_short", (1, 1)), ("long_only", (1, 0)), ("short_only", (0, 1))],
)
def test_direction_says_which_sides_are_traded(direction, allowed):
    account = account_of(config_of(f"direction: {direction}"))

    assert (account.long_allowed, account.short_allowed) == allowed


def test_a_quantity_is_counted_in_whole_lots():
    text = "instrument: {lot_size: 0.01}\nsizing: {kind: fixed, quantity: 0.07}"

    assert account_of(config_of(text)).sizing_value == 7.0


def test_a_quantity_whose_lots_cannot_be_counted_is_refused():
    """Beyond whole numbers of a float64, lots would wrap around as int64."""
    most = config_of(f"sizing: {{kind: fixed, quantity: {LOTS_MAX!r}}}")
    more = config_of(f"sizing: {{kind: fixed, quantity: {2 * LOTS_MAX!r}}}")

    assert account_of(most).sizing_value == LOTS_MAX
    with pytest.raises(ConfigError, match=r"small.yaml:3: .*at most 281474976710656 lots"):
        account_of(more)
