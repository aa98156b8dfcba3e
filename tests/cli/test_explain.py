"""`admf explain`: a chain whose numbers are the run's, or a clear refusal."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Admf = Callable[..., Any]

CONFIG = """\
bars: {path: bars.parquet, timeframe: 1m, stamp: open}
instrument: {tick_size: 0.01}
strategy: {kernel: sma_cross, params: {fast: 5, slow: 20}}
exits: {stop_loss: {ticks: 12}, take_profit: {ticks: 30}, trailing_stop: {ticks: 15}, memory: none}
risk: {max_orders_per_day: 40}
costs: {fee_bps: 1, slippage_ticks: 1}
"""


@pytest.fixture
def run(admf: Admf, config: Path) -> Path:
    """A run directory beside its inputs."""
    config.write_text(CONFIG)
    assert admf("backtest", config, "--out", "out", "--no-parity").code == 0
    return Path("out")


def test_a_trade_is_told_from_its_bar_to_its_sum(admf: Admf, run: Path) -> None:
    ran = admf("explain", run, 1)
    assert (ran.code, ran.err) == (0, "")
    for text in (
        "Trade 1 of ", "Decided at", "read", "fast ", "signal", "sized", "all_in", "accepted",
        "rule: open: ", "before slippage of", "pnl", "(checked to the bit from the fills)",
    ):  # fmt: skip
        assert text in ran.out
    assert "Not told" not in ran.out


def test_the_numbers_are_those_of_the_run(admf: Admf, run: Path) -> None:
    trades = pq.read_table(run / "trades.parquet").to_pylist()
    told = admf("explain", run, "all", "--json").json["trades"]

    assert [c["result"]["pnl"] for c in told] == [t["pnl"] for t in trades]
    for chain in told:
        result = chain["result"]
        assert result["gross"] - result["fees"] == result["pnl"]
        assert chain["missing"] == []
        fills = [s for s in chain["steps"] if s["what"] == "fill"]
        assert all(s["rule"] and s["bar"] for s in fills)
        size = chain["decision"]["sized"]["lots"]
        held = chain["trade"]["lots"]
        assert size * held > 0
        assert abs(held) <= abs(size)  # at the next open there may be money for less
    assert any(s["what"] == "level" for c in told for s in c["steps"])
    assert {s["rule"] for c in told for s in c["steps"]} >= {"open", "stop", "limit"}


def test_refused_orders_are_told_with_the_relation_they_broke(admf: Admf, run: Path) -> None:
    ran = admf("explain", run, "--denied")
    assert "denied, order_rate" in ran.out
    assert "at most 40 orders in a session, all made" in ran.out
    orders = admf("explain", run, "--denied", "--json").json["orders"]
    assert {o["event"]["reason"] for o in orders} == {"order_rate"}


def test_without_the_bars_the_stored_tables_are_told(admf: Admf, run: Path, config: Path) -> None:
    config.with_name("bars.parquet").unlink()
    ran = admf("explain", run, 1)
    assert ran.code == 0
    assert "Not told: the bars of the run were not found (bars.parquet)" in ran.out
    assert "(checked to the bit from the fills)" in ran.out
    assert "rule:" not in ran.out


def test_other_bars_are_refused(admf: Admf, run: Path, config: Path) -> None:
    path = config.with_name("bars.parquet")
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 2999), path)
    ran = admf("explain", run, 1, "--base", config.parent)
    assert ran.code == 3
    assert "the bars have the digest" in ran.err


def test_other_code_is_refused(admf: Admf, run: Path) -> None:
    _edit(run, lambda m: m["inputs"].update(code="0" * 64))
    ran = admf("explain", run, 1)
    assert ran.code == 4
    assert "the code has the digest" in ran.err


def test_another_configuration_is_refused(admf: Admf, run: Path) -> None:
    _edit(run, lambda m: m["config"]["costs"].update(fee_bps=2))
    ran = admf("explain", run, 1)
    assert ran.code == 4
    assert "it was changed" in ran.err


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [("trades", "pnl", "its fills add up to pnl"), ("signals", "signal", "differs in signal")],
)
def test_changed_events_diverge(admf: Admf, run: Path, table: str, column: str, said: str) -> None:
    path = run / f"{table}.parquet"
    found = pq.read_table(path)
    values = found.column(column).to_pylist()
    values[0] += 0.5
    at = found.schema.get_field_index(column)
    pq.write_table(found.set_column(at, found.schema.field(at), [values]), path)
    ran = admf("explain", run, 1)
    assert ran.code == 6
    assert said in ran.err


def test_the_run_directory_can_lie_anywhere(admf: Admf, run: Path, tmp_path: Path) -> None:
    far = tmp_path / "a" / "b" / "c"
    shutil.copytree(run, far)
    assert "Not told" not in admf("explain", far, 1).out


@pytest.mark.parametrize("arguments", [(), ("1", "--denied"), ("0",), ("x",)])
def test_what_cannot_be_meant_is_refused(admf: Admf, run: Path, arguments: tuple[str]) -> None:
    assert admf("explain", run, *arguments).code == 2


def test_a_number_without_a_trade_is_refused(admf: Admf, run: Path) -> None:
    ran = admf("explain", run, 100_000)
    assert ran.code == 2
    assert "there are trades 1 to " in ran.err


def test_a_folder_that_is_no_run_is_refused(admf: Admf, tmp_path: Path) -> None:
    assert admf("explain", tmp_path, 1).code == 4


def _edit(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
