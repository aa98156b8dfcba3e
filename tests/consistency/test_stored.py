"""Run directories verified and compared: every changed bit is found, every cent has a cause."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.config import Config, load_config
from admf_fast.consistency import compare, verify_tables
from admf_fast.consistency.page import page_of
from admf_fast.errors import DivergenceError, StateError
from admf_fast.jobs import backtest, live

EXAMPLES = Path(__file__).parents[2] / "examples"


def written(folder: Path, name: str, **changed: object) -> Path:
    """Run an example with sections replaced; returns its run directory."""
    config: Config = load_config(str(EXAMPLES / f"{name}.yaml"))
    backtest(msgspec.structs.replace(config, **changed), out=folder)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Some runs: a backtest and the live run of the same, others with one thing changed."""
    folder = tmp_path_factory.mktemp("runs")
    config = load_config(str(EXAMPLES / "bracket.yaml"))
    live(config, "replay:", out=folder / "live")
    dear = msgspec.structs.replace(config.costs, fee_per_share=0.01)
    later = msgspec.structs.replace(config.bars, start="2001-01-01")
    other = msgspec.structs.replace(config.bars, path="../data/IBM_1d.parquet")
    return {
        "live": folder / "live",
        "backtest": written(folder / "backtest", "bracket"),
        "dear": written(folder / "dear", "bracket", costs=dear),
        "later": written(folder / "later", "bracket", bars=later),
        "other": written(folder / "other", "bracket", bars=other),
        "panel": written(folder / "panel", "portfolio"),
    }


@pytest.fixture
def copied(runs, tmp_path):
    """A copy of a run directory that may be changed."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(runs[name], tmp_path / name))

    return copy


@pytest.mark.parametrize("name", ["live", "backtest", "later", "panel"])
def test_a_run_is_what_its_manifest_leads_to(runs, name):
    found = verify_tables(runs[name], base=EXAMPLES)

    assert found.identical
    assert found.divergence is None
    assert all(check.identical for check in found.checks)
    assert found.layers == json.loads((runs[name] / "manifest.json").read_text())["layers"]
    found.require()


CHANGES = [
    ("fills", "price"), ("fills", "lots"), ("orders", "stop"), ("trades", "pnl"),
    ("equity", "cash"), ("equity", "checksum"), ("signals", "signal"), ("positions", "lots"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column"), CHANGES)
def test_a_changed_bit_of_a_table_is_named(copied, table, column):
    folder = copied("panel" if table == "positions" else "backtest")
    path = folder / f"{table}.parquet"
    found = pq.read_table(path)
    row = len(found) // 2
    words = found.column(column).to_numpy().copy()
    words.view(np.int64)[row] ^= 1
    place = found.schema.get_field_index(column)
    pq.write_table(found.set_column(place, found.schema.field(place), pa.array(words)), path)
    ts_ns = found.column("ts")[row].cast(pa.int64()).as_py()

    made = verify_tables(folder, base=EXAMPLES)
    assert not made.identical
    assert made.divergence is not None
    layer = "state" if column == "checksum" else table
    assert (made.divergence.layer, made.divergence.field) == (layer, column)
    assert made.divergence.ts_ns == ts_ns
    assert made.divergence.ulps == (1 if words.dtype == np.float64 else None)
    assert [check.identical for check in made.checks] == [False, True, True]
    with pytest.raises(DivergenceError, match=rf"{layer}\.{column}"):
        made.require()


def test_a_row_that_is_missing_is_named(copied):
    folder = copied("backtest")
    found = pq.read_table(folder / "fills.parquet")
    pq.write_table(found.slice(0, len(found) - 1), folder / "fills.parquet")

    made = verify_tables(folder, base=EXAMPLES).divergence
    assert made is not None
    assert (made.layer, made.field) == ("fills", "rows")


def test_a_changed_figure_is_named(copied):
    folder = copied("backtest")
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["sharpe"] = float(np.nextafter(metrics["sharpe"], 9.0))
    (folder / "metrics.json").write_text(json.dumps(metrics))

    made = verify_tables(folder, base=EXAMPLES)
    assert made.divergence is not None
    assert (made.divergence.layer, made.divergence.field) == ("metrics", "sharpe")


def test_a_changed_digest_is_named(copied):
    folder = copied("backtest")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["layers"]["fills"] = "0" * 32
    (folder / "manifest.json").write_text(json.dumps(manifest))

    made = verify_tables(folder, base=EXAMPLES).divergence
    assert made is not None
    assert (made.layer, made.field) == ("fills", "digest in manifest.json")


def test_bars_that_are_not_found_say_what_to_do(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StateError, match="--base"):
        verify_tables(runs["backtest"])


def test_other_code_is_refused(copied):
    folder = copied("backtest")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["inputs"]["code"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(StateError, match="install that version"):
        verify_tables(folder, base=EXAMPLES)


def test_a_live_run_and_its_backtest_are_identical(runs):
    found = compare(runs["backtest"], runs["live"], base=EXAMPLES)

    assert found.identical
    assert found.first_layer == ""
    assert not found.causes
    assert all(pair.same for pair in found.pairs)
    assert found.money.total == 0.0
    assert found.executions.fill_ratio == 1.0
    assert not any(found.executions.price_ticks)


def test_fees_alone_are_the_cause_and_the_money(runs):
    found = compare(runs["backtest"], runs["dear"], base=EXAMPLES)

    assert found.first_layer == "config"
    assert [(c.field, c.first, c.second) for c in found.causes] == [
        ("costs.fee_per_share", "0.005", "0.01")
    ]
    first = found.first_divergence
    assert first is not None
    assert (first.layer, first.field) == ("fills", "fee")
    assert next(layer for layer in found.layers if layer.name == "signals").identical
    money, profits = found.money, (found.first.profit, found.second.profit)
    assert money.total == pytest.approx(profits[1] - profits[0], rel=1e-12)
    fees = [sum(t["fees"] for t in side) for side in (
        [p.first for p in found.pairs if p.first], [p.second for p in found.pairs if p.second],
    )]  # fmt: skip
    assert money.fees == pytest.approx(fees[0] - fees[1], rel=1e-9)
    assert abs(money.fees) > 10 * abs(money.quantity + money.exit_price + money.entry_price)


def test_every_pair_adds_up(runs):
    for other in ("dear", "later", "other"):
        found = compare(runs["backtest"], runs[other], base=EXAMPLES)
        for pair in found.pairs:
            profits = [t["pnl"] if t else 0.0 for t in (pair.first, pair.second)]
            assert pair.money.total == pytest.approx(profits[1] - profits[0], abs=1e-6)
            assert abs(pair.money.other) < 1e-6
        json.dumps(found.to_json(), allow_nan=False)


def test_other_bars_are_told_as_data(runs):
    found = compare(runs["backtest"], runs["other"], base=EXAMPLES)

    assert found.first_layer == "data"
    assert found.inputs is not None
    assert found.inputs.changed > 3000
    first = found.first_divergence
    assert first is not None
    assert (first.layer, first.field) == ("bar", "open")


def test_a_run_that_starts_later_is_compared_where_both_are(runs):
    found = compare(runs["backtest"], runs["later"], base=EXAMPLES)

    assert [c.field for c in found.causes if c.layer == "config"] == ["bars.start"]
    assert found.inputs is not None
    assert (found.inputs.changed, found.inputs.extra) == (0, 0)
    assert found.inputs.missing == found.first.bars - found.second.bars
    assert any("where they overlap" in note for note in found.notes)
    state = next(layer for layer in found.layers if layer.name == "state")
    assert state.first is not None
    assert state.first.ts_ns == found.second.first_ns


def test_a_changed_copy_of_the_same_run_differs_without_a_cause(copied, runs):
    folder = copied("backtest")
    table = pq.read_table(folder / "trades.parquet")
    values = table.column("exit_price").to_numpy().copy()
    values[3] = np.nextafter(values[3], 0.0)
    place = table.schema.get_field_index("exit_price")
    changed = table.set_column(place, table.schema.field(place), pa.array(values))
    pq.write_table(changed, folder / "trades.parquet")
    found = compare(runs["backtest"], folder, base=EXAMPLES)

    assert not found.causes
    assert found.first_layer == "trades"
    assert found.first_divergence is not None
    assert found.first_divergence.ulps == 1
    assert [k for k, pair in enumerate(found.pairs) if not pair.same] == [3]


def test_the_page_is_whole_escaped_and_fetches_nothing(copied, runs):
    folder = copied("dear")
    table = pq.read_table(folder / "trades.parquet")
    reason = pa.array(["<script>alert(1)</script>"] * len(table)).dictionary_encode()
    found = compare(runs["backtest"], folder, base=EXAMPLES)
    first = found.pairs[0].second
    assert first is not None
    first["symbol"] = reason[0].as_py() + "\x1b[31m"
    page = page_of(found)

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert not [word for word in ("http://", "https://", "src=", "@import", "url(") if word in page]
    assert page.count("<table>") == page.count("</table>") > 4
    assert "costs.fee_per_share" in page
