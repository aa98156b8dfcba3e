"""The stages of one bar, in every mode: open, decide, close.

`open_bar` matches the working orders; then the strategy runs, so it sees the position after
the fills of this bar; `decide` turns what it wants into orders; `close_bar` fills at the
close what is set to be filled there. A driver may leave out a stage on a bar on which it
would do nothing but count. After the last stage that it runs it calls `matching.heed`.
"""

from typing import Any

from admf_kernels.execution.actions import adjust
from admf_kernels.execution.aging import end_day, grow_old
from admf_kernels.execution.entries import follow_signal, leave
from admf_kernels.execution.fills import execute, volume_lots, wanted_lots
from admf_kernels.execution.following import follow
from admf_kernels.execution.log import signal_row
from admf_kernels.execution.matching import NEVER, meeting
from admf_kernels.execution.news import keep_in_step
from admf_kernels.execution.orders import (
    order_at,
    places,
    stop_place,
    turn,
)
from admf_kernels.execution.reasons import (
    AT_CLOSE,
    MARKET,
    MAX_BARS,
    NO_ROLE,
    SESSION_END,
)
from admf_kernels.execution.records import FLAT, WARMING, Desk
from admf_kernels.execution.risk import begin_day, must_leave, watch
from admf_kernels.execution.sizing import allowed_signal
from admf_kernels.execution.terms import NS_PER_YEAR, SAME_CLOSE, Terms

OK, BAD_SIGNAL, BAD_EQUITY = 0, 1, 2


def open_bar(t: Terms, d: Desk, bar: Any) -> None:
    """Count the BAR event, match the working orders, and look after the position.

    ``d.e`` is the exposure before the bar, at the last prices.
    """
    now = d.now
    now.first = bar.session + 1.0 != d.guard.day
    now.entered = -1.0
    now.entered_at = 0.0
    now.entered_by_stop = False
    now.stop_in_reach = False
    now.number = bar.number
    now.illegal = False
    now.volume_left = volume_lots(t, bar) if t.uses.volume else 0.0
    d.book.sequence += 1
    d.book.bar_sequence = d.book.sequence
    if t.uses.financing:
        _accrue(t, d, bar)
    if t.uses.actions:
        adjust(t, d, bar)
    if t.uses.sessions:
        if now.first and t.uses.resting:
            end_day(t, d, bar)
        if now.first:
            begin_day(d, bar)
    ending = t.uses.session_end and t.x.session_end
    for _ in range(2 if ending else 1):  # again, for what only opens on this bar
        if ending and d.q.lots != 0.0:
            _leave_session(t, d, bar)
        if not t.uses.venue:
            match_bar(t, d, bar)
    if t.uses.resting:
        grow_old(t, d, bar)
    if d.q.lots != 0.0:
        _age(d, bar)
        if t.uses.following != 0:
            follow(t, d, bar)
    if t.uses.venue:
        d.q.inside = False
        keep_in_step(t, d, bar)


def _age(d: Desk, bar: Any) -> None:
    """Take a bar into the age and the extremes of the open position."""
    inside = d.now.entered >= 1.0 or d.q.inside
    high, low = (bar.close, bar.close) if inside else (bar.high, bar.low)
    span = d.span
    span.bars += 1
    if high > span.highest:
        span.highest = high
    if low < span.lowest:
        span.lowest = low


def match_bar(t: Terms, d: Desk, bar: Any) -> None:
    """Fill the working orders that this bar reaches, always the earliest on its path next.

    Of orders at the same moment, the one in the lower place comes first: the signal's order,
    the order that leaves (before it where the account leaves first), stop, targets, the
    strategy's own.
    """
    count = places(t.uses)
    guarding = stop_place(t.uses) if t.uses.brackets else -1
    # What waits may be met again after each of its fills; all else is done with at once.
    for _ in range(3 * count + 2 if t.uses.resting else count):
        if d.intent.working == 0 or (t.uses.volume and d.now.volume_left < 1.0):
            return
        moment, place, price, maker = NEVER, -1, 0.0, False
        for j in range(count):
            k = turn(t, j)
            o = order_at(d.slots, k)
            if o.id != 0:
                # That of the protective stop may have moved.
                trigger = d.q.stop if k == guarding else o.stop
                met = meeting(t, d, bar, o, trigger)
                if met.moment < moment and not (o.reduce_only and wanted_lots(o, d.q) == 0.0):
                    moment, place, price, maker = met.moment, k, met.price, met.maker
        if place < 0:
            return
        o = order_at(d.slots, place)
        if place == guarding:
            o.stop = d.q.stop
            o.role = d.q.stop_role
        execute(t, d, bar, place, o, price, moment, maker)


def _leave_session(t: Terms, d: Desk, bar: Any) -> None:
    """Have the position closed at this close, the last of its session that is allowed.

    The calendar is known in advance, so the order could have been given before the bar. A
    position that a missing bar has carried into the next session is closed at its open.
    """
    if d.now.first and d.now.entered < 0.0:
        leave(t, d, bar, SESSION_END, MARKET)
    elif bar.minutes_left <= t.x.session_minutes:
        # A bar that has closed is too late for a venue's auction.
        leave(t, d, bar, SESSION_END, MARKET if t.uses.venue else AT_CLOSE)


def _accrue(t: Terms, d: Desk, bar: Any) -> None:
    """Charge what time costs since the last bar: interest, borrowing, funding."""
    last_ns = d.intent.last_ns
    d.intent.last_ns = bar.ts_ns
    if last_ns == 0:
        return
    years = (bar.ts_ns - last_ns) * 1.0 / NS_PER_YEAR
    value = d.q.lots * bar.worth * bar.open
    cost = value * t.n.funding_rate
    if value < 0.0:
        cost -= value * t.n.borrow_rate
    if d.wallet.cash < 0.0 and d.log.instrument == 0:  # once, however many instruments
        cost -= d.wallet.cash * t.a.interest_rate
    cost *= years
    d.wallet.cash -= cost
    d.wallet.financing += cost


def wanted_signal(a: Any, wanted: float, equity: float) -> float:
    """Return the signal that counts: 0 where it is no signal, not allowed, or equity is gone."""
    usable = wanted >= -1.0 and wanted <= 1.0 and equity > 0.0
    return allowed_signal(a, wanted if usable else 0.0)


def decide(t: Terms, d: Desk, bar: Any, signal: float) -> None:
    """Turn the signal into a SIGNAL event if it changed, and an ORDER if need be.

    Halts and the age of the position come first.
    """
    if t.uses.limits:
        watch(t, d)
    if t.uses.leaving and d.q.lots != 0.0:
        role = must_leave(t, d)
        old = t.uses.max_bars and t.x.max_bars > 0.0 and d.span.bars >= t.x.max_bars
        if old and role == NO_ROLE:
            role = MAX_BARS
        if role != NO_ROLE:
            leave(t, d, bar, role, MARKET)
    intent = d.intent
    changed = signal != intent.signal
    if changed:
        d.book.sequence += 1
        if d.log.signals != 0:
            row = signal_row(d.log)
            row.row = d.log.row
            row.sequence = d.book.sequence
            row.instrument = d.log.instrument
            row.signal = signal
        intent.signal = signal
    if d.guard.hold & (FLAT | WARMING) != 0:
        intent.again = False
        return
    follows = changed or (intent.again and signal != 0.0)
    intent.again = False
    if intent.blocked * signal > 0.0:
        return
    intent.blocked = 0.0
    if follows:
        follow_signal(t, d, bar, signal, changed)


def close_bar(t: Terms, d: Desk, bar: Any) -> None:
    """Fill the market orders made on this bar's close, where the account is set to."""
    if t.a.fill != SAME_CLOSE or t.uses.venue:
        return
    d.now.entered = 2.0
    d.now.entered_at = bar.close
    if d.now.number != bar.number:  # its open was passed over
        d.now.number = bar.number
        d.now.volume_left = volume_lots(t, bar) if t.uses.volume else 0.0
    for j in range(places(t.uses)):
        k = turn(t, j)
        o = order_at(d.slots, k)
        if o.id != 0 and o.kind == MARKET:
            execute(t, d, bar, k, o, bar.close, 2.0, False)
