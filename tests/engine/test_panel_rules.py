"""Several instruments: what happens, against small models that share no code with the engine."""

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels.execution.terms import FIXED, PERCENT, Account, Entry, Exits, Instrument, Limits
from admf_kernels.execution.uses import make_terms
from tests.engine.kit import follow_volume
from tests.engine.panel_kit import (
    bars_at,
    by_volume,
    panel_of,
    panels,
    rotations,
    run_of,
    setup_of,
)
from tests.kernels.strategies import quick

FREE = make_terms(Account(cash=1e6, sizing=FIXED, sizing_value=10.0))
COSTLY = make_terms(
    Account(cash=1e6, sizing=FIXED, sizing_value=10.0),
    Instrument(fee_rate=0.001, fee_fixed=1.0, slippage_rate=0.0005),
)
SHARED = make_terms(Account(cash=1e5, sizing=PERCENT, sizing_value=0.4), COSTLY.n)
EVENTS = ("signals", "orders", "fills", "trades")
NUMBERS = ("sequence", "order_id")


def events(log, symbol):
    """Return the events of one instrument, without the numbers that others' events change."""
    found = {}
    for table in EVENTS:
        rows = log.tables[table].drop_columns(
            [n for n in NUMBERS if n in log.tables[table].schema.names]
        )
        found[table] = [row for row in rows.to_pylist() if row["symbol"] == symbol]
    return found


@quick(25)
@given(st.data(), st.integers(0, 3))
def test_an_instrument_that_never_trades_changes_nothing(data, place):
    panel = data.draw(panels(3))
    idle = panel.blocks[place % 3]
    still = type(idle)(*idle.columns()[:5], np.full(len(idle), 4.0))
    blocks = [*panel.blocks[:place], still, *panel.blocks[place:]]
    before = run_of(setup_of(follow_volume, [SHARED] * 3), panel)
    after = run_of(setup_of(follow_volume, [SHARED] * 4), panel_of(blocks))

    others = [s for k, s in enumerate("ABCD") if k != place]
    for old, new in zip("ABC", others, strict=True):
        ours, theirs = events(before, old), events(after, new)
        for table in EVENTS:
            assert ours[table] == [{**row, "symbol": old} for row in theirs[table]]
    names = ["ts", "cash", "equity"]
    assert before.tables["equity"].select(names).equals(after.tables["equity"].select(names))


@quick(25)
@given(st.data(), st.permutations([0, 1, 2]))
def test_with_money_for_all_their_order_changes_nothing(data, order):
    panel = data.draw(panels(3))
    first = run_of(setup_of(follow_volume, [COSTLY] * 3), panel)
    other = run_of(
        setup_of(follow_volume, [COSTLY] * 3), panel_of([panel.blocks[k] for k in order])
    )

    for place, k in enumerate(order):
        ours, theirs = events(first, "ABC"[k]), events(other, "ABC"[place])
        for table in EVENTS:
            assert ours[table] == [{**row, "symbol": "ABC"[k]} for row in theirs[table]]


@quick(40)
@given(panels(3))
def test_cash_and_equity_add_up(panel):
    """Cash is what fills left of it; what has no bar is worth its last price."""
    tables = run_of(setup_of(follow_volume, [SHARED] * 3), panel).tables
    cash, held, price = 1e5, dict.fromkeys("ABC", 0.0), dict.fromkeys("ABC", 0.0)
    fills = tables["fills"].to_pylist()
    closes = [dict(zip(b.ts_ns.tolist(), b.close.tolist(), strict=True)) for b in panel.blocks]
    for row, ts in zip(tables["equity"].to_pylist(), panel.ts_ns.tolist(), strict=True):
        for fill in (f for f in fills if f["ts"] == row["ts"]):
            cash -= fill["lots"] * fill["price"] + fill["fee"]
            held[fill["symbol"]] += fill["lots"]
        for symbol, own in zip("ABC", closes, strict=True):
            price[symbol] = own.get(ts, price[symbol])
        assert row["cash"] == pytest.approx(cash, rel=1e-9)
        worth = sum(held[s] * price[s] for s in "ABC")
        assert row["equity"] == pytest.approx(cash + worth, rel=1e-9)


def test_prices_in_another_currency_are_converted_at_the_last_rate():
    """Bought at the open by the rate of the close before, marked by the latest."""
    rates, prices = [2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 11.0, 12.0, 13.0, 14.0]
    minutes = [1, 2, 3, 4, 5]
    rate = bars_at(minutes, rates, [4.0] * 5)
    stock = bars_at(minutes, prices, [8.0, 8.0, 4.0, 4.0, 4.0])
    log = run_of(setup_of(follow_volume, [FREE] * 2, fx=(-1, 0)), panel_of([rate, stock]))
    cash, lots, expected = 1e6, 0, []
    for k in range(5):
        wanted = {1: 10, 3: 0}.get(k, lots)  # decided one moment before
        cash -= (wanted - lots) * prices[k] * rates[k - 1]
        lots = wanted
        expected.append((cash, cash + lots * prices[k] * rates[k]))

    rows = log.tables["equity"].to_pylist()
    assert [(row["cash"], row["equity"]) for row in rows] == expected


def test_without_a_rate_nothing_is_bought():
    rate = bars_at([4, 5, 6], [2.0, 2.0, 2.0], [4.0] * 3)
    stock = bars_at([1, 2, 3, 4, 5, 6], [10.0] * 6, [8.0, 8.0, 4.0, 8.0, 8.0, 8.0])
    terms = make_terms(Account(cash=1e4, sizing=PERCENT, sizing_value=0.5))
    log = run_of(setup_of(follow_volume, [terms] * 2, fx=(-1, 0)), panel_of([rate, stock]))

    times = [row["ts"] for row in log.tables["fills"].to_pylist()]
    assert times == [log.tables["equity"].to_pylist()[4]["ts"]]
    assert log.tables["fills"].to_pylist()[0]["lots"] == 250


@quick(60)
@given(rotations(), st.data())
def test_rotation_is_that_of_a_small_model(rotation, data):
    panel = data.draw(panels(4))
    log = run_of(setup_of(by_volume, [FREE] * 4, rotation=rotation), panel)
    rows = log.tables["positions"]
    ts_ns = rows.column("ts").cast(pa.int64()).to_pylist()
    names, wanted = (rows.column(n).to_pylist() for n in ("symbol", "signal"))
    found = list(zip(ts_ns, names, wanted, strict=True))
    signals, period, since, expected = [0.0] * 4, None, 0, []
    for t, ts in enumerate(panel.ts_ns.tolist()):
        there = [k for k in range(4) if panel.rows[k, t] >= 0]
        day = dt.date(1970, 1, 1) + dt.timedelta(days=(ts - 1) // 86_400_000_000_000)
        since += 1
        now = {0: period, 1: day, 2: day.isocalendar()[:2], 3: (day.year, day.month)}[
            rotation.period
        ]
        if t == 0 or (since >= rotation.moments if rotation.period == 0 else now != period):
            period, since = now, 0
            volume = {k: panel.blocks[k].volume[panel.rows[k, t]] for k in there}
            ranked = {k: 1000.0 / v for k, v in volume.items() if v}
            best = sorted(ranked, key=lambda k: (-ranked[k], k))[: rotation.hold]
            worst = sorted(ranked, key=lambda k: (ranked[k], k))[: rotation.short]
            part = 1.0 / (rotation.hold + rotation.short)
            for k in there:
                signals[k] = part if k in best else -part if k in worst else 0.0
        expected += [(ts, "ABCD"[k], signals[k]) for k in there]

    assert found == expected


@pytest.mark.parametrize(
    ("limits", "sectors", "denied"),
    [
        (Limits(gross=1.0), (0, 1), ["max_gross_exposure"]),
        (Limits(gross=1.2), (0, 1), []),
        (Limits(net=1.0), (0, 1), ["max_net_exposure"]),
        (Limits(sector=1.0), (0, 0), ["max_sector_exposure"]),
        (Limits(sector=1.0), (0, 1), []),
    ],
)
def test_limits_count_the_orders_of_the_same_moment(limits, sectors, denied):
    account = Account(cash=1e4, sizing=PERCENT, sizing_value=0.55, leverage=4.0)
    terms = make_terms(account, Instrument(), Entry(), Exits(), limits)
    both = [bars_at([1, 2], [10.0, 10.0], [8.0, 8.0])] * 2
    log = run_of(setup_of(follow_volume, [terms] * 2, sectors=sectors), panel_of(both))

    rows = log.tables["orders"].to_pylist()
    assert [(r["symbol"], r["reason"]) for r in rows if r["status"] == "denied"] == [
        ("B", reason) for reason in denied
    ]


def test_of_two_that_want_all_the_money_the_first_gets_it():
    terms = make_terms(Account(cash=1000.0))
    both = [bars_at([1, 2], [10.0, 10.0], [8.0, 8.0])] * 2
    log = run_of(setup_of(follow_volume, [terms] * 2), panel_of(both))

    assert [(r["symbol"], r["lots"]) for r in log.tables["fills"].to_pylist()] == [("A", 100)]
    assert math.isclose(log.tables["equity"].to_pylist()[-1]["cash"], 0.0)
