"""Run directories: the same bytes for the same run; whole or not there; what they say is so."""

import errno
import json
import math
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast import atomic, jobs
from admf_fast.config import config_digest, parse_config
from admf_fast.data import SynthSpec, write_synth
from admf_fast.errors import DataError, StateError
from admf_fast.events import SCHEMAS
from admf_fast.events.schemas import NAMES
from admf_fast.parity.compare import Log, digests_of
from admf_fast.store import run_directory, run_id

TEXT = """
bars: {path: bars.parquet, timeframe: 1m, stamp: open}
strategy: {kernel: sma_cross, params: {fast: 3, slow: 9}}
costs: {fee_bps: 2, slippage_bps: 1}
"""
FEATURES = "features: [{name: rsi, kernel: rsi, params: {period: 5}}]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("jobs")
    write_synth(SynthSpec(bars=3000, seed=7), folder / "bars.parquet")
    return folder


def config_in(folder: Path, more: str = ""):
    return parse_config(TEXT + more, name="run.yaml", format="yaml", base_dir=str(folder))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b""
        for p in sorted(folder.rglob("*"))
    }


def read(folder: Path) -> dict[str, pa.Table]:
    return {name: pq.read_table(folder / f"{name}.parquet") for name in SCHEMAS}


@pytest.mark.parametrize("more", ["", FEATURES])
def test_the_same_run_gives_the_same_id_and_the_same_bytes(folder, tmp_path, more):
    first = jobs.backtest(config_in(folder, more), out=tmp_path / "first")
    second = jobs.backtest(config_in(folder, more), out=tmp_path / "second")

    assert first.manifest["run_id"] == second.manifest["run_id"]
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_history_and_replay_have_one_id_and_the_same_tables(folder, tmp_path):
    history = jobs.backtest(config_in(folder), out=tmp_path / "history")
    live = jobs.live(config_in(folder), "replay:", out=tmp_path / "live")

    assert live.manifest["run_id"] == history.manifest["run_id"]
    assert live.manifest["layers"] == history.manifest["layers"]
    assert (live.manifest["mode"], history.manifest["mode"]) == ("live", "backtest")
    metrics = [(tmp_path / n / "metrics.json").read_bytes() for n in ("history", "live")]
    assert metrics[0] == metrics[1]
    assert read(tmp_path / "live") == read(tmp_path / "history")


def _numbered(name, table):
    """Names as the numbers they stand for: a file numbers them as it met them."""
    columns = []
    for field in SCHEMAS[name]:
        column = table.column(field.name)
        if pa.types.is_dictionary(field.type):
            names = NAMES.get((name, field.name)) or column.unique().to_pylist()
            numbers = [names.index(value) for value in column.to_pylist()]
            indices = pa.array(numbers, field.type.index_type)
            column = pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))
        columns.append(column)
    return pa.table(columns, schema=SCHEMAS[name])


def test_the_digests_of_the_manifest_are_those_of_the_tables_on_disk(folder, tmp_path):
    job = jobs.backtest(config_in(folder), out=tmp_path / "run")
    tables = {n: _numbered(n, t) for n, t in read(tmp_path / "run").items()}
    written = json.loads((tmp_path / "run" / "manifest.json").read_text())

    assert written["layers"] == job.result.layers
    assert digests_of(Log(tables, job.result.summary)) == job.result.layers


def test_tables_have_the_schemas_of_the_event_log(folder, tmp_path):
    jobs.backtest(config_in(folder), out=tmp_path / "run")
    for name, table in read(tmp_path / "run").items():
        assert table.schema.names == SCHEMAS[name].names
        assert table.schema.types == SCHEMAS[name].types
        assert all(column.null_count == 0 for column in table.columns)


def test_a_table_without_rows_is_there(folder, tmp_path):
    text = TEXT.replace("3, slow: 9", "2000, slow: 2999")
    config = parse_config(text, name="run.yaml", format="yaml", base_dir=str(folder))
    jobs.backtest(config, out=tmp_path / "run")

    assert len(read(tmp_path / "run")["trades"]) == 0


def test_the_manifest_says_what_the_run_was_made_of(folder, tmp_path):
    config = config_in(folder)
    job = jobs.backtest(config, out=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())

    assert manifest == json.loads(json.dumps(job.manifest))
    assert manifest["inputs"]["config"] == config_digest(config)
    assert manifest["inputs"]["params"] == {"fast": 3, "slow": 9}
    assert manifest["run_id"] == run_id(manifest["inputs"])
    assert (manifest["bars"], manifest["ready_bars"]) == (3000, 9)
    assert {"admf-fast", "numba", "numpy", "python", "pyarrow"} <= set(manifest["versions"])
    assert str(folder) not in (tmp_path / "run" / "manifest.json").read_text()


CHANGES = {
    "costs": ("fee_bps: 2", "fee_bps: 3"),
    "parameters": ("slow: 9", "slow: 10"),
    "cash": ("strategy:", "account: {cash: 5000}\nstrategy:"),
    "direction": ("strategy:", "direction: long_only\nstrategy:"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_configuration_has_another_id(folder, change):
    text = TEXT.replace(*CHANGES[change])
    other = parse_config(text, name="run.yaml", format="yaml", base_dir=str(folder))
    ids = [jobs.backtest(c, write=False).manifest["run_id"] for c in (config_in(folder), other)]

    assert ids[0] != ids[1]


def test_other_bars_have_another_id(folder, tmp_path):
    write_synth(SynthSpec(bars=3000, seed=8), tmp_path / "bars.parquet")
    jobs_made = [jobs.backtest(config_in(f), write=False) for f in (folder, tmp_path)]

    assert jobs_made[0].manifest["run_id"] != jobs_made[1].manifest["run_id"]


def test_figures_without_a_meaning_are_null(folder, tmp_path):
    text = TEXT.replace("3, slow: 9", "2000, slow: 2999")
    config = parse_config(text, name="run.yaml", format="yaml", base_dir=str(folder))
    job = jobs.backtest(config, out=tmp_path / "run")
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())

    for name, value in job.result.summary._asdict().items():
        assert written[name] == (None if math.isnan(value) else value)
    assert written["win_rate"] is None


def test_without_a_name_given_it_is_named_after_its_id(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = jobs.backtest(config_in(folder))

    assert job.folder == Path("runs") / f"run-{job.manifest['run_id']}"
    before = contents(tmp_path)
    jobs.backtest(config_in(folder))
    assert contents(tmp_path) == before


def _full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _broken(*args, **kwargs):
    raise DataError("the feed broke")


def _interrupted(*args, **kwargs):
    raise KeyboardInterrupt


def _fails_on(monkeypatch, owner, name, count, failure):
    """Let the `count`-th call of a function fail."""
    original, calls = getattr(owner, name), []

    def counted(*args, **kwargs):
        calls.append(name)
        return failure() if len(calls) == count else original(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)


FAULTS = {
    "opening the first table": (pq.ParquetWriter, "__init__", 1, _full, StateError),
    "opening an empty table": (pq.ParquetWriter, "__init__", 5, _full, StateError),
    "writing the first batch": (pq.ParquetWriter, "write_batch", 1, _full, StateError),
    "writing the last batch": (pq.ParquetWriter, "write_batch", 5, _full, StateError),
    "finishing a table": (pq.ParquetWriter, "close", 3, _full, StateError),
    "another error in the thread": (pq.ParquetWriter, "write_batch", 2, _broken, DataError),
    "writing the manifest": (Path, "write_text", 1, _full, StateError),
    "writing the figures": (Path, "write_text", 2, _full, StateError),
    "the first sync": (atomic, "_sync", 1, _full, StateError),
    "the last sync of a file": (atomic, "_sync", 7, _full, StateError),
    "the figures themselves": (jobs, "_manifest", 1, _broken, DataError),
    "the bars": (jobs.BarDigest, "update", 1, _broken, DataError),
    "an interrupt among the bars": (jobs.BarDigest, "update", 1, _interrupted, KeyboardInterrupt),
    "an interrupt while writing": (Path, "write_text", 2, _interrupted, KeyboardInterrupt),
    "a sink that cannot start": (run_directory.ParquetSink, "__enter__", 1, _full, StateError),
}  # fmt: skip
MOVES = {"fresh": (os, "rename"), "replaced": (atomic, "_exchange")}


@pytest.mark.parametrize("fault", [*FAULTS, "the last move"])
@pytest.mark.parametrize("target", ["fresh", "replaced"])
def test_a_fault_at_any_step_leaves_what_was_there(folder, tmp_path, monkeypatch, fault, target):
    """No directory where there was none, the old one byte for byte, nothing temporary."""
    out = tmp_path / "new" / "run"
    if target == "replaced":
        jobs.backtest(config_in(folder, FEATURES), out=out)
    before = contents(tmp_path)
    owner, name, count, failure, error = FAULTS.get(fault, (*MOVES[target], 1, _full, StateError))
    _fails_on(monkeypatch, owner, name, count, failure)

    with pytest.raises(error) as caught:
        jobs.backtest(config_in(folder), out=out)
    monkeypatch.undo()

    assert contents(tmp_path) == before
    if error is StateError:
        assert "free space" in str(caught.value)
    jobs.backtest(config_in(folder), out=out)
    assert (out / "manifest.json").exists()


def test_the_error_of_a_run_is_not_hidden_by_one_of_the_disk(tmp_path, monkeypatch):
    batch = pa.RecordBatch.from_arrays([pa.array([1])], names=["a"])
    _fails_on(monkeypatch, pq.ParquetWriter, "close", 1, _full)

    def run() -> None:
        with run_directory.ParquetSink(tmp_path, {"t": batch.schema}) as sink:
            sink.write("t", batch)
            _broken()

    with pytest.raises(DataError, match="the feed broke"):
        run()


def test_replacing_a_run_leaves_only_the_new_one(folder, tmp_path):
    jobs.backtest(config_in(folder, FEATURES), out=tmp_path / "run")
    assert (tmp_path / "run" / "features.parquet").exists()
    job = jobs.backtest(config_in(folder), out=tmp_path / "run")

    assert os.listdir(tmp_path) == ["run"]
    assert not (tmp_path / "run" / "features.parquet").exists()
    assert job.folder == tmp_path / "run"


def test_no_bars_in_the_range_are_a_run_without_rows(folder, tmp_path):
    text = TEXT.replace("stamp: open", "stamp: open, start: 2050-01-01")
    config = parse_config(text, name="run.yaml", format="yaml", base_dir=str(folder))
    job = jobs.backtest(config, out=tmp_path / "run")

    assert {len(table) for table in read(tmp_path / "run").values()} == {0}
    assert (job.result.summary.bars, job.result.summary.equity_final) == (0, 100_000.0)


def test_features_are_recorded_beside_the_bars(folder, tmp_path):
    jobs.backtest(config_in(folder, FEATURES), out=tmp_path / "run")
    features = pq.read_table(tmp_path / "run" / "features.parquet")
    equity = pq.read_table(tmp_path / "run" / "equity.parquet")

    assert features.column_names == ["ts", "rsi"]
    assert features.column("ts") == equity.column("ts")
    valid = [not math.isnan(v) for v in features.column("rsi").to_pylist()]
    assert valid == [False] * 5 + [True] * 2995
