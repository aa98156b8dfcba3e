"""Whole runs with exits against a backtest in exact rationals that shares no code."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from admf_kernels.execution import terms as kinds
from admf_kernels.execution.terms import AMOUNT, FIXED, NO_DISTANCE, Account, Exits
from admf_kernels.execution.uses import make_terms
from tests.engine.simple_exits import Rules, SimpleExits
from tests.engine.stage import play
from tests.kernels.strategies import quick

LOTS = 4
distances = st.sampled_from((0, 0, 2, 5, 12)).map(lambda k: Fraction(k, 16))
# Only full signals: what is added to a position has no exits of its own to compare.
signals = st.sampled_from((1.0, 1.0, 0.0, -1.0, -1.0))


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    return Rules(
        lots=LOTS,
        stop=draw(distances),
        target=draw(distances),
        trail=draw(distances),
        by_close=draw(st.booleans()),
        stop_first=draw(st.booleans()),
        touch=draw(st.booleans()),
        remember=draw(st.booleans()),
        max_bars=draw(st.sampled_from((0, 0, 0, 3))),
    )


@st.composite
def bars(draw: st.DrawFn) -> list[tuple[float, ...]]:
    """Prices in sixteenths near 4, with gaps and bars without a range."""
    level, found = 64, []
    for _ in range(draw(st.integers(2, 24))):
        open_ = level + draw(st.sampled_from((0, 0, 0, -7, 5)))
        close = open_ + draw(st.integers(-6, 6))
        reach = draw(st.integers(0, 8))
        high, low = max(open_, close) + reach, min(open_, close) - draw(st.integers(0, 8))
        level = max(24, min(128, close))
        found.append(tuple(max(1, price) / 16 for price in (open_, high, low, close)))
    return found


def terms_of(r: Rules):
    unit = {True: AMOUNT, False: NO_DISTANCE}
    exits = Exits(
        stop=unit[r.stop > 0], stop_value=float(r.stop),
        target=unit[r.target > 0], target_1=float(r.target),
        trail=unit[r.trail > 0], trail_value=float(r.trail), trail_close=r.by_close,
        max_bars=float(r.max_bars), memory=-1 if r.remember else 0,
    )  # fmt: skip
    account = Account(
        sizing=FIXED, sizing_value=float(LOTS), touch=r.touch,
        both_hit=kinds.STOP_FIRST if r.stop_first else kinds.TARGET_FIRST,
    )  # fmt: skip
    return make_terms(account, x=exits)


@quick(400)
@given(rules(), bars(), st.lists(signals, min_size=24, max_size=24), st.booleans())
def test_fills_and_trades_are_exactly_those_of_the_rules(rules, bars, wanted, compiled):
    compare(rules, bars, wanted, "compiled" if compiled else "plain")


def compare(rules, bars, wanted, engine):
    held = [signal for signal in wanted for _ in range(2)]
    simple = SimpleExits(rules)
    for t, prices in enumerate(bars):
        simple.bar(t, prices, held[t])

    made = play(terms_of(rules), bars, held, engine=engine)

    assert made.pick("fills", "bar", "lots", "price") == simple.fills
    found = made.pick("trades", "bar", "reason", "lots", "entry_price", "exit_price", "bars")
    assert found == simple.trades
    pnl = sum(lots * (out - into) for _, _, lots, into, out, _ in simple.trades)
    assert sum(t.pnl for t in made.trades) == pnl
