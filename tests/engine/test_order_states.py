"""The life of an order: which states may follow which, and that every log keeps to it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from admf_kernels.execution.orders import may_become
from admf_kernels.execution.reasons import STATUSES
from admf_kernels.execution.terms import SAME_CLOSE
from tests.engine.any_terms import all_terms, hostile_run
from tests.kernels.strategies import quick

# Written down from FIX 4.4, appendix D, without its states that do not exist here.
MAY_FOLLOW = {
    "none": "submitted accepted denied rejected",
    "submitted": "accepted rejected partially_filled filled canceled expired",
    "accepted": "partially_filled filled canceled expired",
    "partially_filled": "partially_filled filled canceled expired",
    "filled": "",
    "canceled": "",
    "expired": "",
    "denied": "",
    "rejected": "",
}
FINAL = {state for state, following in MAY_FOLLOW.items() if not following}
BRACKET = {"stop_loss", "take_profit", "trailing_stop", "break_even"}
CLOSING = {"stop_loss", "trailing_stop", "break_even", "max_bars", "session_end", "daily_loss",
           "drawdown", "liquidation"}  # fmt: skip


def test_the_states_are_those_of_the_table():
    assert (*MAY_FOLLOW, "replaced", "canceling") == STATUSES


def test_exactly_the_transitions_of_the_table_are_allowed():
    for before, after in itertools.product(MAY_FOLLOW, repeat=2):
        found = may_become(STATUSES.index(before), STATUSES.index(after))
        assert bool(found) == (after in MAY_FOLLOW[before].split()), (before, after)


class Life:
    """One order through the log: checked event by event."""

    def __init__(self, event, held):
        self.id, self.role, self.bar = event.order_id, event.role, event.bar
        self.state, self.lots, self.filled = "none", event.lots, 0
        self.goal = held + event.lots
        self.replaced = False
        assert event.sequence == event.order_id, "the first event of an order names it"

    def see(self, event, held):
        if event.status == "replaced":
            assert self.state in ("accepted", "partially_filled")
            self.lots, self.filled, self.replaced = event.lots, 0, True
            return
        assert event.status in MAY_FOLLOW[self.state].split(), (self.state, event)
        self.state = event.status
        if event.table == "fills":
            self._fill(event, held)
        elif self.role == "request" and self.state in ("canceled", "expired"):
            # A reduce-only order that found less than it wanted ends without the rest.
            assert self.filled + event.lots == self.lots or self.reduced(event)

    def reduced(self, event):
        return event.reason in (
            "nothing_to_close", "cash", "not_filled_at_once", "other_leg_filled",
        )  # fmt: skip

    def _fill(self, event, held):
        after = held + event.lots
        assert event.lots != 0
        assert event.bar > self.bar or self.role in BRACKET or self.at_once, event
        self.filled += event.lots
        if self.role == "request":
            assert abs(self.filled) <= abs(self.lots)
            assert (self.filled > 0) == (self.lots > 0)
        if self.role in CLOSING and self.state == "filled":
            assert after == 0
        if self.role == "take_profit":
            assert after * held >= 0
            assert abs(after) < abs(held)

    at_once = False


def check(terms, made):
    lives, held = {}, 0
    for table, event in made.events:
        if table not in ("orders", "fills"):
            continue
        life = lives.get(event.order_id)
        if life is None:
            assert table == "orders"
            life = lives[event.order_id] = Life(event, held)
            life.at_once = terms.a.fill == SAME_CLOSE
        assert life.state not in FINAL, f"{event} after {life.state}"
        life.see(event, held)
        if table == "fills":
            held += event.lots
            plain = not (terms.a.size_at_fill or terms.a.exit_first)
            if life.state == "filled" and life.role in ("signal", "reversal") and plain:
                assert held == life.goal
    working = {o.id for o in made.working if o.id}
    assert working == {n for n, life in lives.items() if life.state not in FINAL}
    assert made.lots[-1] == held


def sequences_have_no_gaps(made):
    counted = sorted(e.row.sequence for e in made.events if e.table != "trades")
    assert len(set(counted)) == len(counted)
    assert made.records["book"].sequence == len(counted) + len(made.bars)


@quick(120)
@given(all_terms(), st.integers(0, 10**6))
def test_orders_of_signals_live_by_the_table(terms, seed):
    made = hostile_run(terms, seed)

    check(terms, made)
    sequences_have_no_gaps(made)


@quick(80)
@given(all_terms(requests=2), st.integers(0, 10**6))
def test_orders_of_requests_live_by_the_table(terms, seed):
    made = hostile_run(terms, seed)

    check(terms, made)
    sequences_have_no_gaps(made)
