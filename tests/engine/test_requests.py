"""Orders that a strategy makes itself: one case for each rule, computed by hand."""

import pytest

from admf_kernels import orders as ask
from admf_kernels.execution.reasons import (
    GTD,
)
from tests.engine.cases import (
    FLAT,
    fills,
    terms_of,
)
from tests.engine.stage import MINUTE_NS, START_NS
from tests.engine.stage import play as on_stage


def put(play, *requests, terms=None, rows=None, at=0, more=None):
    """Put requests at bar 0, others later."""
    terms = terms or terms_of(requests=len(requests))
    asks = {at: requests, **(more or {})}
    return play(terms, rows or [FLAT] * 4, asks=asks)


def test_a_request_becomes_an_order(play):
    rows = [FLAT, (100, 102, 98, 101), (101, 104, 94, 96)]
    made = put(play, ask.market(10.0), ask.limit(5.0, 95.0), rows=rows)

    assert fills(made) == [(1, 10, 100.0), (2, 5, 95.0)]
    assert {o.role for o in made.orders} == {"request"}


def test_a_request_is_replaced_and_keeps_its_number(play):
    rows = [FLAT, FLAT, (100, 100, 96.5, 98), FLAT]
    made = put(play, ask.limit(10.0, 95.0), rows=rows, more={1: [ask.limit(7.0, 97.0)]})

    assert made.pick("orders", "bar", "status", "lots", "limit") == [
        (0, "accepted", 10, 95.0), (1, "replaced", 7, 97.0),
    ]  # fmt: skip
    assert len({e.order_id for e in (*made.orders, *made.fills)}) == 1
    assert fills(made) == [(2, 7, 97.0)]


def test_a_request_is_canceled(play):
    rows = [FLAT, FLAT, (90, 92, 88, 90)]
    made = put(play, ask.limit(10.0, 95.0), rows=rows, more={1: [ask.cancel()], 2: [ask.cancel()]})

    assert made.pick("orders", "bar", "status", "reason") == [
        (0, "accepted", ""), (1, "canceled", "by_strategy"),
    ]  # fmt: skip
    assert fills(made) == []


def test_what_may_only_reduce_never_opens_or_turns(play):
    rows = [FLAT, (100, 102, 98, 100), (100, 103, 99, 101), (104, 106, 103, 105), FLAT]
    flat = put(play, ask.limit(-10.0, 101.0, reduce_only=True), rows=rows)
    more = put(
        play, ask.market(4.0), ask.limit(-10.0, 101.0, reduce_only=True), rows=rows,
    )  # fmt: skip

    assert fills(flat) == []
    assert fills(more) == [(1, 4, 100.0), (1, -4, 101.0)]


def test_a_request_brings_its_own_bracket(play):
    rows = [FLAT, (100, 102, 98, 101), (101, 104, 94, 96)]
    stopped = put(play, ask.market(10.0, stop_loss=95.0, take_profit=105.0), rows=rows)

    assert fills(stopped) == [(1, 10, 100.0), (2, -10, 95.0)]
    assert stopped.pick("orders", "status", "role")[-1] == ("canceled", "take_profit")


def test_a_request_until_a_time_expires(play):
    until = START_NS + 2 * MINUTE_NS
    rows = [FLAT, FLAT, FLAT, (90, 92, 88, 90)]
    made = put(play, ask.limit(10.0, 95.0, tif=GTD, until_ns=until), rows=rows)

    assert made.pick("orders", "bar", "status", "reason")[1:] == [(2, "expired", "time_is_up")]


def test_a_trailing_request_follows_the_bars_that_are_over(play):
    rows = [FLAT, (100, 103, 99, 102), (102, 108, 101, 107), (107, 107.5, 102.5, 103)]
    made = put(play, ask.market(10.0), ask.trailing_stop(-10.0, 5.0), rows=rows)

    assert fills(made) == [(1, 10, 100.0), (3, -10, 103.0)]


def test_a_stop_limit_request_waits_for_both(play):
    rows = [FLAT, (101, 105, 100, 104.5), (104, 105, 101, 102)]
    made = put(play, ask.stop_limit(10.0, 104.0, 102.0), rows=rows)

    assert fills(made) == [(2, 10, 102.0)]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (ask.stop(10.0, 99.0), "wrong_side"),
        (ask.stop(10.0, 100.0), "wrong_side"),
        (ask.stop_limit(10.0, 99.0, 101.0), "wrong_side"),
        (ask.market(10.0, stop_loss=101.0), "wrong_side"),
        (ask.market(10.0, take_profit=99.0), "wrong_side"),
        (ask.limit(10.0, 95.0, stop_loss=96.0), "wrong_side"),
        (ask.market(0.0), "zero_size"),
        (ask.market(0.5), "zero_size"),
        (ask.limit(10.0, 0.0), "bad_price"),
    ],
)
def test_what_is_impossible_is_rejected_with_its_reason(play, request_, reason):
    made = put(play, request_)

    assert made.pick("orders", "status", "reason", "order_id") == [("rejected", reason, 2)]
    assert fills(made) == []
    assert all(o.id == 0 for o in made.working)


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -5.0])
@pytest.mark.parametrize("engine", ["plain", "compiled"])
def test_a_price_that_is_no_price_is_rejected(price, engine):
    for request in (ask.limit(10.0, price), ask.stop(10.0, price)):
        made = on_stage(terms_of(requests=1), [FLAT] * 2, asks={0: [request]}, engine=engine)
        assert made.pick("orders", "status", "reason") == [("rejected", "bad_price")]
