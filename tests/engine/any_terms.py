"""Terms of every kind, hostile bars, and strategies that want anything: for properties."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from admf_kernels import orders as ask
from admf_kernels.execution import reasons, terms
from admf_kernels.execution.terms import Account, Entry, Exits, Instrument, Limits, Terms
from admf_kernels.execution.uses import make_terms
from admf_kernels.indicators import atr, roc, shift, stddev
from admf_kernels.recording import Bars
from admf_kernels.registry import strategy

INPUTS = {
    "atr": atr(5),
    "atr_before": shift(1, of=atr(5)),
    "deviation": stddev(10, of=roc(1)),
}
UNITS = (terms.NO_DISTANCE, terms.NO_DISTANCE, terms.FRACTION, terms.AMOUNT, terms.ATR)
DISTANCES = {
    terms.NO_DISTANCE: (0.0,),
    terms.FRACTION: (0.002, 0.01, 0.03),
    terms.AMOUNT: (0.1, 0.5, 2.0),
    terms.ATR: (0.5, 1.0, 3.0),
}


def inputs_for(t: Terms) -> dict[str, Any]:
    """Return the features that the engine reads with these terms."""
    wanted = {"atr": t.uses.atr, "atr_before": t.uses.atr, "deviation": t.uses.deviation}
    return {name: feature for name, feature in INPUTS.items() if wanted[name]}


@st.composite
def any_exits(draw: st.DrawFn) -> Exits:
    units = {n: draw(st.sampled_from(UNITS)) for n in ("stop", "target", "trail", "even")}
    away = {n: draw(st.sampled_from(DISTANCES[unit])) for n, unit in units.items()}
    return Exits(
        **units,
        stop_value=away["stop"],
        target_1=away["target"],
        target_2=away["target"] * 2.0,
        target_3=away["target"] * 3.0,
        part_1=draw(st.sampled_from((1.0, 0.5, 0.3))),
        part_2=draw(st.sampled_from((0.0, 0.3))),
        part_3=draw(st.sampled_from((0.0, 0.2))),
        trail_value=away["trail"],
        trail_start=draw(st.sampled_from((0.0, away["trail"]))),
        trail_close=draw(st.booleans()),
        even_value=away["even"],
        even_offset=draw(st.sampled_from((0.0, away["even"] / 4))),
        max_bars=draw(st.sampled_from((0.0, 0.0, 5.0, 20.0))),
        session_end=draw(st.sampled_from((False, False, False, True))),
        from_close=draw(st.booleans()),
        memory=draw(st.sampled_from((-1, 0, 1 << reasons.STOP_LOSS))),
    )


@st.composite
def any_entry(draw: st.DrawFn) -> Entry:
    unit = draw(st.sampled_from((terms.FRACTION, terms.AMOUNT, terms.ATR)))
    away = draw(st.sampled_from(DISTANCES[unit])) * 0.3
    kinds = (reasons.MARKET, reasons.MARKET, reasons.LIMIT, reasons.STOP, reasons.STOP_LIMIT,
             reasons.AT_OPEN, reasons.AT_CLOSE)  # fmt: skip
    return Entry(
        kind=draw(st.sampled_from(kinds)),
        tif=draw(st.sampled_from((reasons.GTC, *range(4), reasons.FOK))),
        unit=unit,
        limit=draw(st.sampled_from((1.0, -1.0))) * away,
        stop=away,
        bars=draw(st.sampled_from((0.0, 1.0, 3.0))),
    )


@st.composite
def any_account(draw: st.DrawFn) -> Account:
    sizing = draw(st.sampled_from(range(6)))
    return Account(
        fill=draw(st.sampled_from((terms.NEXT_OPEN, terms.NEXT_OPEN, terms.SAME_CLOSE))),
        sizing=sizing,
        sizing_value=50.0 if sizing == terms.FIXED else draw(st.sampled_from((0.3, 1.0))),
        sizing_trades=5.0,
        sizing_periods=252.0,
        long_allowed=draw(st.sampled_from((True, True, True, False))),
        touch=draw(st.booleans()),
        both_hit=draw(st.sampled_from(range(3))),
        entry_bar=draw(st.sampled_from(range(3))),
        participation=draw(st.sampled_from((0.0, 0.0, 0.1))),
        leverage=draw(st.sampled_from((1.0, 1.0, 3.0))),
        maintenance=draw(st.sampled_from((0.0, 0.2))),
        interest_rate=draw(st.sampled_from((0.0, 0.05))),
        reject=draw(st.sampled_from((False, False, True))),
        exit_first=draw(st.sampled_from((False, False, True))),
        size_at_fill=draw(st.sampled_from((False, False, True))),
    )


@st.composite
def any_instrument(draw: st.DrawFn) -> Instrument:
    return Instrument(
        ticks=draw(st.sampled_from((0.0, 100.0))),
        cross=draw(st.sampled_from((0.0, 0.005))),
        fee_rate=draw(st.sampled_from((0.0, 0.001))),
        fee_rate_maker=draw(st.sampled_from((0.0, 0.0005))),
        fee_fixed=draw(st.sampled_from((0.0, 1.0))),
        fee_minimum=draw(st.sampled_from((0.0, 2.0))),
        fee_tiers=draw(st.sampled_from((0, 2))),
        fee_from_1=1e5, fee_rate_1=0.0005, fee_from_2=1e6, fee_rate_2=0.0001,
        slippage_rate=draw(st.sampled_from((0.0, 0.0005))),
        slippage_impact=draw(st.sampled_from((0.0, 0.0, 0.1))),
        slippage_on=draw(st.sampled_from(range(3))),
        borrow_rate=draw(st.sampled_from((0.0, 0.1))),
        funding_rate=draw(st.sampled_from((0.0, -0.05))),
    )  # fmt: skip


@st.composite
def any_limits(draw: st.DrawFn) -> Limits:
    if draw(st.booleans()):
        return Limits()
    return Limits(
        position=draw(st.sampled_from((0.0, 0.5, 2.0))),
        position_lots=draw(st.sampled_from((0.0, 400.0))),
        gross=draw(st.sampled_from((0.0, 1.5))),
        net=draw(st.sampled_from((0.0, 1.2))),
        day_loss=draw(st.sampled_from((0.0, 0.01))),
        drawdown=draw(st.sampled_from((0.0, 0.1))),
        day_orders=draw(st.sampled_from((0.0, 20.0))),
        day_trades=draw(st.sampled_from((0.0, 8.0))),
        flatten=draw(st.booleans()),
    )


@st.composite
def all_terms(draw: st.DrawFn, requests: int = 0, actions: bool = False) -> Terms:
    """Terms of every kind."""
    entry = draw(any_entry()) if requests == 0 else Entry()
    return make_terms(
        draw(any_account()), draw(any_instrument()), entry, draw(any_exits()), draw(any_limits()),
        requests=requests, actions=actions,
    )  # fmt: skip


def hostile_bars(seed: int, count: int) -> Bars:
    """Return valid bars: calm, gaps, runs without a range, still stretches, tiny prices."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal(count) * rng.choice([0.0, 0.001, 0.005, 0.02], count)
    kinds = np.repeat(rng.integers(0, 5, count // 8 + 1), 8)[:count]
    steps[kinds == 1] = 0.0
    steps[kinds == 2] = 0.05  # limit-up runs
    level = rng.choice([1e-3, 10.0, 100.0, 100.0, 5000.0])
    close = level * np.exp(np.cumsum(steps - np.where(kinds == 2, 0.0, 0.001)))
    close = np.round(close, 2) + 0.01 if level >= 10.0 else close
    before = np.concatenate([close[:1], close[:-1]])
    open_ = np.where(rng.random(count) < 0.3, close, before)
    gap = 1.0 + 0.03 * rng.standard_normal(count)
    open_ = np.abs(np.where(rng.random(count) < 0.1, open_ * gap, open_))
    reach = rng.choice([0.0, 0.0005, 0.003, 0.02], (2, count)) * (kinds != 1) * (kinds != 2)
    high, low = np.maximum(open_, close) * (1 + reach[0]), np.minimum(open_, close) * (1 - reach[1])
    volume = np.where(rng.random(count) < 0.1, 0.0, np.floor(1000.0 * rng.random(count)))
    ts_ns = 1_700_000_000_000_000_000 + 900_000_000_000 * np.arange(count, dtype=np.int64)
    return Bars(ts_ns, open_, high, low, close, volume)


@strategy()
def follow_volume_steps(volume: float) -> float:
    """Want what the volume says; mostly keep to one of four wishes."""
    if volume > 700.0:
        return 1.0
    if volume < 300.0:
        return -1.0
    return 0.5 if volume > 600.0 else 0.0


@strategy(orders=2)
def ask_volume(
    ts_ns: int, close: float, high: float, low: float, volume: float, position: float
) -> tuple[ask.Request, ask.Request]:
    """Ask for anything: what, depends on the digits of the volume."""
    size = 10.0 + int(volume) % 7
    side = 1.0 if int(volume) % 2 == 0 else -1.0
    what = int(volume) % 23
    first = ask.keep()
    if what == 0:
        first = ask.market(side * size)
    elif what == 1:
        first = ask.market(side * size, close * (1.0 - side * 0.01), close * (1.0 + side * 0.02))
    elif what == 2:
        first = ask.limit(side * size, close * (1.0 - side * 0.002), 0.0, 0.0, ask.DAY)
    elif what == 3:
        first = ask.stop(side * size, close * (1.0 + side * 0.002), close, 0.0)
    elif what == 4:
        first = ask.stop_limit(side * size, close * (1.0 + side * 0.001), close)
    elif what == 5:
        first = ask.cancel()
    elif what == 6:
        first = ask.limit(side * size, close * (1.0 + side * 0.002), 0.0, 0.0, ask.IOC)
    elif what == 7:
        first = ask.limit(side * size, close, 0.0, 0.0, ask.GTD, ts_ns + 5_000_000_000_000)
    elif what == 8:
        first = ask.limit(side * size, close, 0.0, 0.0, ask.FOK)
    elif what == 9:
        first = ask.move_stop(low if position > 0.0 else high)
    elif what == 10:
        first = ask.stop(side * size, close * (1.0 - side * 0.002))
    elif what == 11:
        first = ask.market(0.25)
    second = ask.keep()
    if what == 12 or what == 13:
        second = ask.trailing_stop(-position, close * 0.01)
    elif what == 14:
        second = ask.trailing_stop(side * size, 0.0, 0.02, False)
    elif what == 15:
        second = ask.market(-position, 0.0, 0.0, True)
    elif what == 16:
        second = ask.limit(-position, close * (1.0 + 0.01 * side), 0.0, 0.0, ask.GTC, 0, True)
    elif what == 17:
        second = ask.cancel()
    return first, second
