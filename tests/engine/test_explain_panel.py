"""Trades of accounts that several instruments share: every number of the chain is the run's."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.config import load_config, parse_config
from admf_fast.errors import DivergenceError, StateError
from admf_fast.explain import chain_lines, explain_trades, open_run, refused_lines, refused_orders
from admf_fast.explain.rulings import RULES
from admf_fast.jobs import backtest
from tests.engine import kit

EXAMPLES = Path(__file__).parents[2] / "examples"
FOREIGN = """\
strategy: {kernel: sma_cross, params: {fast: 2, slow: 5}}
account: {cash: 100000, leverage: 2}
sizing: {kind: percent, percent: 60}
execution: {fill: same_close}
costs: {fee_bps: 2}
instruments:
  - {symbol: EURUSD, bars: {path: rate.parquet, timeframe: 1m, stamp: close}}
  - {symbol: SAP, bars: {path: sap.parquet, timeframe: 1m, stamp: close}, currency: EUR, fx: EURUSD}
"""


@pytest.fixture(scope="module", params=["portfolio", "rotation"])
def example(request, tmp_path_factory):
    """The run of an example, opened again."""
    folder = tmp_path_factory.mktemp("explained") / request.param
    backtest(load_config(EXAMPLES / f"{request.param}.yaml"), out=folder)
    return request.param, open_run(folder)


def check(run, chains):
    assert len(chains) == len(run.events["trades"]) > 10
    for chain in chains:
        assert chain.missing == [], "\n".join(chain_lines(chain))
        result = chain.result
        assert result.gross - result.fees == result.pnl == chain.trade["pnl"]
        fills = [step for step in chain.steps if step.what == "fill"]
        assert all(step.rule in RULES for step in fills)
        assert {step.event["symbol"] for step in chain.steps if step.what != "level"} == {
            chain.trade["symbol"]
        }


def test_every_fill_follows_a_rule_and_every_trade_adds_up(example):
    _, run = example
    chains = explain_trades(run, base=EXAMPLES)

    check(run, chains)
    closes = {r["sequence"]: r for r in run.events["orders"]}
    for chain in chains:
        entry = closes[chain.steps[0].event["order_id"]]
        assert abs(chain.decision.sized.lots) >= abs(entry["lots"]) > 0
        assert chain.decision.bar.ts_ns == entry["ts"]


def test_a_rotation_is_told_with_its_ranks(example):
    name, run = example
    chains = explain_trades(run, base=EXAMPLES)
    rankings = [chain.decision.ranking for chain in chains]
    if name != "rotation":
        assert rankings == [None] * len(chains)
        return
    bars = {s.symbol: _closes(EXAMPLES / s.bars.path) for s in run.config.instruments}
    for chain, ranking in zip(chains, rankings, strict=True):
        ts_ns = chain.decision.ts_ns
        assert [r.rank for r in ranking if r.rank] == [
            *range(1, 1 + sum(r.rank > 0 for r in ranking))
        ]
        for ranked in ranking:
            times, close = bars[ranked.symbol]
            row = int(np.searchsorted(times, ts_ns))
            assert times[row] == ts_ns
            gain = 100.0 * (close[row] / close[row - 126] - 1.0) if row >= 126 else np.nan
            assert ranked.score == pytest.approx(gain, rel=1e-9, nan_ok=True)
            assert ranked.signal == (0.5 if 1 <= ranked.rank <= 2 else 0.0)
        own = next(r for r in ranking if r.symbol == chain.trade["symbol"])
        assert own.signal == chain.decision.signal == 0.5
    text = "\n".join(chain_lines(chains[-1]))
    assert "  ranked" in text
    assert "rank 1 of " in text or "rank 2 of " in text


def _closes(path):
    table = pq.read_table(path)
    stamps = table.column(0).cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    # Stamped at the open of a day.
    return stamps + 86_400 * 10**9, table.column("close").to_numpy()


def test_what_was_denied_is_told_with_the_whole_account(example):
    name, run = example
    refused, missing = refused_orders(run, base=EXAMPLES)

    assert missing == []
    if name == "portfolio":
        reasons = {r.event["reason"] for r in refused}
        assert reasons & {"max_gross_exposure", "max_sector_exposure"}
        text = "\n".join(refused_lines(refused, missing))
        assert "the other instruments and their orders counted, must be at most" in text


def test_other_numbers_than_the_run_s_are_found(example, tmp_path):
    _, run = example
    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    table = pq.read_table(copy / "fills.parquet")
    price = table.column("price").to_numpy().copy()
    price[3] = np.nextafter(price[3], 0.0)
    at = table.schema.get_field_index("price")
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array(price)),
                   copy / "fills.parquet")  # fmt: skip

    with pytest.raises(DivergenceError, match=r"its fills add up to|run again, row 4 of fills"):
        explain_trades(open_run(copy), base=EXAMPLES)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The run of a stock in another currency, filled at the close."""
    folder = tmp_path_factory.mktemp("foreign")
    rng = np.random.default_rng(8)
    for name, level in (("rate", 1.1), ("sap", 90.0)):
        close = level * np.exp(np.cumsum(0.004 * rng.standard_normal(400)))
        times = pa.array(kit.START_NS + kit.MINUTE_NS * np.arange(1, 401))
        prices = dict.fromkeys(("open", "high", "low", "close", "volume"), close)
        columns = {"timestamp": times.cast(pa.timestamp("ns", "UTC")), **prices}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    config = parse_config(FOREIGN, name="x.yaml", format="yaml", base_dir=str(folder))
    backtest(config, out=folder / "run")
    return folder


def test_a_currency_is_converted_as_in_the_run(foreign):
    run = open_run(foreign / "run")
    chains = explain_trades(run, base=foreign)

    check(run, chains)
    assert {chain.trade["symbol"] for chain in chains} == {"EURUSD", "SAP"}
    assert {s.rule for c in chains for s in c.steps if s.what == "fill"} == {"same close"}


def test_without_the_rates_nothing_is_told_of_it(foreign, tmp_path, monkeypatch):
    shutil.copytree(foreign / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    run = open_run(tmp_path / "run")
    symbols = [trade["symbol"] for trade in run.events["trades"]]

    with pytest.raises(StateError, match="the bars of EURUSD, whose prices convert it"):
        explain_trades(run, [symbols.index("SAP") + 1])
    (chain,) = explain_trades(run, [symbols.index("EURUSD") + 1])
    assert "the bars of the run were not found (rate.parquet, sap.parquet)" in chain.missing[0]
    assert chain.result.pnl == chain.trade["pnl"]
