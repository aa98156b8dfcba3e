"""Splits and dividends: what they make of bars, positions and orders, in every way of running."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import (
    Account,
    Entry,
    Exits,
    FeatureProgram,
    Instrument,
    KernelError,
    Program,
    compute,
    get,
    make_terms,
    on,
    snapshot,
    strategy,
)
from admf_kernels import actions as adjusting
from admf_kernels.actions import ACTION_COLUMNS, Actions, actions_of
from admf_kernels.compiler import cache
from admf_kernels.contract import BAR_COLUMNS
from admf_kernels.execution.reasons import ACCEPTED, LIMIT, REPLACED
from admf_kernels.execution.terms import ATR, FRACTION, PERCENT
from admf_kernels.indicators import atr, ratio, shift, sma
from admf_kernels.orders import Request, keep, limit, stop
from admf_kernels.plan import Plan
from admf_kernels.recording import Bars, Run, record_compiled, record_plain, require_equal
from admf_kernels.testing import random_bars
from tests.kernels.flat import MINUTE_NS, flat_bars
from tests.kernels.strategies import bars, cuts, quick

FINE = Instrument(lot_size=1e-6, lot_value=1e-6)
ATR_INPUTS = {
    "atr": ratio(of=(atr(14), "adjustment")),
    "atr_before": ratio(of=(shift(1, of=atr(14)), "adjustment")),
}


@strategy(features=lambda p: {"slow": sma(5)}, orders=2)
def patient(
    close: float,
    low: float,
    slow: float,
    position: float,
    entry_price: float,
    equity: float,
    adjustment: float,
) -> tuple[Request, Request]:
    """Buy below the price, sell above the entry. First signal: bar 5."""
    units = 0.2 * equity / (close / adjustment)
    flat = position == 0.0
    wanted = limit(units, low * 0.99, low * 0.9, close * 1.1) if flat and close > slow else keep()
    away = stop(-position, entry_price * 0.97, reduce_only=True) if not flat else keep()
    return wanted, away


class Rows(NamedTuple):
    """What is drawn of an action: near which bar, by how much beside it, and what it does."""

    bar: int
    beside_ns: int
    split: float
    dividend: float  # fraction of the price
    known: bool


rows = st.builds(
    Rows,
    st.integers(-2, 60),
    st.integers(-2, 2),
    st.sampled_from((1.0, 1.0, 2.0, 0.1, 1.5, 7.0, 0.3333)),
    st.sampled_from((0.0, 0.0, 0.01, 0.5)),
    st.booleans(),
)


def table_over(data: Bars, drawn: list[Rows]) -> Actions:
    """Return actions at drawn times, several between two bars included."""
    first = int(data.ts_ns[0])
    found = {}
    for row in drawn:
        before = float(data.close[min(max(row.bar - 1, 0), data.bars - 1)])
        # Far below the price, however many of them come before one bar.
        paid = 1e-4 * row.dividend * before
        at = max(1, first + row.bar * MINUTE_NS + row.beside_ns)
        found[at] = (at, row.split, paid, before if row.known else 0.0)
    return actions_of(found[at] for at in sorted(found))


@quick(60)
@given(data=bars(2), drawn=st.lists(rows, max_size=7), block=st.data())
def test_the_driver_does_what_plain_python_does(data, drawn, block):
    table = table_over(data, drawn)
    kernel = get("sma_cross")
    terms = make_terms(n=FINE, x=Exits(FRACTION, 0.02, trail=FRACTION, trail_value=0.03),
                       actions=True)  # fmt: skip
    run = Run("drawn", (), kernel, kernel.checked(2, 5), terms, table)
    whole = record_compiled(run, data, [data.bars])

    require_equal(run, "plain", record_plain(run, data), whole)
    require_equal(run, "cut", whole, record_compiled(run, data, block.draw(cuts(data.bars))))
    require_equal(run, "bar by bar", whole, record_compiled(run, data, [1] * data.bars))


def some_actions(data: Bars) -> Actions:
    at = data.ts_ns
    return actions_of(
        [
            (int(at[0]) - 5, 2.0, 0.5, 0.0),
            (int(at[150]), 2.0, 0.0, 0.0),
            (int(at[150]) + 3, 1.0, 1.0, 0.0),
            (int(at[333]) - 1, 0.1, 0.3, 50.0),
            (int(at[450]), 3.0, 0.0, 0.0),
            (int(at[-1]) + 9, 5.0, 0.0, 0.0),
        ]
    )


def test_orders_of_a_strategy_are_in_the_prices_it_sees():
    data = random_bars(600, 4)
    run = Run("patient", (), patient, patient.checked(), make_terms(requests=2, actions=True),
              some_actions(data))  # fmt: skip
    whole = record_compiled(run, data, [600])

    require_equal(run, "plain", record_plain(run, data), whole)
    require_equal(run, "cut", whole, record_compiled(run, data, [149, 2, 180, 3, 266]))
    assert len(whole.events["fills"]) > 4
    # Orders are in the prices that are traded: those of the bar they were made on.
    made = [r for r in whole.events["orders"] if r[4] in (ACCEPTED, REPLACED) and r[9]]
    prices = [(r[0], np.int64(r[9]).view(np.float64)) for r in made]
    assert {k for k, _ in prices if k > 450}
    assert all(0.55 < price / data.close[k] < 1.8 for k, price in prices)


def test_longer_bars_are_adjusted_too():
    data = random_bars(2000, 5)
    outputs = (on("1h", sma(3)).value, on("5m", shift(0, of="volume")).value, sma(2).value)
    run = Run("longer", outputs, actions=some_actions(data))
    whole = record_compiled(run, data, [2000])

    require_equal(run, "plain", record_plain(run, data), whole)
    require_equal(run, "cut", whole, record_compiled(run, data, [700, 1, 1299]))


def split_by(data: Bars, where: dict[int, float]) -> tuple[Bars, Actions]:
    """Return bars as they would be traded with splits before some of them."""
    ratio = np.ones(data.bars)
    for row, split in where.items():
        ratio[row:] *= split
    prices = [column / ratio for column in data[1:5]]
    table = actions_of((int(data.ts_ns[k - 1]), split, 0.0, 0.0) for k, split in where.items())
    return Bars(data.ts_ns, *prices, data.volume * ratio), table


SPLITS = {100: 2.0, 101: 4.0, 350: 0.25, 777: 8.0}


@pytest.mark.parametrize(
    ("entry", "exits"),
    [
        (Entry(), Exits()),
        (Entry(), Exits(ATR, 3.0, FRACTION, 0.02, trail=ATR, trail_value=4.0, max_bars=40.0)),
        (Entry(LIMIT, unit=ATR, limit=0.5, bars=5.0), Exits(FRACTION, 0.01, even=FRACTION,
                                                            even_value=0.01, memory=0)),
    ],
)  # fmt: skip
def test_a_pure_split_changes_nothing_but_the_units(entry, exits):
    """Signals are the same bits; what is paid and where it fills is the same, in new units."""
    data = random_bars(1000, 8)
    traded, table = split_by(data, SPLITS)
    kernel, account = get("sma_cross"), Account(sizing=PERCENT, sizing_value=0.5)
    made = []
    for given_bars, actions in ((data, None), (traded, table)):
        terms = make_terms(account, FINE, entry, exits, actions=actions is not None)
        inputs = ATR_INPUTS if terms.uses.atr else {}
        program = Program(kernel, kernel.checked(3, 9), terms, inputs=inputs, actions=actions)
        rows = program.feed(*given_bars)
        counts = dict(zip(program.events, program.counts.tolist(), strict=True))
        events = {n: {k: v[: counts[n]].copy() for k, v in t.items()}
                  for n, t in program.events.items()}  # fmt: skip
        events["fills"]["row"] -= rows.start
        made.append((program.per_bar["signal"][rows], program.per_bar["equity"][rows], events,
                     program.values()["curve"]))  # fmt: skip
    (signals, equity, events, curve), (other_signals, other_equity, others, other_curve) = made

    assert signals.tobytes() == other_signals.tobytes()
    np.testing.assert_allclose(other_equity, equity, rtol=1e-7)
    assert (curve.first_close, curve.last_close) == (
        other_curve.first_close,
        other_curve.last_close,
    )
    factor = traded.close / data.close
    fills, other_fills = events["fills"], others["fills"]
    at = fills["row"]
    assert len(at) > 20
    assert at.tolist() == other_fills["row"].tolist()
    assert fills["role"].tolist() == other_fills["role"].tolist()
    assert (fills["price"] * factor[at]).tolist() == other_fills["price"].tolist()
    np.testing.assert_allclose(other_fills["lots"] * factor[at], fills["lots"], rtol=1e-6)
    np.testing.assert_allclose(others["trades"]["pnl"], events["trades"]["pnl"], rtol=1e-4)


def test_nothing_jumps_where_a_position_is_held():
    data = random_bars(1000, 8)
    traded, table = split_by(data, {100: 3.0, 101: 1.5, 350: 0.5, 777: 7.0})
    kernel = get("buy_and_hold")
    plain = Program(kernel, None, make_terms(n=FINE))
    split = Program(kernel, None, make_terms(n=FINE, actions=True), actions=table)
    expected = plain.per_bar["equity"][plain.feed(*data)]
    rows = split.feed(*traded)

    np.testing.assert_allclose(split.per_bar["equity"][rows], expected, rtol=1e-9)
    np.testing.assert_allclose(split.columns[split.plan.column("close"), rows], data.close)


@pytest.mark.parametrize("known", [150, 151, 334, 599])
def test_what_comes_later_changes_nothing_before(known):
    """Only the actions that have taken effect: the same bytes, and state that goes on."""
    data = random_bars(600, 4)
    whole = some_actions(data)
    count = int((whole.ts_ns < data.ts_ns[known - 1]).sum())
    early = Actions(*(getattr(whole, n)[:count] for n in Actions.__slots__))
    kernel = get("sma_cross")
    run = Run("x", (), kernel, kernel.checked(3, 8), make_terms(actions=True), whole)
    short = Run("x", (), kernel, kernel.checked(3, 8), make_terms(actions=True), early)
    expected = record_compiled(run, data, [600])
    found = record_compiled(short, data.rows(0, known), [known])

    require_equal(run, "fewer actions", expected.before(known), found.before(known))
    first, second = short.compiled(600), run.compiled(600)
    first.feed(*data.rows(0, known))
    snapshot.restore(second, snapshot.save(first))
    second.feed(*data.rows(known, 600))
    assert second.last_checksum == int(expected.columns["state.checksum"][-1])


def test_saved_state_belongs_to_the_actions_before_it():
    data = random_bars(600, 4)
    table = some_actions(data)
    other = Actions(table.ts_ns, table.split, table.dividend * 1.01, table.reference)
    kernel, terms = get("sma_cross"), make_terms(actions=True)
    program = Program(kernel, None, terms, actions=table)
    program.feed(*data)
    saved = snapshot.save(program)

    snapshot.restore(Program(kernel, None, terms, actions=table), saved)
    with pytest.raises(KernelError, match="belongs to other"):
        snapshot.restore(Program(kernel, None, terms, actions=other), saved)


def test_the_factor_does_not_depend_on_where_a_run_starts():
    data = random_bars(600, 4)
    at = data.ts_ns
    table = actions_of([(int(at[100]), 2.0, 0.5, 80.0), (int(at[333]), 1.0, 1.0, 90.0)])
    found = []
    for start in (0, 50, 101, 102, 400):
        program = FeatureProgram([shift(0, of="adjustment")], actions=table)
        rows = program.feed(*data.rows(start, 600))
        found.append(program.columns[program.plan.column("adjustment"), rows][-200:].tobytes())

    assert len(set(found)) == 1


def columns_of(data: Bars, table: Actions) -> dict[str, np.ndarray]:
    program = FeatureProgram([sma(2)], actions=table)
    rows = program.feed(*data)
    return {n: program.columns[program.plan.column(n), rows] for n in ACTION_COLUMNS}


def test_which_bar_gets_an_action():
    """The first that closes after it, its predecessor not; and never the first bar of a run."""
    data = flat_bars([100.0] * 5)
    for at_ns, bar in ((3 * MINUTE_NS - 1, 2), (3 * MINUTE_NS, 3), (3 * MINUTE_NS + 1, 3),
                       (MINUTE_NS - 1, None), (MINUTE_NS, 1), (5 * MINUTE_NS, None)):  # fmt: skip
        found = columns_of(data, actions_of([(at_ns, 2.0, 0.0, 0.0)]))["split"].tolist()
        assert found == [2.0 if k == bar else 1.0 for k in range(5)]


def test_several_actions_between_two_bars_are_one():
    """A dividend of 10 on 100, a split in 3, a dividend of 6 on 30: 28 a unit, and 24 left."""
    data = flat_bars([100.0, 24.0])
    at = MINUTE_NS
    for known in (0.0, 1.0):
        rows = [(at, 1.0, 10.0, 100.0 * known), (at + 1, 3.0, 0.0, 0.0),
                (at + 2, 1.0, 6.0, 30.0 * known)]  # fmt: skip
        found = columns_of(data, actions_of(rows))

        assert (found["split"][1], found["dividend"][1], found["units"][1]) == (3.0, 28.0, 3.0)
        np.testing.assert_allclose(found["adjusted_close"], [100.0, 100.0], rtol=1e-15)
        np.testing.assert_allclose(found["adjusted_volume"], [8.0, 8.0 / 3.0], rtol=1e-15)


def test_without_actions_nothing_is_added():
    plan = Plan([sma(5).value])
    program = FeatureProgram([sma(5)])

    assert plan.column_count == len(BAR_COLUMNS) + 1
    assert plan.history_bars == Plan([sma(5).value], adjusted=True).history_bars
    assert len(program._calls) == 2
    assert "actions" not in program.describe()


def test_an_adjustment_without_actions_is_one():
    data = random_bars(50)
    program = FeatureProgram([shift(0, of="adjustment"), sma(2)])
    rows = program.feed(*data)

    assert set(program.column(shift(0, of="adjustment"))[rows].tolist()) == {1.0}
    assert program.column(sma(2))[rows][5] == compute(sma(2), data.close)[5]


@pytest.mark.parametrize(
    "rows",
    [
        [(5, 2.0, 0.0, 0.0), (5, 2.0, 0.0, 0.0)],
        [(5, 2.0, 0.0, 0.0), (4, 2.0, 0.0, 0.0)],
        [(5, 0.0, 0.0, 0.0)],
        [(5, -1.0, 0.0, 0.0)],
        [(5, np.nan, 0.0, 0.0)],
        [(5, 1.0, -1.0, 0.0)],
        [(5, 1.0, 3.0, 3.0)],
        [(5, 1.0, 3.0, np.inf)],
        [(5 + k, 1e4, 0.0, 0.0) for k in range(3)],
    ],
)
def test_a_table_that_makes_no_sense_is_refused(rows):
    with pytest.raises(KernelError, match="actions: expected"):
        actions_of(rows)


def test_a_dividend_above_the_price_stops_the_run():
    data = flat_bars([5.0, 5.0, 5.0])
    table = actions_of([(2 * MINUTE_NS, 1.0, 5.0, 0.0)])
    run = Run("x", (sma(2).value,), actions=table)

    with pytest.raises(KernelError, match=r"bar 2 .*dividend .*not below the price"):
        record_compiled(run, data, [3])
    with pytest.raises(KernelError, match="a dividend of 5"):
        record_plain(run, data)


def test_what_is_half_set_is_refused():
    table = actions_of([])
    with pytest.raises(KernelError, match=r"make_terms\(actions=True\).*found a table"):
        Program(get("sma_cross"), actions=table)
    with pytest.raises(KernelError, match="found terms"):
        Program(get("sma_cross"), None, make_terms(actions=True))
    with pytest.raises(KernelError, match="reads adjustment"):
        on("1h", sma(3, of="adjustment"))
    with pytest.raises(KernelError, match="an adjustment needs times"):
        compute(sma(3, of="adjustment"), np.ones(3))


FAULTS = {
    "filled at adjusted prices": (
        "adjusted_open[row] = open[row] * factor",
        "open[row] = open[row] * factor; adjusted_open[row] = open[row]",
    ),
    "one bar late": ("at[k] < times[t]:", "at[k] < times[t - 1]:"),
    "a factor that is lost": ("factor *= growth[k]", "factor = growth[k]"),
    "volume the wrong way": ("volume[row] / unit", "volume[row] * unit"),
    "a dividend of new units": ("total += ratio * paid[k]", "total += paid[k]"),
    "reset at a block's edge": ("known = adjustment", "known = 0.0 * adjustment"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_driver_is_caught(monkeypatch, tmp_path, name):
    from admf_kernels import drivers

    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    before, after = FAULTS[name]
    assert before in adjusting.SOURCE
    monkeypatch.setattr(adjusting, "SOURCE", adjusting.SOURCE.replace(before, after))
    drivers.for_actions.cache_clear()
    data = random_bars(600, 4)
    terms = make_terms(n=FINE, actions=True)
    at = data.ts_ns
    table = actions_of([(int(at[100]), 2.0, 0.5, 80.0), (int(at[333]), 2.0, 0.0, 0.0),
                        (int(at[333]) + 1, 1.0, 1.0, 90.0)])  # fmt: skip
    kernel = get("sma_cross")
    run = Run(name, (sma(2, of="volume").value,), kernel, kernel.checked(3, 8), terms, table)
    try:
        found = record_compiled(run, data, [101, 233, 266])
        with pytest.raises(AssertionError, match=r"bar \d+, "):
            require_equal(run, "plain", record_plain(run, data), found)
    finally:
        drivers.for_actions.cache_clear()
