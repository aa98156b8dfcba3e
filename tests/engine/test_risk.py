"""Our own limits: what is denied, what halts, what is closed, and what time costs."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels.execution import reasons
from admf_kernels.execution.risk import denial
from admf_kernels.execution.terms import (
    FIXED,
    NS_PER_YEAR,
    Account,
    Exits,
    Instrument,
    Limits,
)
from admf_kernels.execution.uses import make_terms
from tests.engine.cases import FLAT, LONG, NONE, TEN, clock, fills
from tests.engine.desks import bar_at, desk_of
from tests.engine.kit import sixteenths
from tests.engine.stage import DAY_NS, MINUTE_NS, START_NS
from tests.engine.stage import play as on_stage
from tests.kernels.strategies import quick

goals = st.integers(-60, 60).map(float)
prices = sixteenths(1, 64)
ratios = st.integers(1, 64).map(lambda k: k / 16)
NAMES = {
    "position_lots": reasons.MAX_POSITION,
    "position": reasons.MAX_POSITION,
    "gross": reasons.MAX_GROSS,
    "net": reasons.MAX_NET,
    "sector": reasons.MAX_SECTOR,
    "leverage": reasons.MAX_LEVERAGE,
}


def broken(name, limit, equity, goal, price, others):
    """The relation of each limit, in exact numbers; `others` is the rest of the account."""
    after = goal * price
    gross, net = others[0] + abs(after), others[1] + after
    sector = others[2] + abs(after)
    return {
        "position_lots": abs(goal) > limit,
        "position": abs(after) > limit * equity,
        "gross": gross > limit * equity,
        "net": abs(net) > limit * equity,
        "sector": sector > limit * equity,
        "leverage": gross > limit * equity,
    }[name]


@pytest.mark.parametrize("name", NAMES)
@quick(200)
@given(
    limit=ratios, held=goals, goal=goals, price=prices, cash=sixteenths(16, 4096),
    others=st.tuples(sixteenths(0, 512), sixteenths(-512, 512), sixteenths(0, 512)),
)  # fmt: skip
def test_a_limit_denies_exactly_what_breaks_its_relation(
    name, limit, held, goal, price, cash, others
):
    """And never what makes the position smaller."""
    limits = Limits() if name == "leverage" else Limits(**{name: limit})
    account = Account(leverage=limit) if name == "leverage" else Account()
    # Leverage is looked at with the limits; a limit never reached switches them on.
    limits = limits._replace(day_orders=1e9)
    terms = make_terms(account, r=limits)
    desk = desk_of(cash=cash, lots=held, price=price)
    exact = [Fraction(x) for x in others]
    for field, more in zip(("gross", "net", "sector"), others, strict=True):
        setattr(desk.e, field, getattr(desk.e, field) + more)
    equity = Fraction(cash) + Fraction(held) * Fraction(price)
    smaller = abs(goal) <= abs(held) and goal * held >= 0
    args = (Fraction(limit), equity, Fraction(goal), Fraction(price), exact)
    breaks = broken(name, *args) and (name != "leverage" or limit != 1.0)

    found = denial(terms, desk, bar_at(price), goal)

    assert found == (NAMES[name] if breaks and not smaller else reasons.NO_REASON)


def terms_of(r=None, **account):
    return make_terms(TEN._replace(**account), Instrument(), x=Exits(), r=r or Limits())


def test_a_denied_order_is_told_and_nothing_is_filled(play):
    made = play(terms_of(Limits(position_lots=9.0)), [FLAT] * 3, [LONG])

    assert made.pick("orders", "bar", "status", "reason", "lots") == [
        (0, "denied", "max_position", 10)
    ]
    assert fills(made) == []


def test_a_turn_that_is_denied_leaves_the_position(play):
    """Ten long, twenty short are too many: what is open is closed in any case."""
    made = play(terms_of(Limits(position_lots=10.0)), [FLAT] * 5, [0.5, -LONG])
    few = play(terms_of(Limits(position_lots=9.0)), [FLAT] * 5, [0.5, -LONG])

    assert fills(made) == [(1, 5, 100.0), (2, -15, 100.0)]
    assert fills(few) == [(1, 5, 100.0), (2, -5, 100.0)]


def test_orders_of_a_day_are_counted_and_the_next_day_begins_anew(play):
    """Two orders a day; what reduces is never denied."""
    days = {k: {"ts_ns": START_NS + k * MINUTE_NS} for k in range(5)}
    days[5] = {"ts_ns": START_NS + DAY_NS}
    signals = [LONG, NONE, LONG, NONE, LONG, LONG]
    made = play(terms_of(Limits(day_orders=2.0)), [FLAT] * 6, signals, extra=days)
    again = play(
        terms_of(Limits(day_orders=2.0)), [FLAT] * 7, [*signals[:5], NONE, LONG],
        extra={**days, 6: {"ts_ns": START_NS + DAY_NS + MINUTE_NS}},
    )  # fmt: skip

    assert made.pick("orders", "bar", "status", "reason")[2:] == [
        (2, "denied", "order_rate"), (4, "denied", "order_rate"),
    ]  # fmt: skip
    assert again.pick("orders", "bar", "status")[-1] == (6, "accepted")


def test_what_reduces_is_accepted_beyond_any_limit(play):
    made = play(terms_of(Limits(day_orders=1.0)), [FLAT] * 4, [LONG, 0.5, NONE])

    assert made.pick("orders", "status") == [("accepted",)] * 3
    assert made.lots[-1] == 0.0


def test_trades_of_a_day_are_counted(play):
    signals = [LONG, NONE, LONG, NONE, LONG]
    made = play(terms_of(Limits(day_trades=2.0)), [FLAT] * 7, signals)

    assert [f.lots for f in made.fills] == [10, -10, 10, -10]
    assert made.orders[-1].reason == "trades_per_day"


FALLING = [(100, 100, 100, 100), (100, 100, 100, 100), (100, 100, 89, 90), (90, 90, 90, 90)]


@pytest.mark.parametrize(
    ("limits", "role", "reason"),
    [
        (Limits(day_loss=0.09), "daily_loss", "daily_loss_halt"),
        (Limits(drawdown=0.09), "drawdown", "drawdown_halt"),
    ],
)
def test_a_halt_closes_what_is_open_and_denies_what_opens(play, limits, role, reason):
    """Ten lots of a thousand of cash: 10 per cent are lost at a price of 90."""
    rows = [*FALLING, (90, 90, 90, 90), (90, 90, 90, 90)]
    made = play(terms_of(limits, cash=1000.0), rows, [LONG, LONG, LONG, NONE, LONG])
    kept = limits._replace(flatten=False)
    held = play(terms_of(kept, cash=1000.0), rows, [LONG, LONG, LONG, 0.5])

    assert fills(made) == [(1, 10, 100.0), (3, -10, 90.0)]
    assert made.trades[0].reason == role
    assert made.orders[-1].reason == reason
    assert fills(held) == [(1, 10, 100.0), (4, -5, 90.0)]


def test_a_loss_within_the_limit_halts_nothing(play):
    made = play(terms_of(Limits(day_loss=0.1, drawdown=0.1), cash=1000.0), FALLING, [LONG])

    assert fills(made) == [(1, 10, 100.0)]


def test_a_day_that_was_halted_ends_and_a_drawdown_does_not(play):
    rows = [*FALLING, (90, 90, 90, 90), (90, 90, 90, 90), (90, 90, 90, 90)]
    signals = [LONG, LONG, LONG, NONE, NONE, LONG]
    days = {k: {"ts_ns": START_NS + (k > 4) * DAY_NS + k * MINUTE_NS} for k in range(7)}
    day = play(terms_of(Limits(day_loss=0.09), cash=1000.0), rows, signals, extra=days)
    drawdown = play(terms_of(Limits(drawdown=0.09), cash=1000.0), rows, signals, extra=days)

    assert day.lots[-1] == 10.0
    assert drawdown.lots[-1] == 0.0


def test_on_margin_a_position_is_closed_below_its_maintenance(play):
    """Thirty lots with 1,000 of cash; at 80, equity is 400 and a fifth of 2,400 is 480."""
    terms = terms_of(cash=1000.0, leverage=3.0, maintenance=0.2, sizing_value=30.0)
    rows = [FLAT, FLAT, (90, 90, 90, 90), (80, 80, 80, 80), (80, 80, 80, 80), (80, 80, 80, 80)]
    made = play(terms, rows, [LONG])
    if not play.short:
        assert fills(made) == [(1, 30, 100.0), (4, -30, 80.0)]
        assert made.trades[0].reason == "liquidation"
    else:  # a short's exposure grows as it loses: at 110, 700 are enough; at 120, 400 are not
        assert [f.bar for f in made.fills] == [1, 4]


def test_more_than_leverage_allows_is_cut_to_it(play):
    terms = terms_of(cash=1000.0, leverage=3.0, sizing_value=40.0)
    made = play(terms, [FLAT] * 3, [LONG])

    assert fills(made) == [(1, 30, 100.0)]
    assert made.orders[-1].reason == "cash"


def year(count):
    """Bars a quarter of a year apart."""
    quarter = int(NS_PER_YEAR) // 4
    return {k: {"ts_ns": START_NS + k * quarter} for k in range(count)}


def test_borrowing_costs_by_the_time_a_short_is_held():
    n = Instrument(borrow_rate=0.1)
    for engine in ("plain", "compiled"):
        made = on_stage(
            make_terms(TEN, n), [FLAT] * 4, [-LONG], extra=year(4), engine=engine
        )  # fmt: skip
        # Sold at the open of bar 1; two quarters on 1,000 at a tenth a year.
        assert made.wallets[-1].financing == pytest.approx(2 * 0.1 / 4 * 1000.0)
        long = on_stage(make_terms(TEN, n), [FLAT] * 4, [LONG], extra=year(4), engine=engine)
        assert long.wallets[-1].financing == 0.0


def test_funding_is_paid_by_longs_and_got_by_shorts():
    terms = make_terms(TEN, Instrument(funding_rate=0.2))
    for side in (1.0, -1.0):
        made = on_stage(terms, [FLAT] * 4, [side], extra=year(4))
        assert made.wallets[-1].financing == pytest.approx(side * 2 * 0.2 / 4 * 1000.0)


def test_interest_is_paid_on_cash_below_nothing():
    account = Account(cash=500.0, sizing=FIXED, sizing_value=10.0, leverage=3.0, interest_rate=0.08)
    made = on_stage(make_terms(account), [FLAT] * 3, [LONG], extra=year(3))

    assert made.wallets[-1].financing == pytest.approx(0.08 / 4 * 500.0)
    assert made.cash[-1] == pytest.approx(-510.0)


def test_no_order_opens_in_the_last_minutes_of_a_session(play):
    days = {k: clock(4 - k) for k in range(5)}
    terms = make_terms(TEN, x=Exits(session_end=True, session_minutes=2.0), clock=True)
    made = play(terms, [FLAT] * 5, [NONE, NONE, LONG], extra=days)

    assert made.pick("orders", "status", "reason") == [("denied", "session_ends")]
