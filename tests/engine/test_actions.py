"""Splits and dividends in whole runs: every way of running, the manifest, what is told."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.config import parse_config
from admf_fast.data import BarBlock
from admf_fast.errors import BarError, ConfigError
from admf_fast.jobs import backtest
from admf_fast.parity.proving import prove, prove_bars
from admf_fast.runners.historical import run_historical
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.setup import prepare
from admf_kernels import actions as adjusting
from admf_kernels import drivers
from admf_kernels.compiler import cache
from admf_kernels.testing import random_bars

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
START = "2024-10-31T13:31"
ACTIONS = """\
ts,split,dividend,reference
2024-10-30T04:00:00Z,2,0.5,
2024-10-31T20:00:00Z,3,,
2024-11-01T04:00:00Z,,0.25,40
2024-11-04T05:00:00Z,0.1,1,
2024-11-05T13:30:30Z,1.5,0.01,
"""
SIMPLE = "strategy: {kernel: sma_cross, params: {fast: 3, slow: 11}}\n"
EXITS = """\
strategy: {kernel: sma_cross, params: {fast: 3, slow: 11}}
entry: {order: limit, limit: {atr: 0.2}, time_in_force: GTD, bars: 4}
exits:
  stop_loss: {atr: 3}
  trailing_stop: {atr: 4, start: 1}
  take_profit: [{percent: 1, part: 50}, {percent: 3, part: 30}]
sizing: {kind: risk, percent: 1}
features:
  - {name: hours, kernel: rolling_max, params: {period: 3}, inputs: [high], timeframe: 1h}
  - {name: factor, kernel: shift, params: {bars: 0}, inputs: [adjustment]}
"""
OWN = """\
from admf_kernels import strategy
from admf_kernels.indicators import sma
from admf_kernels.orders import keep, limit, stop


@strategy(features=lambda p: {"slow": sma(5)}, orders=2)
def patient(close, slow, position, entry_price, equity, adjustment):
    \"\"\"Buy below the price, with a stop below the entry. First signal: bar 5.\"\"\"
    units = 0.3 * equity / (close / adjustment)
    flat = position == 0.0
    enter = limit(units, close * 0.999, 0.0, close * 1.01) if flat and close > slow else keep()
    leave = stop(-position, entry_price * 0.97, reduce_only=True) if not flat else keep()
    return enter, leave
"""


def config_of(folder, more, *, calendar="XNYS", form="auto", actions=ACTIONS, name="a.csv"):
    (folder / name).write_text(actions)
    bars = "path: bars.parquet, symbol: X, timeframe: 1m, stamp: close"
    bars += f", calendar: {calendar}" if calendar else ""
    text = f"bars: {{{bars}}}\ninstrument: {{actions: {{path: {name}, format: {form}}}}}\n"
    return parse_config(text + more, name="small.yaml", format="yaml", base_dir=str(folder))


def minutes(count=6000):
    drawn = random_bars(count, 9)
    start = int(np.datetime64(START, "ns").astype(np.int64))
    return BarBlock(start + 60 * 10**9 * np.arange(count, dtype=np.int64), *drawn[1:])


@pytest.mark.parametrize("more", [SIMPLE, EXITS, "strategy: {kernel: 'own_prices:patient'}\n"])
def test_every_way_of_running_is_the_same(tmp_path, more):
    (tmp_path / "own_prices.py").write_text(OWN)
    setup = prepare(config_of(tmp_path, more))
    proof = prove_bars(setup, minutes())

    assert proof.identical, proof.difference
    assert len(proof.runs) == 6
    table = run_historical(setup, [minutes()]).tables["adjustments"]
    assert 1 <= len(table) <= 4


def test_orders_and_stops_are_in_traded_prices(tmp_path):
    """Every fill lies on its bar as it was traded, however far the factor has gone."""
    setup, bars = prepare(config_of(tmp_path, EXITS)), minutes()
    fills = run_historical(setup, [bars]).tables["fills"]
    at = np.searchsorted(bars.ts_ns, fills.column("ts").cast(pa.int64()).to_numpy())
    price = fills.column("price").to_numpy()

    assert len(fills) > 50
    assert (bars.low[at] <= price).all()
    assert (price <= bars.high[at]).all()


FAULTS = {
    "filled at adjusted prices": (
        "adjusted_open[row] = open[row] * factor",
        "open[row] = open[row] * factor; adjusted_open[row] = open[row]",
    ),
    "one bar late": ("at[k] < times[t]:", "at[k] < times[t - 1]:"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_and_named(monkeypatch, tmp_path, name):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    before, after = FAULTS[name]
    setup = prepare(config_of(tmp_path, SIMPLE))
    monkeypatch.setattr(adjusting, "SOURCE", adjusting.SOURCE.replace(before, after))
    drivers.for_actions.cache_clear()
    try:
        # One session's end lies in the first sample of plain Python.
        proof = prove_bars(setup, minutes(420))
    finally:
        drivers.for_actions.cache_clear()

    assert not proof.identical
    assert "plain Python" in [run.name for run in proof.runs if not run.identical]


def test_the_manifest_says_which_actions(tmp_path):
    bars = minutes(500)
    times = pa.array(bars.ts_ns).cast(pa.timestamp("ns", "UTC"))
    names = ("open", "high", "low", "close", "volume")
    table = pa.table({"timestamp": times, **dict(zip(names, bars.columns()[1:], strict=True))})
    pq.write_table(table, tmp_path / "bars.parquet")
    made = []
    for text in (ACTIONS, ACTIONS.replace("0.25,40", "0.26,40")):
        out = tmp_path / f"run-{len(made)}"
        backtest(config_of(tmp_path, SIMPLE, actions=text), out=out)
        made.append(json.loads((out / "manifest.json").read_text()))
    plain = backtest(parse_config(
        "bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}\n" + SIMPLE,
        name="x.yaml", format="yaml", base_dir=str(tmp_path),
    ), write=False).manifest  # fmt: skip

    found = made[0]["actions"]
    assert (found["path"], found["format"], found["actions"]) == ("a.csv", "csv", 5)
    assert found["digest"] == made[0]["inputs"]["actions"]
    assert made[0]["run_id"] != made[1]["run_id"]
    assert "actions" not in plain
    assert "actions" not in plain["inputs"]


def test_a_state_goes_on_with_a_table_that_has_grown(tmp_path):
    bars = minutes(600)
    early = prepare(config_of(tmp_path, SIMPLE, actions="\n".join(ACTIONS.split("\n")[:3]) + "\n"))
    whole = prepare(config_of(tmp_path, SIMPLE, name="b.csv"))
    expected, first, second = LiveRunner(whole), LiveRunner(early), LiveRunner(whole)
    rows = [*zip(*(c.tolist() for c in bars.columns()), strict=True)]
    for bar in rows:
        checksum = expected.step(*bar).checksum
    for bar in rows[:500]:
        first.step(*bar)
    second.restore(first.save())

    assert [second.step(*bar).checksum for bar in rows[500:]][-1] == checksum


def test_errors_name_the_line_of_the_configuration(tmp_path):
    broken = ACTIONS.replace("0.25,40", "nothing,40")
    with pytest.raises(BarError, match=r"small\.yaml:2: instrument\.actions: a\.csv:4, column div"):
        prepare(config_of(tmp_path, SIMPLE, actions=broken))
    with pytest.raises(ConfigError, match=r"small\.yaml:2: .*actions\.format: csv, parquet"):
        prepare(config_of(tmp_path, SIMPLE, name="a.txt"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared market data are not here")
def test_apple_bought_and_held(tmp_path):
    """Four splits and the dividends of nine years: the equity has no jump, and every way agrees."""
    text = f"""\
bars: {{path: {SHARED}/lean_AAPL_1d.parquet, symbol: AAPL, timeframe: 1d, stamp: open}}
instrument: {{actions: {{path: {SHARED}/factor_files/aapl.csv, format: lean}}}}
strategy: {{kernel: buy_and_hold}}
sizing: {{kind: fixed, quantity: 1000}}
"""
    config = parse_config(text, name="x.yaml", format="yaml", base_dir=str(tmp_path))
    job = backtest(config, write=False)
    adjustments = job.result.tables["adjustments"]
    splits = {str(r["ts"])[:10]: r["split"] for r in adjustments.to_pylist() if r["split"] != 1.0}
    equity = job.result.tables["equity"].column("equity").to_numpy()
    cash = job.result.tables["equity"].column("cash").to_numpy()

    # Bars are stamped at their close, the midnight after their day.
    assert splits == {"2000-06-22": 2.0, "2005-03-01": 2.0, "2014-06-10": 7.0, "2020-09-01": 4.0}
    assert adjustments.column("lots").to_pylist()[-1] == 1000 * 2 * 2 * 7 * 4
    held = np.diff(np.log(equity[1:] - cash[1:]))
    assert np.sum(abs(held) > 0.25) == 1  # in September 2000, by a warning about profits
    paid = adjustments.column("amount").to_pylist()
    assert cash[-1] == pytest.approx(cash[1] + sum(paid), rel=1e-12)
    assert job.result.summary.market_return > 900.0
    assert prove(config).identical
