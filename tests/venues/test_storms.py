"""Everything goes wrong at once, by a seed; afterwards the books of both sides agree."""

from random import Random

import pytest

from admf_fast.journal.messages import Command, Report, Sent
from admf_fast.venues.limits import GatewayLimits
from tests.venues.rig import SECOND_NS, Rig, bar_of, rows_of, setup_of
from tests.venues.test_proof import CASES

LIMITS = GatewayLimits(
    orders_per_minute=0, price_band=0.0, rejects_in_row=0, send_rate=0.0,
    answer_ns=3 * SECOND_NS, grace_ns=4 * SECOND_NS, reconcile_ns=20 * SECOND_NS,
)  # fmt: skip


def storm(seed: int, case: str) -> Rig:
    """Run bars with random faults, then let the venue be good for a while."""
    chance = Random(seed)
    rig = Rig(setup_of(CASES[case]), LIMITS)
    faults, clean = rig.exchange.faults, rig.exchange.faults.__class__
    faults.totals = chance.random() < 0.7
    for row in rows_of(150, seed):
        if chance.random() < 0.5:
            _provoke(faults, chance)
        _play(rig, row, chance)
        rig.step(row)
        if rig.gateway.frozen:
            rig.command("resume")
        for k in range(chance.randrange(0, 30, 5)):
            rig.poll(row[0] + k * SECOND_NS)
    rig.exchange.faults = clean(totals=faults.totals)
    for _ in range(120):
        rig.poll(rig.now_ns + SECOND_NS)
    return rig


def _provoke(faults, chance):
    faults.down = chance.random() < 0.1
    faults.lose_requests = int(chance.random() < 0.1)
    faults.lose_acks = int(chance.random() < 0.2)
    faults.duplicate = chance.randrange(3)
    faults.reject = int(chance.random() < 0.05)
    faults.parts = chance.randrange(1, 4)
    faults.latency_ns = chance.choice((0, 0, SECOND_NS, 2 * SECOND_NS))
    faults.reorder = chance.random() < 0.2
    faults.hide_open = chance.randrange(2)


def _play(rig, row, chance):
    """Let a bar happen: fills, and reports of them now and then in between."""
    if rig.exchange.faults.down:
        return
    rig.now_ns = row[0]
    rig.exchange.begin(bar_of(row))
    while rig.exchange.fill_next():
        if chance.random() < 0.7:
            rig.poll(row[0])
    rig.exchange.close()


@pytest.mark.parametrize("case", ["market", "limit", "trail"])
@pytest.mark.parametrize("seed", range(8))
def test_after_a_storm_the_books_agree(case, seed):
    rig = storm(seed, case)
    reports = [m for m in rig.journal if isinstance(m, Report)]
    fills = [r for r in reports if r.lots]
    # Rejected exits, and what a venue that reorders and does not count makes of a race.
    stops = {m.reason[:3] for m in rig.journal if isinstance(m, Command) and m.origin == "limit"}

    assert stops <= {"O01", "O04", "O09"}
    assert len(fills) > 5
    assert rig.gateway.settled, [o for o in rig.gateway.book.working() if o.stage != "idle"]
    theirs = rig.exchange.held["X"]
    assert rig.lots == rig.gateway.book.held["X"] == sum(r.lots for r in fills) == theirs
    assert len({r.report_id for r in reports}) == len(reports)
    spent = sum(r.lots * r.price * rig.setup.terms.n.lot_value + r.fee for r in fills)
    assert rig.cash == pytest.approx(rig.setup.terms.a.cash - spent, rel=1e-12)
    assert rig.cash == pytest.approx(rig.exchange.cash, rel=1e-12)
    sent = [(m.client_id, m.attempt) for m in rig.journal if isinstance(m, Sent)
            and m.action == "submit"]  # fmt: skip
    assert len(set(sent)) == len(sent)
    ids = [o.intent.client_id for o in rig.exchange.past]
    assert not ids, "an id was used twice"
    working = {v.client_id for v in rig.exchange.open_orders()}
    mine = {o.intent.client_id for o in rig.gateway.book.working()}
    values = rig.runner.program.values()
    engine = {rig.intents.client_id(v.id) for n, v in values.items()
              if n.startswith("order ") and v.id}  # fmt: skip
    assert working == mine == engine
