"""When and at which price orders fill: one case for each rule, computed by hand."""

import pytest

from admf_kernels.execution import terms as kinds
from admf_kernels.execution.reasons import (
    AT_CLOSE,
    AT_OPEN,
    DAY,
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    STOP,
    STOP_LIMIT,
)
from admf_kernels.execution.terms import Entry, Instrument
from tests.engine.cases import (
    FLAT,
    LONG,
    STOP_AT_95,
    TARGET_AT_110,
    clock,
    entry,
    exits,
    fills,
    terms_of,
)


def test_a_market_order_fills_at_the_next_open(play):
    made = play(terms_of(), [FLAT, (103, 107, 99, 101), FLAT], [LONG])

    assert fills(made) == [(1, 10, 103.0)]


def test_same_close_fills_at_the_close_that_made_it(play):
    made = play(terms_of(fill=kinds.SAME_CLOSE), [(103, 107, 99, 101), FLAT], [LONG])

    assert fills(made) == [(0, 10, 101.0)]


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((98, 99, 94, 97), 95.0),  # inside: at the stop
        ((98, 99, 95, 97), 95.0),  # touched is enough
        ((92, 96, 91, 94), 92.0),  # a gap: at the open, never at the stop
        ((95, 99, 95, 97), 95.0),
    ],
)
def test_a_stop_fills_at_the_stop_or_at_an_open_beyond_it(play, bar, price):
    made = play(terms_of(x=STOP_AT_95), [FLAT, (100, 101, 99, 100), bar, FLAT], [LONG])

    assert fills(made) == [(1, 10, 100.0), (2, -10, price)]
    assert made.pick("trades", "bar", "reason", "exit_price") == [(2, "stop_loss", price)]


def test_a_stop_that_is_not_reached_stays(play):
    made = play(terms_of(x=STOP_AT_95), [FLAT, FLAT, (98, 99, 95.5, 97), FLAT], [LONG])

    assert fills(made) == [(1, 10, 100.0)]
    assert made.working[1].stop != 0.0


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((105, 111, 104, 106), 110.0),
        ((112, 115, 111, 113), 112.0),  # a gap beyond it improves the price
        ((105, 110, 104, 106), None),  # touched is not crossed
    ],
)
def test_a_target_fills_at_its_limit_or_better(play, bar, price):
    made = play(terms_of(x=TARGET_AT_110), [FLAT, FLAT, bar, FLAT], [LONG])
    closed = [] if price is None else [(2, -10, price)]

    assert fills(made) == [(1, 10, 100.0), *closed]


@pytest.mark.parametrize(
    ("high", "cross_ticks", "touch", "filled"),
    [
        (110.0, 1, False, False),
        (110.25, 1, False, True),
        (110.25, 2, False, False),
        (110.5, 2, False, True),
        (110.0, 1, True, True),
        (109.75, 1, True, False),
    ],
)
def test_a_limit_is_touched_or_crossed_by_ticks(play, high, cross_ticks, touch, filled):
    """Ticks of a quarter; half a tick less than asked for, so that rounding does not matter."""
    n = Instrument(ticks=4.0, cross=0.25 * (cross_ticks - 0.5))
    terms = terms_of(x=TARGET_AT_110, n=n, touch=touch)
    made = play(terms, [FLAT, FLAT, (105, high, 104, 106)], [LONG])

    assert (len(made.fills) == 2) == filled


@pytest.mark.parametrize(
    ("rule", "bar", "price"),
    [
        (kinds.STOP_FIRST, (100, 111, 94, 100), 95.0),
        (kinds.TARGET_FIRST, (100, 111, 94, 100), 110.0),
        (kinds.NEAREST_OPEN, (97, 111, 94, 100), 95.0),
        (kinds.NEAREST_OPEN, (104, 111, 94, 100), 110.0),
        (kinds.TARGET_FIRST, (94, 111, 93, 100), 94.0),  # an open beyond the stop is first
        (kinds.STOP_FIRST, (112, 113, 94, 100), 112.0),
    ],
)
def test_stop_and_target_in_one_bar(play, rule, bar, price):
    both = exits(stop=5.0, target=10.0)
    made = play(terms_of(x=both, both_hit=rule), [FLAT, FLAT, bar, FLAT], [LONG])

    assert fills(made) == [(1, 10, 100.0), (2, -10, price)]
    canceled = [o for o in made.orders if o.status == "canceled"]
    assert [(o.bar, o.reason) for o in canceled] == [(2, "other_leg_filled")]


@pytest.mark.parametrize(
    ("bar", "closed"),
    [
        ((100, 111, 94, 100), 95.0),  # both in reach: the stop
        ((100, 111, 99, 100), 110.0),  # an entry at the open has the whole bar before it
        ((100, 109, 94, 100), 95.0),
        ((100, 109, 96, 100), None),
    ],
)
def test_on_the_bar_of_an_entry_at_the_open_both_legs_can_fill(play, bar, closed):
    made = play(terms_of(x=exits(stop=5.0, target=10.0)), [FLAT, bar, FLAT], [LONG])
    after = [] if closed is None else [(1, -10, closed)]

    assert fills(made) == [(1, 10, 100.0), *after]


# A stop entry at 104 has its stop at 99 and its target at 114.
@pytest.mark.parametrize(
    ("rule", "bar", "closed"),
    [
        (kinds.PESSIMISTIC, (101, 106, 98, 105), 99.0),  # the low may have come after it
        (kinds.PESSIMISTIC, (101, 115, 100, 105), None),  # so may the high; only closes are sure
        (kinds.PESSIMISTIC, (101, 116, 100, 115), 114.0),
        (kinds.PESSIMISTIC, (101, 116, 98, 115), 99.0),
        (kinds.NEXT_BAR, (101, 106, 98, 105), None),
        (kinds.NEXT_BAR, (101, 115, 100, 105), 114.0),  # up there it had to pass the entry
        (kinds.NEXT_BAR, (101, 115, 98, 105), None),  # but which of the two came first
        (kinds.NEXT_BAR, (101, 106, 100, 105), None),
    ],
)
def test_an_entry_inside_the_bar_sees_what_surely_follows(play, rule, bar, closed):
    both = exits(stop=5.0, target=10.0)
    terms = terms_of(entry(STOP, stop=4.0), both, entry_bar=rule)
    made = play(terms, [FLAT, bar], [LONG])
    after = [] if closed is None else [(1, -10, closed)]

    assert fills(made) == [(1, 10, 104.0), *after]


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((97, 99, 95.5, 98), None),
        ((97, 99, 94.5, 98), 95.0),
        ((94, 99, 93, 98), 94.0),
        ((97, 99, 95.0, 98), None),
    ],
)
def test_a_limit_entry_waits_below_the_close(play, bar, price):
    made = play(terms_of(entry(LIMIT, limit=5.0)), [FLAT, bar], [LONG])

    assert fills(made) == ([] if price is None else [(1, 10, price)])
    if price == 95.0:
        assert made.fills[0].liquidity == "maker"
    elif price == 94.0:
        assert made.fills[0].liquidity == "taker"


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((101, 103, 99, 102), None),
        ((101, 104, 99, 102), 104.0),
        ((106, 108, 99, 102), 106.0),
    ],
)
def test_a_stop_entry_waits_above_the_close(play, bar, price):
    made = play(terms_of(entry(STOP, stop=4.0)), [FLAT, bar], [LONG])

    assert fills(made) == ([] if price is None else [(1, 10, price)])


# The stop is at 104, the limit at 105 (beyond it) or 102 (behind it).
@pytest.mark.parametrize(
    ("limit", "bars", "expected"),
    [
        (-5.0, [(101, 104.5, 99, 102)], (1, 104.0)),  # reached inside, within the limit
        (-5.0, [(104.5, 107, 103, 106)], (1, 104.5)),  # opened between stop and limit
        (-5.0, [(106, 107, 104, 106)], (1, 105.0)),  # gapped over it, came back
        (-5.0, [(106, 107, 105.5, 106), (106, 107, 104, 106)], (2, 105.0)),  # only later
        (-5.0, [(101, 103, 99, 102), (101, 103, 99, 102)], None),
        (-2.0, [(101, 105, 99, 103)], None),  # the way to the stop leads away from the limit
        (-2.0, [(101, 105, 99, 101)], (1, 102.0)),  # the close came after it
        (-2.0, [(101, 105, 99, 103), (103, 104, 101, 103)], (2, 102.0)),  # triggered: a limit
        (-2.0, [(101, 103, 99, 103), (103, 103.5, 101, 103)], None),  # not triggered
    ],
)
def test_a_stop_limit_is_a_limit_once_its_stop_was_reached(play, limit, bars, expected):
    made = play(terms_of(entry(STOP_LIMIT, stop=4.0, limit=limit)), [FLAT, *bars], [LONG])

    assert fills(made) == ([] if expected is None else [(expected[0], 10, expected[1])])


def test_what_is_not_filled_at_once_is_canceled(play):
    """IOC takes what there is, FOK all or nothing; ten lots, a tenth of the volume."""
    n = {"participation": 0.1}
    some = (100, 100, 100, 100, 40.0)
    ioc = play(terms_of(Entry(tif=IOC), **n), [FLAT, some, FLAT], [LONG])
    fok = play(terms_of(Entry(tif=FOK), **n), [FLAT, some, FLAT], [LONG])
    gtc = play(terms_of(Entry(tif=GTC), **n), [FLAT, some, some, FLAT, FLAT], [LONG])

    assert fills(ioc) == [(1, 4, 100.0)]
    assert ioc.pick("orders", "bar", "status", "lots", "reason")[1:] == [
        (1, "canceled", 6, "not_filled_at_once")
    ]
    assert fills(fok) == []
    assert fok.pick("orders", "status", "lots")[1:] == [("canceled", 10)]
    assert fills(gtc) == [(1, 4, 100.0), (2, 4, 100.0), (3, 2, 100.0)]
    assert gtc.pick("fills", "status") == [("partially_filled",)] * 2 + [("filled",)]


@pytest.mark.parametrize("tif", [IOC, FOK])
def test_a_limit_at_once_has_one_bar(play, tif):
    made = play(terms_of(entry(LIMIT, limit=5.0, tif=tif)), [FLAT, FLAT, (94, 95, 90, 94)], [LONG])

    assert fills(made) == []
    assert made.pick("orders", "bar", "status", "reason")[1:] == [
        (1, "canceled", "not_filled_at_once")
    ]


def test_an_entry_waits_no_more_bars_than_it_may(play):
    late = [FLAT, FLAT, FLAT, (94, 95, 90, 94)]
    two = play(terms_of(entry(LIMIT, limit=5.0, tif=GTD, bars=2.0)), late, [LONG])
    three = play(terms_of(entry(LIMIT, limit=5.0, tif=GTD, bars=3.0)), late, [LONG])

    assert fills(two) == []
    assert two.pick("orders", "bar", "status", "reason")[1:] == [(2, "expired", "time_is_up")]
    assert fills(three) == [(3, 10, 94.0)]


def test_a_day_order_ends_with_its_session(play):
    terms = terms_of(entry(LIMIT, limit=5.0, tif=DAY), clock=True)
    rows = [FLAT, FLAT, FLAT, (94, 95, 90, 94)]
    days = {k: clock(2 - k) if k < 3 else clock(9, 1.0) for k in range(4)}
    made = play(terms, rows, [LONG], extra=days)

    assert fills(made) == []
    assert made.pick("orders", "bar", "status", "reason")[1:] == [(2, "expired", "time_is_up")]


def test_a_day_order_of_a_last_bar_belongs_to_the_next_session(play):
    terms = terms_of(entry(LIMIT, limit=5.0, tif=DAY), clock=True)
    days = {0: clock(0), 1: clock(2, 1.0), 2: clock(1, 1.0)}
    made = play(terms, [FLAT, FLAT, (94, 95, 90, 94)], [LONG], extra=days)

    assert fills(made) == [(2, 10, 94.0)]


def test_a_day_order_ends_even_if_its_sessions_last_bar_is_missing(play):
    terms = terms_of(entry(LIMIT, limit=5.0, tif=DAY), clock=True)
    days = {0: clock(5), 1: clock(4), 2: clock(9, 1.0)}
    made = play(terms, [FLAT, FLAT, (94, 95, 90, 94)], [LONG], extra=days)

    assert fills(made) == []
    assert made.pick("orders", "bar", "status")[1:] == [(2, "expired")]


def test_orders_at_the_open_and_the_close_of_sessions(play):
    days = {0: clock(5), 1: clock(4), 2: clock(0), 3: clock(9, 1.0), 4: clock(8, 1.0)}
    rows = [FLAT, (101, 102, 100, 101), (102, 104, 101, 103), (105, 107, 104, 106), FLAT]
    at_open = play(terms_of(Entry(AT_OPEN), clock=True), rows, [LONG], extra=days)
    at_close = play(terms_of(Entry(AT_CLOSE), clock=True), rows, [LONG], extra=days)

    assert fills(at_open) == [(3, 10, 105.0)]
    assert fills(at_close) == [(2, 10, 103.0)]


def test_limits_are_rounded_to_the_better_side_and_stops_beyond(play):
    n = Instrument(ticks=2.0)
    target = play(terms_of(x=exits(target=9.9), n=n), [FLAT, FLAT], [LONG])
    limit = play(terms_of(entry(LIMIT, limit=4.9), n=n), [FLAT, FLAT], [LONG])
    stop = play(terms_of(entry(STOP, stop=4.1), n=n), [FLAT, FLAT], [LONG])

    assert [o.limit for o in target.orders if o.role == "take_profit"] == [110.0]
    assert limit.orders[0].limit == 95.0
    assert stop.orders[0].stop == 104.5


def test_signal_and_turn_at_once(play):
    made = play(terms_of(), [FLAT] * 4, [LONG, -LONG])

    assert fills(made) == [(1, 10, 100.0), (2, -20, 100.0)]
    assert made.pick("fills", "role") == [("signal",), ("reversal",)]


def test_a_turn_that_must_wait_leaves_first(play):
    """A limit the other way: the position is closed at once, the other side waits."""
    rows = [FLAT, (94, 95, 93, 94), (94, 95, 93, 94), (99, 101, 98, 100)]
    made = play(terms_of(entry(LIMIT, limit=5.0)), rows, [LONG, -LONG])

    assert fills(made) == [(1, 10, 94.0), (2, -10, 94.0), (3, -10, 99.0)]
