"""A venue that matches as the engine does gives the paper run: the same code decided."""

import pytest

from admf_fast.runners.live import LiveRunner
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
