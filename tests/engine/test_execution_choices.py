"""Choices of execution, each on a few bars, and the compiled form of each against plain Python."""

import numpy as np
import pytest

from admf_kernels import orders
from admf_kernels.execution.log import TABLES
from admf_kernels.execution.records import Request
from admf_kernels.indicators.sma import sma
from admf_kernels.plain import PlainProgram
from admf_kernels.registry import strategy
from admf_kernels.testing import random_bars
from tests.peers import ours
from tests.peers.kinds import Bars, PeerResult

FLAT = (100.0, 100.0, 100.0, 100.0)
WANTED = 'strategy: {kernel: "tests.peers.told:told_target"}\naccount: {cash: 10000}\n'


@strategy(features=lambda p: {"average": sma(5)}, orders=2)
def follows_by_hand(position: float, close: float, average: float) -> tuple[Request, Request]:
    """Buy at random, move the stop up by hand, and reduce by an order that may come too late."""
    if position == 0.0:
        enter = orders.market(10.0, 0.9 * close) if close > average else orders.keep()
        return enter, orders.keep()
    late = orders.limit(-10.0, 1.02 * close, reduce_only=True)
    return orders.move_stop(0.99 * close), late


def _run(config: str, wanted: dict[int, float], *rows: tuple[float, ...]) -> PeerResult:
    bars = Bars(*np.array(rows).T)
    values = np.full(len(bars), 10.0)
    values[list(wanted)] = list(wanted.values())
    setup = ours.setup_of(WANTED + config)
    return ours.as_peer(setup, ours.run(setup, bars, {"value": values}), bars)


def _fills(result: PeerResult) -> list[tuple[int, float, float]]:
    return [(f.bar, f.units, f.price) for f in result.fills]


@pytest.mark.parametrize(("at", "units"), [("close", 100.0), ("fill", 125.0)])
def test_an_order_is_sized_at_the_close_or_where_it_fills(at, units):
    config = f"sizing: {{kind: all_in, at: {at}}}\n"

    assert _fills(_run(config, {0: 1.0}, FLAT, (80.0, 80.0, 80.0, 80.0))) == [(1, units, 80.0)]


def test_a_turn_sized_at_the_fill_pays_for_leaving_first():
    config = "sizing: {kind: all_in, at: fill}\ncosts: {fee_bps: 1000, fee_fixed: 5}\n"

    fills = _run(config, {0: 1.0, 1: -1.0}, FLAT, FLAT, FLAT).fills

    # 90 lots cost 9,905; of 95 + 9,000 - 900, less 5, come 74 at 110 each.
    assert [f.units for f in fills] == [90.0, -164.0]
    assert [f.commission for f in fills] == [905.0, 1645.0]


@pytest.mark.parametrize(
    ("reversal", "units"), [("one_order", [-200.0]), ("two_orders", [-100.0] * 2)]
)
def test_a_position_is_turned_by_one_order_or_two(reversal, units):
    config = f"execution: {{reversal: {reversal}}}\n"

    fills = _run(config, {0: 1.0, 1: -1.0}, FLAT, FLAT, FLAT).fills

    assert [f.units for f in fills[1:]] == units


def test_on_margin_the_second_order_has_the_power_that_the_first_sets_free():
    config = "sizing: {kind: percent, percent: 200}\nexecution: {reversal: two_orders}\n"
    config = config.replace("sizing", "direction: long_short\nsizing")
    doubled = WANTED.replace("cash: 10000", "cash: 10000, leverage: 2")
    bars = Bars(*np.array([FLAT] * 3).T)
    setup = ours.setup_of(doubled + config)

    result = ours.run(setup, bars, {"value": np.array([1.0, -1.0, 10.0])})

    assert result.tables["fills"]["lots"].to_pylist() == [200, -200, -200]


@pytest.mark.parametrize(("rule", "units"), [("reduce", [80.0]), ("reject", [])])
def test_what_cannot_be_paid_is_reduced_or_rejected(rule, units):
    config = f"execution: {{unaffordable: {rule}}}\n"

    fills = _run(config, {0: 1.0}, FLAT, (125.0, 125.0, 125.0, 125.0)).fills

    assert [f.units for f in fills] == units


@pytest.mark.parametrize(
    ("where", "prices"),
    [("every_fill", (101.0, 94.05)), ("no_brackets", (101.0, 95.95)), ("entries", (101.0, 95.95))],
)
def test_slippage_moves_every_fill_or_some(where, prices):
    config = f"costs: {{slippage_bps: 100, slippage_on: {where}}}\n"
    config += "exits: {stop_loss: {percent: 5}}\n"
    if where == "every_fill":
        config = config.replace("percent: 5", "amount: 6")

    result = _run(config, {0: 1.0}, FLAT, FLAT, (100.0, 100.0, 90.0, 90.0))

    assert [f.price for f in result.fills] == pytest.approx(prices)


@pytest.mark.parametrize(("rule", "bar"), [("pessimistic", 1), ("next_bar", 1), ("none", 2)])
def test_exits_of_an_entry_at_the_open_may_wait_for_the_next_bar(rule, bar):
    config = f"execution: {{entry_bar: {rule}}}\nexits: {{stop_loss: {{percent: 5}}}}\n"

    trade = _run(
        config, {0: 1.0}, FLAT, (100.0, 100.0, 90.0, 94.0), (*FLAT[:2], 90.0, 94.0)
    ).trades[0]

    assert (trade.exit_bar, trade.exit_price) == (bar, 95.0)


@pytest.mark.parametrize(("base", "price"), [("fill", 95.0), ("close", 114.0)])
def test_distances_count_from_the_fill_or_the_close(base, price):
    config = f"execution: {{entry_bar: none}}\nexits: {{base: {base}, stop_loss: {{percent: 5}}}}\n"
    rows = (FLAT, (100.0, 120.0, 100.0, 120.0), (120.0, 120.0, 90.0, 90.0))

    assert _run(config, {0: 1.0}, *rows).trades[0].exit_price == price


CHOICES = [
    "sizing: {kind: all_in, at: fill}\nexecution: {reversal: two_orders, unaffordable: reject}\n",
    "sizing: {kind: percent, percent: 50, at: fill}\ncosts: {fee_bps: 3, slippage_bps: 5}\n"
    "exits: {stop_loss: {percent: 1}, base: close}\nexecution: {fill: same_close}\n",
    "execution: {entry_bar: none}\nexits: {base: close, trailing_stop: {percent: 1}, "
    "take_profit: {percent: 1}}\ncosts: {slippage_bps: 5, slippage_on: no_brackets}\n",
    "costs: {slippage_bps: 5, slippage_on: entries, fee_fixed: 1}\n"
    "execution: {reversal: two_orders}\nACCOUNT",
]


@pytest.mark.parametrize(
    "kernel", ["sma_cross", "tests.engine.test_execution_choices:follows_by_hand"]
)
@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_the_same_compiled_and_plain(choice, kernel):
    text = choice.replace("ACCOUNT", "account: {leverage: 3}\n")
    setup = ours.setup_of(f'strategy: {{kernel: "{kernel}"}}\n{text}')
    bars = random_bars(400, 5)
    program = setup.program()
    plain = PlainProgram(setup.strategy, setup.params, setup.terms, inputs=setup.inputs)

    rows = program.feed(*bars)
    steps = [plain.step(*row) for row in zip(*(c.tolist() for c in bars), strict=True)]

    assert [s.checksum for s in steps] == program.checksum[rows].tolist()
    assert [s.equity for s in steps] == program.per_bar["equity"][rows].tolist()
    for k, name in enumerate(TABLES):
        assert sum(len(s.events[name]) for s in steps) == program.counts[k]
    assert program.values()["ledger"].fills > 10
