"""How positions are left besides by signal: one case for each rule, computed by hand."""

from typing import Any

import pytest

from admf_kernels.execution.reasons import (
    STOP,
)
from admf_kernels.execution.terms import ATR, FIXED, Account, Exits, Instrument
from admf_kernels.execution.uses import make_terms
from admf_kernels.plain import PlainProgram
from admf_kernels.program import Program
from tests.engine.cases import (
    FLAT,
    LONG,
    NONE,
    STOP_AT_95,
    clock,
    entry,
    exits,
    fills,
    terms_of,
)
from tests.engine.kit import bars_of, follow_volume


def stops(play, x: Exits, bars, *, atr: float = 0.0, **account: Any) -> list[float]:
    """Return where the stop stood when each bar was over; mirrored where that is short."""
    found = []
    for count in range(2, len(bars) + 2):
        extra = {k: {"atr": atr, "atr_before": atr} for k in range(count)}
        made = play(terms_of(x=x, **account), [FLAT, *bars][:count], [LONG], extra=extra)
        level = made.records["q"].stop
        found.append(play._price(level) if play.short else level)
    return found


BARS = [(100, 103, 99, 102), (102, 108, 101, 104), (104, 106, 103.5, 105), (105, 107, 104, 106),
        (106, 106.5, 102.5, 103)]  # fmt: skip


def test_a_trailing_stop_follows_the_high_of_bars_that_are_over(play):
    """From the entry bar on; what a bar moves holds from the next bar on."""
    assert stops(play, exits(trail=6.0), BARS) == [97.0, 102.0, 102.0, 102.0, 102.0]


def test_a_trailing_stop_follows_closes(play):
    x = exits(trail=6.0, trail_close=True)

    assert stops(play, x, BARS) == [96.0, 98.0, 99.0, 100.0, 100.0]


def test_a_trailing_stop_does_not_use_the_high_of_the_bar_it_is_in(play):
    """The bar goes to 110, which would have put the stop at 104; it fills at 97 no earlier."""
    bars = [(100, 103, 99, 102), (102, 110, 98, 108), (108, 109, 103, 104)]
    made = play(terms_of(x=exits(trail=6.0)), [FLAT, *bars], [LONG])

    assert fills(made) == [(1, 10, 100.0), (3, -10, 104.0)]
    assert made.trades[0].reason == "trailing_stop"


def test_a_trailing_stop_may_start_with_a_gain(play):
    x = exits(trail=6.0, trail_start=8.0, stop=5.0)

    assert stops(play, x, BARS) == [95.0, 102.0, 102.0, 102.0, 102.0]


def test_a_trailing_stop_in_atr_has_the_atr_of_before_the_entry(play):
    x = Exits(trail=ATR, trail_value=2.0)

    assert stops(play, x, BARS, atr=3.0) == [97.0, 102.0, 102.0, 102.0, 102.0]


def test_the_closer_of_stop_and_trail_protects(play):
    assert stops(play, exits(trail=6.0, stop=2.0), [(100, 101, 99, 100)]) == [98.0]
    assert stops(play, exits(trail=2.0, stop=6.0), [(100, 101, 99, 100)]) == [99.0]


def test_a_gain_moves_the_stop_to_break_even(play):
    x = exits(stop=5.0, even_value=7.0, even_offset=1.0)
    assert stops(play, x, BARS) == [95.0, 101.0, 101.0, 101.0, 101.0]

    made = play(terms_of(x=x), [FLAT, *BARS, (103, 105, 100, 102)], [LONG])
    assert fills(made)[1:] == [(6, -10, 101.0)]
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
    other = play(terms_of(x=x), [*rows, FLAT, FLAT], [LONG] * 4 + [0.5])

    assert (len(made.fills) == 3) == again
    assert (len(other.fills) > 2) == again  # nor is another one on the same side
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


def test_a_tick_is_not_left_for_its_last_bits(play):
    """0.1 + 0.2 is on the tick of 0.3, whatever its bits say."""
    n = Instrument(ticks=10.0)
    made = play(terms_of(x=exits(stop=0.1 + 0.2), n=n), [FLAT, FLAT], [LONG])

    assert made.orders[1].stop == pytest.approx(99.7, abs=1e-12)


def test_an_exit_without_a_position_is_canceled(play):
    """The signal's order closes what a target already closed at the same open."""
    x = exits(target=10.0)
    rows = [FLAT, FLAT, (112, 113, 111, 112), FLAT]
    made = play(terms_of(x=x), rows, [LONG, NONE])

    assert fills(made) == [(1, 10, 100.0), (2, -10, 112.0)]
    assert made.orders[-1].reason == "other_leg_filled"


def test_a_target_with_nothing_left_to_close_is_canceled(play):
    """Half of ten is to be left at 110; the signal has left less than that before."""
    x = exits(target=10.0)._replace(part_1=0.5)
    rows = [FLAT, FLAT, FLAT, (100, 111, 99, 100)]
    made = play(terms_of(x=x), rows, [LONG, 0.25])

    assert fills(made) == [(1, 10, 100.0), (2, -8, 100.0)]
    assert made.pick("orders", "bar", "status", "reason")[-1] == (
        3, "canceled", "nothing_to_close",
    )  # fmt: skip


def test_a_target_so_small_that_a_tick_takes_it_to_nothing_is_not_placed():
    """An order to sell at nothing would be met by any bar, and is looked for on none."""
    account = Account(sizing=FIXED, sizing_value=10.0)
    terms = make_terms(account, Instrument(ticks=100.0), x=exits(target=1e-9))
    bars = bars_of((1e-9, 1e-9, 8.0) for _ in range(6))
    plain, compiled = PlainProgram(follow_volume, None, terms), Program(follow_volume, None, terms)

    rows = compiled.feed(*bars.columns())
    steps = [
        plain.step(*row)
        for row in zip(*(column.tolist() for column in bars.columns()), strict=True)
    ]

    assert [step.lots for step in steps] == [0, 10, 10, 10, 10, 10]
    assert compiled.per_bar["lots"][rows].tolist() == [step.lots for step in steps]
    assert all(step.events["orders"] == [] for step in steps[1:])
