"""A venue that matches as the engine does gives the paper run: the same code decided."""

import numpy as np
import pytest

from admf_fast.data import BarBlock
from admf_fast.journal.messages import Intent, Report
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_fast.venues.intents import Intents
from tests.venues.rig import Rig, rows_of, setup_of

COSTS = "costs: {fee_bps: 2, slippage_bps: 1}\n"
LONG = "direction: long_only\n"
SHORT = "direction: short_only\n"
FIXED = "sizing: {kind: fixed, quantity: 7}\n"
PERCENT = "sizing: {kind: percent, percent: 40}\n"
CASES = {
    "market": COSTS + PERCENT,
    "limit": LONG + COSTS + FIXED + "entry: {order: limit, limit: {percent: 0.2}}\n",
    "limit for bars": SHORT + COSTS + FIXED + "entry: {order: limit, limit: {percent: 1}, "
    "time_in_force: GTD, bars: 3}\n",
    "stop": SHORT + COSTS + FIXED + "entry: {order: stop, stop: {percent: 0.2}}\n",
    "bracket": COSTS + FIXED + "exits: {stop_loss: {percent: 1}, take_profit: {percent: 1.5}, "
    "memory: none}\n",
    "trail": COSTS + FIXED + "exits: {trailing_stop: {percent: 1}, break_even: {percent: 0.5}, "
    "take_profit: [{percent: 1, part: 50}, {percent: 3, part: 50}], memory: none}\n",
}
ORDER = ("ts", "kind", "role", "lots", "limit", "stop")
FILL = ("ts", "status", "role", "lots", "price", "fee", "liquidity")
TRADE = ("entry_ts", "ts", "lots", "entry_price", "exit_price", "pnl", "fees", "reason", "bars")


def columns(table, names, **equal):
    rows = table.to_pylist()
    kept = [r for r in rows if all(r[n] == v for n, v in equal.items())]
    return [tuple(r[n] for n in names) for r in kept]


@pytest.mark.parametrize("case", CASES)
def test_a_venue_that_matches_as_the_engine_does_gives_the_paper_run(case):
    setup = setup_of(CASES[case])
    rows = rows_of(400, 5)
    paper = LiveRunner(setup)
    for row in rows:
        paper.step(*row)
    rig = Rig(setup).run(rows)

    assert rig.lots == int(paper.program.values()["q"].lots) == rig.exchange.held["X"]
    assert rig.cash.hex() == paper.program.values()["wallet"].cash.hex()
    assert rig.exchange.cash.hex() == rig.cash.hex()
    mine, theirs = rig.runner.finish(), paper.finish()
    assert columns(mine.tables["signals"], ("ts", "signal")) == columns(
        theirs.tables["signals"], ("ts", "signal")
    )
    assert columns(mine.tables["orders"], ORDER, status="submitted") == columns(
        theirs.tables["orders"], ORDER, status="accepted"
    )
    fills = columns(mine.tables["fills"], FILL)
    assert len(fills) >= 10
    assert fills == columns(theirs.tables["fills"], FILL)
    assert columns(mine.tables["trades"], TRADE) == columns(theirs.tables["trades"], TRADE)


@pytest.mark.parametrize("kind", ["limit: {order: limit, limit", "stop: {order: stop, stop"])
def test_a_turn_by_limit_or_stop_order_is_sent_as_two_orders_that_hold_the_same(kind):
    """Paper has the entry take what the leaving order left over; a venue might fill both."""
    setup = setup_of(COSTS + FIXED + f"entry: {kind.partition(': ')[2]}: {{percent: 0.2}}}}\n")
    rows = rows_of(400, 5)
    paper = LiveRunner(setup)
    for row in rows:
        paper.step(*row)
    rig = Rig(setup).run(rows)
    mine, theirs = (r.finish().tables["equity"] for r in (rig.runner, paper))

    assert mine["lots"].to_pylist() == theirs["lots"].to_pylist()
    assert mine["cash"].to_pylist() == pytest.approx(theirs["cash"].to_pylist(), rel=1e-12)
    assert {-7, 7} <= set(mine["lots"].to_pylist())


@pytest.mark.parametrize("case", ["market", "trail"])
def test_history_with_the_same_bars_and_reports_is_the_same_run_bit_for_bit(case):
    rig, rows = Rig(setup_of(CASES[case])), rows_of(200, 5)
    rig.run(rows[:90])
    rig.command("freeze")
    rig.run(rows[90:120])
    rig.command("resume")
    rig.run(rows[120:])
    history = HistoricalRunner(rig.setup)
    for each in rig.inputs:
        if isinstance(each, tuple):
            columns = [np.array([value]) for value in each]
            history.feed(BarBlock(*columns))
        elif isinstance(each, Report):
            history.report(each)
        else:
            history.halt(each.action)

    assert history.state_checksum == rig.runner.state_checksum
    assert history.finish().layers == rig.runner.finish().layers


def test_a_run_that_is_restored_between_a_fill_and_the_next_goes_on_as_if_nothing_had_been():
    setup, rows = setup_of(CASES["trail"]), rows_of(200, 5)
    whole, parts = Rig(setup).run(rows), Rig(setup)
    for k, row in enumerate(rows):
        parts.trade(row)
        parts.step(row)
        if k % 9 == 0:
            _restore(parts)

    assert parts.runner.state_checksum == whole.runner.state_checksum
    assert [m for m in parts.journal if isinstance(m, Intent)] == [
        m for m in whole.journal if isinstance(m, Intent)
    ]


def _restore(rig):
    saved, rig.runner = rig.runner.save(), LiveRunner(rig.setup)
    rig.runner.restore(saved)
    rig.intents = Intents(rig.runner, lineage="test")


def test_a_flattened_run_closes_at_the_venue_and_stays_closed():
    rig, rows = Rig(setup_of(CASES["trail"])), rows_of(200, 5)
    rig.run_until(iter(rows), lambda rig: rig.lots and len(rig.inputs) > 60)
    done = sum(isinstance(i, tuple) for i in rig.inputs)
    rig.command("flatten")
    rig.run(rows[done:])

    assert rig.lots == 0 == rig.exchange.held["X"]
    assert not rig.gateway.book.working()
    closed = [f for f in rig.runner.finish().tables["fills"].to_pylist() if f["role"] == "operator"]
    assert len(closed) == 1
