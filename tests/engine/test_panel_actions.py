"""Splits and dividends of several instruments with one cash: each its own, none looked ahead to."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.config import parse_config
from admf_fast.errors import BarError, ConfigError, DataError, StateError
from admf_fast.explain import explain_trades, open_run
from admf_fast.jobs import backtest
from admf_fast.parity import panel_ways
from admf_fast.parity.compare import Log, first_difference
from admf_fast.parity.proving import prove
from admf_fast.runners.historical import run_historical
from admf_fast.runners.panel_data import open_panel
from admf_fast.runners.panel_runner import PanelRunner
from admf_fast.runners.panel_setup import prepare_panel
from admf_fast.runners.setup import prepare
from admf_kernels.actions import actions_of
from tests.engine import kit
from tests.engine.panel_kit import bars_at, in_parts, panel_of, panels, run_of
from tests.kernels.strategies import quick

ONE = """\
strategy: {kernel: sma_cross, params: {fast: 2, slow: 3}}
account: {cash: 100000, leverage: 2}
sizing: {kind: percent, percent: 60}
costs: {fee_bps: 2}
risk: {max_daily_loss_percent: 5}
"""
BARS = "bars: {path: %s.parquet, timeframe: 1m, stamp: close, calendar: 24/7}"
TWO = f"""\
{ONE}instruments:
  - {{symbol: A, {BARS % "a"}, actions: {{path: a.csv}}}}
  - {{symbol: B, {BARS % "b"}}}
"""
ACTIONS = """\
ts,split,dividend,reference
2023-11-14T22:30:30Z,2,0.5,
2023-11-14T23:00:00Z,,0.25,40
2023-11-15T00:00:30Z,0.1,1,
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with bars of two instruments, and the actions of one."""
    made = tmp_path_factory.mktemp("actions")
    rng = np.random.default_rng(5)
    for name in "ab":
        close = np.round(50.0 * np.exp(np.cumsum(0.004 * rng.standard_normal(240))), 2)
        times = pa.array(kit.START_NS + kit.MINUTE_NS * np.arange(1, 241))
        prices = dict.fromkeys(("open", "high", "low", "close"), close)
        columns = {"timestamp": times.cast(pa.timestamp("ns", "UTC")), **prices, "volume": close}
        pq.write_table(pa.table(columns), made / f"{name}.parquet")
    (made / "a.csv").write_text(ACTIONS)
    return made


def config_of(folder, text=TWO):
    return parse_config(text, name="two.yaml", format="yaml", base_dir=str(folder))


@pytest.fixture(scope="module")
def base(folder):
    return prepare_panel(config_of(folder))


@st.composite
def tables(draw, panel):
    """Actions of one instrument, anywhere around its bars."""
    first, last = int(panel.ts_ns[0]), int(panel.ts_ns[-1])
    times = draw(st.lists(st.integers(first - 10, last), max_size=5, unique=True))
    return actions_of(
        (
            ts_ns,
            draw(st.sampled_from((1.0, 1.0, 2.0, 3.0, 0.5, 0.1))),
            draw(st.sampled_from((0.0, 0.01, 0.05))),
            draw(st.sampled_from((0.0, 30.0))),
        )
        for ts_ns in sorted(times)
    )


@st.composite
def cases(draw, base, **more):
    panel = draw(panels(2, **more))
    return with_actions(base, [draw(tables(panel)), draw(tables(panel))]), panel


def with_actions(base, each):
    legs = [leg._replace(actions=a) for leg, a in zip(base.instruments, each, strict=True)]
    return replace(base, instruments=tuple(legs))


@quick(20)
@given(data=st.data())
def test_every_way_of_running_is_the_same(base, data):
    setup, panel = data.draw(cases(base))
    expected = run_of(setup, panel)
    plain = panel_ways.plain_log(setup, panel)
    assert isinstance(plain, Log), str(plain)
    cuts = data.draw(st.lists(st.integers(0, len(panel)), max_size=3))
    found = [
        first_difference("plain", Log(expected.tables, None), plain),
        first_difference("general", expected, panel_ways.general_form(setup, panel)),
        first_difference("blocks", expected, panel_ways.random_blocks(setup, panel, 7)),
        first_difference("live", expected, panel_ways.by_moment(setup, panel)),
        first_difference("in parts", expected, in_parts(setup, panel, cuts)),
    ]

    assert [str(difference) for difference in found if difference] == []


@quick(20)
@given(data=st.data())
def test_what_is_announced_later_changes_nothing_earlier(base, data):
    """Nor does a state that was saved before know of it; it goes on with the longer table."""
    setup, panel = data.draw(cases(base, min_moments=3))
    count = data.draw(st.integers(1, len(panel) - 1))
    last_ns = int(panel.ts_ns[count - 1])
    early = with_actions(setup, [_until(i.actions, last_ns) for i in setup.instruments])
    expected = run_of(setup, panel)
    first = PanelRunner(early)
    first.feed(panel.slice(0, count))
    saved, before = first.save(), first.finish()
    second = PanelRunner(setup)
    second.restore(saved)
    second.feed(panel.slice(count, len(panel)))
    after = second.finish()

    alone = Log(before.tables, None)
    assert first_difference("early", alone, kit.until(expected, last_ns)) is None
    joined = {n: pa.concat_tables([t, after.tables[n]]) for n, t in before.tables.items()}
    assert first_difference("resumed", expected, Log(joined, after.summary)) is None


def _until(actions, last_ns):
    rows = (actions.ts_ns, actions.split, actions.dividend, actions.reference)
    kept = [row for row in zip(*(c.tolist() for c in rows), strict=True) if row[0] < last_ns]
    return actions_of(kept)


def test_a_state_of_another_past_is_refused_whole(base, folder):
    panel = next(iter(open_panel(config_of(folder)).blocks()))
    runner = PanelRunner(base)
    runner.feed(panel)
    other = PanelRunner(with_actions(base, [None, base.instruments[0].actions]))
    before = other.program.state.tobytes()

    with pytest.raises(StateError, match="belongs to other parameters"):
        other.restore(runner.save())
    assert other.program.state.tobytes() == before


@quick(40)
@given(data=st.data())
def test_cash_and_equity_are_conserved(base, data):
    """Start, less fills and fees, and what adjustments brought; equity is that and what is held."""
    setup, panel = data.draw(cases(base))
    tables_ = run_of(setup, panel).tables
    events = [(n, r) for n in ("fills", "adjustments") for r in tables_[n].to_pylist()]
    events.sort(key=lambda e: e[1]["sequence"])
    cash, held, price = Fraction(10**5), {"A": 0, "B": 0}, {"A": 0.0, "B": 0.0}
    closes = [dict(zip(b.ts_ns.tolist(), b.close.tolist(), strict=True)) for b in panel.blocks]
    for row, ts in zip(tables_["equity"].to_pylist(), panel.ts_ns.tolist(), strict=True):
        while events and events[0][1]["ts"] == row["ts"]:
            table, event = events.pop(0)
            symbol = event["symbol"]
            if table == "fills":
                cash -= event["lots"] * Fraction(event["price"]) + Fraction(event["fee"])
                held[symbol] += event["lots"]
            else:
                assert abs(held[symbol] * event["split"] - event["lots"]) < 1.0
                held[symbol] = event["lots"]
                cash += Fraction(event["amount"])
        for symbol, own in zip("AB", closes, strict=True):
            price[symbol] = own.get(ts, price[symbol])
        assert float(cash) == pytest.approx(row["cash"], abs=1e-5)
        worth = sum(held[s] * price[s] for s in "AB")
        assert row["equity"] == pytest.approx(float(cash) + worth, abs=1e-5)
    assert events == []


@quick(25)
@given(data=st.data())
def test_one_instrument_is_the_run_of_one_instrument(folder, data):
    panel = data.draw(panels(1))
    table = data.draw(tables(panel))
    text = f"{ONE}{BARS % 'a'}\ninstrument: {{actions: {{path: a.csv}}}}\n"
    alone = prepare(config_of(folder, text))
    source = replace(alone.action_source, table=table)
    base = prepare_panel(config_of(folder, TWO.rsplit("\n", 2)[0] + "\n"))
    one = run_historical(replace(alone, action_source=source), [panel.blocks[0]])
    several = run_of(with_actions(base, [table]), panel)

    for name in ("signals", "orders", "fills", "trades", "adjustments"):
        ours, theirs = one.tables[name], several.tables[name]
        assert ours.drop_columns("symbol").equals(theirs.drop_columns("symbol"))
    names = ["ts", "cash", "equity"]
    assert one.tables["equity"].select(names).equals(several.tables["equity"].select(names))
    assert repr(one.summary) == repr(several.summary)


def test_the_others_see_an_account_as_large_as_before(base):
    """One for two at the open at which B buys: B gets what it would get without."""
    account = base.terms.a._replace(cash=1000.0, sizing_value=0.95, short_allowed=False)
    terms = base.terms._replace(a=account)
    legs = tuple(leg._replace(terms=terms) for leg in base.instruments)
    setup = replace(base, instruments=legs)
    b = bars_at(range(1, 7), [10.0, 10.0, 10.0, 11.0, 11.0, 11.0], [1.0] * 6)
    found = []
    for ratio in (1.0, 0.5):
        after = 11.0 / ratio
        a = bars_at(range(1, 7), [10.0, 10.0, 11.0, 11.0, after, after], [1.0] * 6)
        split = actions_of([(int(a.ts_ns[3]), ratio, 0.0, 0.0)])
        tables_ = run_of(with_actions(setup, [split, None]), panel_of([a, b])).tables
        found.append([(f["symbol"], f["lots"]) for f in tables_["fills"].to_pylist()])
        assert len(tables_["adjustments"]) == (ratio != 1.0)

    assert found[0][:2] == found[1][:2] == [("A", 86), ("B", 86)]


def test_parity_and_the_manifest(folder):
    config = config_of(folder)
    proof = prove(config)
    job = backtest(config, out=folder / "run")
    manifest = json.loads((folder / "run" / "manifest.json").read_text())

    assert proof.identical, proof.difference
    assert [run.name for run in proof.runs if run.name == "restarted"]
    adjustments = pq.read_table(folder / "run" / "adjustments.parquet").to_pylist()
    assert {row["symbol"] for row in adjustments} == {"A"}
    assert list(manifest["actions"]["instruments"]) == ["A"]
    assert manifest["actions"]["instruments"]["A"]["actions"] == 3
    assert manifest["inputs"]["actions"] == manifest["actions"]["digest"]
    assert job.result.bars == 240
    chains = explain_trades(open_run(folder / "run"), base=folder)
    assert len(chains) == len(job.result.trades[0]) > 5
    assert [chain.missing for chain in chains] == [[]] * len(chains)
    told = [step.what for chain in chains for step in chain.steps]
    assert told.count("adjustment") == len(adjustments)


def test_a_fault_is_told_with_its_line(folder):
    (folder / "broken.csv").write_text(ACTIONS.replace("0.25,40", "none,40"))
    message = r"two\.yaml:7: instruments\[0\]\.actions: broken\.csv:3, column dividend"
    with pytest.raises(BarError, match=message):
        prepare_panel(config_of(folder, TWO.replace("a.csv", "broken.csv")))
    rate = TWO.replace("- {symbol: B,", "- {symbol: B, currency: EUR, fx: A,")
    with pytest.raises(ConfigError, match=r"two\.yaml:7: .* A converts the currency of B \(fx\)"):
        prepare_panel(config_of(folder, rate))


def test_a_bar_without_features_names_its_instrument_and_stops_the_run(base):
    flat = bars_at(range(1, 9), [10.0] * 8, [1.0] * 8)
    beyond = actions_of([(int(flat.ts_ns[4]), 1.0, 11.0, 0.0)])
    runner = PanelRunner(with_actions(base, [None, beyond]))
    told = r"B: bar 5 \(ts_ns \d+\): a dividend before it is not below the price of the bar before"
    with pytest.raises(DataError, match=f"^{told}"):
        runner.feed(panel_of([flat, flat]))
    with pytest.raises(DataError, match=f"^the run has stopped at {told}"):
        runner.feed(panel_of([flat, flat]))
