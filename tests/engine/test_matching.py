"""When and at which price orders fill: one case for each rule, computed by hand.

Every case is written for a long position and played on both sides, in both forms. Ten lots;
a bar is open, high, low, close[, volume]; the signal is acted on at the close of bar 0 and
fills at the open of bar 1, at 100, unless a case says otherwise.
"""

from typing import Any

import pytest

from admf_kernels import orders as ask
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
from admf_kernels.execution.terms import AMOUNT, ATR, FIXED, Account, Entry, Exits, Instrument
from admf_kernels.execution.uses import make_terms
from tests.engine.stage import MINUTE_NS, START_NS
from tests.engine.stage import play as on_stage

TEN = Account(sizing=FIXED, sizing_value=10.0)
FLAT = (100, 100, 100, 100)
LONG, NONE = 1.0, 0.0


def terms_of(
    e: Entry | None = None, x: Exits | None = None, *, n: Instrument | None = None,
    requests: int = 0, clock: bool = False, **account: Any,
):  # fmt: skip
    return make_terms(
        TEN._replace(**account), n or Instrument(), e or Entry(), x or Exits(),
        requests=requests, clock=clock,
    )  # fmt: skip


def exits(**values: Any) -> Exits:
    """Distances in price units."""
    units = {"stop": "stop_value", "target": "target_1", "trail": "trail_value"}
    given = {name: AMOUNT for name in units if name in values}
    given |= {units.get(name, name): value for name, value in values.items()}
    if "even_value" in values:
        given["even"] = AMOUNT
    return Exits(**given)


def entry(kind: int, **values: Any) -> Entry:
    return Entry(kind, unit=AMOUNT, **values)


def fills(made) -> list[tuple]:
    return made.pick("fills", "bar", "lots", "price")


STOP_AT_95, TARGET_AT_110 = exits(stop=5.0), exits(target=10.0)


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


def stops(play, x: Exits, bars, *, atr: float = 0.0, **account: Any) -> list[float]:
    """Return where the stop stood when each bar was over; mirrored where that is short."""
    found = []
    for count in range(2, len(bars) + 2):
        extra = {k: {"atr": atr, "atr_before": atr} for k in range(count)}
        made = play(terms_of(x=x, **account), [FLAT, *bars][:count], [LONG], extra=extra)
        level = made.records["q"].stop
        found.append(play._price(level) if play.short else level)
    return found


BARS = [(100, 103, 99, 102), (102, 108, 101, 104), (104, 106, 103.5, 105), (105, 107, 104, 106)]


def test_a_trailing_stop_follows_the_high_of_bars_that_are_over(play):
    """From the entry bar on; what a bar moves holds from the next bar on."""
    assert stops(play, exits(trail=6.0), BARS) == [97.0, 102.0, 102.0, 102.0]


def test_a_trailing_stop_follows_closes(play):
    x = exits(trail=6.0, trail_close=True)

    assert stops(play, x, BARS) == [96.0, 98.0, 99.0, 100.0]


def test_a_trailing_stop_does_not_use_the_high_of_the_bar_it_is_in(play):
    """The bar goes to 110, which would have put the stop at 104; it fills at 97 no earlier."""
    bars = [(100, 103, 99, 102), (102, 110, 98, 108), (108, 109, 103, 104)]
    made = play(terms_of(x=exits(trail=6.0)), [FLAT, *bars], [LONG])

    assert fills(made) == [(1, 10, 100.0), (3, -10, 104.0)]
    assert made.trades[0].reason == "trailing_stop"


def test_a_trailing_stop_may_start_with_a_gain(play):
    x = exits(trail=6.0, trail_start=8.0, stop=5.0)

    assert stops(play, x, BARS) == [95.0, 102.0, 102.0, 102.0]


def test_a_trailing_stop_in_atr_has_the_atr_of_before_the_entry(play):
    x = Exits(trail=ATR, trail_value=2.0)

    assert stops(play, x, BARS, atr=3.0) == [97.0, 102.0, 102.0, 102.0]


def test_the_closer_of_stop_and_trail_protects(play):
    assert stops(play, exits(trail=6.0, stop=2.0), [(100, 101, 99, 100)]) == [98.0]
    assert stops(play, exits(trail=2.0, stop=6.0), [(100, 101, 99, 100)]) == [99.0]


def test_a_gain_moves_the_stop_to_break_even(play):
    x = exits(stop=5.0, even_value=7.0, even_offset=1.0)
    assert stops(play, x, BARS) == [95.0, 101.0, 101.0, 101.0]

    made = play(terms_of(x=x), [FLAT, *BARS, (104, 105, 100, 102)], [LONG])
    assert fills(made)[1:] == [(5, -10, 101.0)]
    assert made.trades[0].reason == "break_even"


def test_targets_close_parts_and_leave_no_dust(play):
    """30, 30 and 20 per cent of 10 lots; a stop closes what is left."""
    x = exits(stop=5.0, target=2.0, target_2=4.0, target_3=6.0)
    x = x._replace(part_1=0.3, part_2=0.3, part_3=0.2)
    rows = [FLAT, (100, 103, 99, 102), (102, 107, 101, 106), (100, 101, 94, 96)]
    made = play(terms_of(x=x), rows, [LONG])

    assert fills(made) == [
        (1, 10, 100.0), (1, -3, 102.0), (2, -3, 104.0), (2, -2, 106.0), (3, -2, 95.0),
    ]  # fmt: skip
    (trade,) = made.trades
    assert (trade.lots, trade.reason) == (10, "stop_loss")
    assert trade.pnl == 3 * 2.0 + 3 * 4.0 + 2 * 6.0 - 2 * 5.0


def test_parts_are_rounded_to_whole_lots(play):
    """Half of three lots is one; what is too small for a lot is no order."""
    x = exits(target=2.0, target_2=4.0)._replace(part_1=0.5, part_2=0.5)
    rows = [FLAT, (100, 103, 99, 102), (102, 105, 101, 104)]
    three = play(terms_of(x=x, sizing_value=3.0), rows, [LONG])
    one = play(terms_of(x=x, sizing_value=1.0), rows, [LONG])

    assert fills(three) == [(1, 3, 100.0), (1, -2, 102.0), (2, -1, 104.0)]
    assert fills(one)[0] == (1, 1, 100.0)
    assert sum(lots for _, lots, _ in fills(one)) == 0


def test_a_position_is_left_after_some_bars(play):
    made = play(terms_of(x=Exits(max_bars=3.0)), [FLAT] * 7, [LONG])

    assert fills(made) == [(1, 10, 100.0), (4, -10, 100.0)]
    assert made.pick("trades", "reason", "bars") == [("max_bars", 3)]


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


def clock(minutes_left, session=0.0):
    return {"session": session, "minutes_left": float(minutes_left)}


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


def test_a_position_is_closed_at_the_end_of_its_session(play):
    days = {k: clock(4 - k) for k in range(5)}
    rows = [FLAT, FLAT, (100, 103, 99, 102), (102, 104, 101, 103), (105, 107, 104, 106)]
    at_end = play(terms_of(x=Exits(session_end=True), clock=True), rows, [LONG], extra=days)
    before = Exits(session_end=True, session_minutes=2.0)
    early = play(terms_of(x=before, clock=True), rows, [LONG], extra=days)

    assert fills(at_end) == [(1, 10, 100.0), (4, -10, 106.0)]
    assert fills(early) == [(1, 10, 100.0), (2, -10, 102.0)]
    assert {t.reason for t in (*at_end.trades, *early.trades)} == {"session_end"}


def test_a_position_that_a_missing_bar_left_over_is_closed_at_the_next_open(play):
    days = {0: clock(5), 1: clock(4), 2: clock(9, 1.0), 3: clock(8, 1.0)}
    rows = [FLAT, FLAT, (105, 107, 104, 106), FLAT]
    made = play(terms_of(x=Exits(session_end=True), clock=True), rows, [LONG], extra=days)

    assert fills(made) == [(1, 10, 100.0), (2, -10, 105.0)]


@pytest.mark.parametrize(
    ("memory", "again"), [(-1, False), (0, True), (1 << 3, False), (1 << 4, True)]
)
def test_the_same_signal_is_not_followed_after_an_exit_that_is_remembered(play, memory, again):
    """All, none, stop losses, targets: the position was closed by its stop loss."""
    x = STOP_AT_95._replace(memory=memory)
    rows = [FLAT, FLAT, (96, 97, 94, 96), (100, 100, 100, 100), FLAT]
    made = play(terms_of(x=x), rows, [LONG])
    anew = play(terms_of(x=x), [*rows, FLAT, FLAT], [LONG] * 4 + [NONE, LONG])

    assert (len(made.fills) == 3) == again
    assert [f.bar for f in anew.fills][:2] == [1, 2]
    assert any(f.bar > 3 and f.lots > 0 for f in anew.fills)  # a new signal always is


def test_a_trade_says_how_far_it_went_against_and_for_it(play):
    """Entered at 100, down to 97, up to 108; the exit is at an open, the rest of whose bar
    it did not see.
    """
    rows = [(100, 120, 80, 100), (100, 104, 97, 103), (103, 108, 102, 106), (106, 130, 70, 100)]
    made = play(terms_of(), rows, [LONG, LONG, NONE])

    (trade,) = made.trades
    assert (trade.bars, trade.mae, trade.mfe) == (2, pytest.approx(-0.03), pytest.approx(0.08))


def test_a_position_entered_inside_a_bar_has_seen_its_close_only(play):
    rows = [(96, 96, 96, 96), (97, 110, 90, 102), (102, 103, 101, 102)]
    made = play(terms_of(entry(STOP, stop=4.0)), [*rows, FLAT], [LONG, LONG, NONE])

    (trade,) = made.trades
    assert (trade.mae, trade.mfe) == pytest.approx((0.0, 0.03))


def test_a_gap_through_the_stop_is_part_of_the_worst(play):
    made = play(terms_of(x=STOP_AT_95), [FLAT, FLAT, (90, 99, 80, 97)], [LONG])

    assert made.trades[0].mae == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("x", "level"),
    [
        (exits(stop=4.9), 95.0),  # 95.1: away from the market is down
        (exits(stop=5.0), 95.0),
        (exits(trail=4.9), 95.0),
    ],
)
def test_a_protective_stop_is_rounded_away_from_the_market(play, x, level):
    made = play(terms_of(x=x, n=Instrument(ticks=2.0)), [FLAT, FLAT], [LONG])

    assert [o.stop for o in made.orders if o.role != "signal"] == [level]


def test_limits_are_rounded_to_the_better_side_and_stops_beyond(play):
    n = Instrument(ticks=2.0)
    target = play(terms_of(x=exits(target=9.9), n=n), [FLAT, FLAT], [LONG])
    limit = play(terms_of(entry(LIMIT, limit=4.9), n=n), [FLAT, FLAT], [LONG])
    stop = play(terms_of(entry(STOP, stop=4.1), n=n), [FLAT, FLAT], [LONG])

    assert [o.limit for o in target.orders if o.role == "take_profit"] == [110.0]
    assert limit.orders[0].limit == 95.0
    assert stop.orders[0].stop == 104.5


def test_a_tick_is_not_left_for_its_last_bits(play):
    """0.1 + 0.2 is on the tick of 0.3, whatever its bits say."""
    n = Instrument(ticks=10.0)
    made = play(terms_of(x=exits(stop=0.1 + 0.2), n=n), [FLAT, FLAT], [LONG])

    assert made.orders[1].stop == pytest.approx(99.7, abs=1e-12)


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


def test_an_exit_without_a_position_is_canceled(play):
    """The signal's order closes what a target already closed at the same open."""
    x = exits(target=10.0)
    rows = [FLAT, FLAT, (112, 113, 111, 112), FLAT]
    made = play(terms_of(x=x), rows, [LONG, NONE])

    assert fills(made) == [(1, 10, 100.0), (2, -10, 112.0)]
    assert made.orders[-1].reason == "other_leg_filled"


def test_signal_and_turn_at_once(play):
    made = play(terms_of(), [FLAT] * 4, [LONG, -LONG])

    assert fills(made) == [(1, 10, 100.0), (2, -20, 100.0)]
    assert made.pick("fills", "role") == [("signal",), ("reversal",)]


def test_a_turn_that_must_wait_leaves_first(play):
    """A limit the other way: the position is closed at once, the other side waits."""
    rows = [FLAT, (94, 95, 93, 94), (94, 95, 93, 94), (99, 101, 98, 100)]
    made = play(terms_of(entry(LIMIT, limit=5.0)), rows, [LONG, -LONG])

    assert fills(made) == [(1, 10, 94.0), (2, -10, 94.0), (3, -10, 99.0)]
