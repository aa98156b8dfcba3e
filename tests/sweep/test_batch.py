"""Batches: what is done, what is done again, what fails."""

import json
import shutil

import polars as pl
import pytest

from admf_fast import backtest
from admf_fast.cli.main import main
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep.batch import _locked, run_batch
from tests.sweep.kit import BASE, ROOT, SMALL

JOBS = """\
out: results
jobs:
  - {name: runs, config: cross.yaml, data: bars}
  - {name: grids, kind: sweep, config: cross.yaml, data: bars/*.parquet}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bars").mkdir()
    for symbol in ("AAPL", "MSFT"):
        shutil.copy(ROOT / "data" / f"{symbol}_1d.parquet", tmp_path / "bars")
    (tmp_path / "cross.yaml").write_text(BASE + SMALL)
    (tmp_path / "jobs.yaml").write_text(JOBS)
    return tmp_path


def done(capsys, folder):
    code = main(["batch", str(folder / "jobs.yaml"), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_batch_does_what_is_missing_or_has_changed(folder, capsys):
    code, found = done(capsys, folder)
    assert (code, found["done"], found["kept"], found["failed"]) == (0, 4, 0, 0)
    results = folder / "results"
    rows = pl.read_parquet(results / "grids" / "AAPL_1d.parquet")
    assert rows["symbol"].unique().to_list() == ["AAPL"]
    before = (results / "grids" / "AAPL_1d.parquet").read_bytes()

    assert done(capsys, folder)[1]["kept"] == 4
    shutil.rmtree(results / "runs" / "MSFT_1d")
    (results / "grids" / "AAPL_1d.parquet").unlink()
    assert {k: v for k, v in done(capsys, folder)[1].items() if k in ("done", "kept")} == {
        "done": 2, "kept": 2,
    }  # fmt: skip
    assert (results / "grids" / "AAPL_1d.parquet").read_bytes() == before

    (folder / "cross.yaml").write_text(BASE.replace("fee_bps: 2", "fee_bps: 3") + SMALL)
    assert done(capsys, folder)[1]["done"] == 4


def test_bars_that_a_configuration_names_itself_are_looked_at_too(folder, capsys):
    (folder / "jobs.yaml").write_text("out: r\njobs: [{name: a, config: own.yaml}]\n")
    text = BASE.replace("../data/AAPL_1d.parquet", "bars/AAPL_1d.parquet")
    (folder / "own.yaml").write_text(text)
    assert done(capsys, folder)[1]["done"] == 1
    assert done(capsys, folder)[1]["kept"] == 1
    shutil.copy(ROOT / "data" / "IBM_1d.parquet", folder / "bars" / "AAPL_1d.parquet")
    assert done(capsys, folder)[1]["done"] == 1


def test_a_run_of_a_batch_is_the_run_alone(folder, capsys):
    from admf_fast import load_config

    done(capsys, folder)
    noted = json.loads((folder / "results" / "manifest.json").read_text())["tasks"]
    config = load_config(folder / "cross.yaml")
    from msgspec import structs

    alone = backtest(
        structs.replace(config, bars=structs.replace(config.bars, path="bars/AAPL_1d.parquet")),
        write=False,
    )
    assert noted["runs/AAPL_1d"]["layers"] == alone.result.layers


def test_a_task_that_fails_is_noted_and_the_rest_is_done(folder, capsys):
    (folder / "bars" / "BAD_1d.parquet").write_bytes(b"PAR1")
    code, found = done(capsys, folder)
    assert (code, found["done"], found["failed"]) == (3, 4, 2)
    assert "BAD_1d" in found["errors"]["runs/BAD_1d"]

    shutil.copy(ROOT / "data" / "IBM_1d.parquet", folder / "bars" / "BAD_1d.parquet")
    code, found = done(capsys, folder)
    assert (code, found["done"], found["kept"], found["errors"]) == (0, 2, 4, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("out: x\njobs: []\n", "one or more"),
        ("out: x\njobs: [{name: a, config: cross.yaml, data: nowhere}]\n", "found none"),
        ("out: x\njobs: [{name: a, config: cross.yaml, dta: b}]\n", "dta"),
        ("out: x\njobs: [{name: ../a, config: cross.yaml}]\n", "name"),
    ],
)
def test_a_wrong_file_of_jobs_is_refused(folder, text, said):
    (folder / "jobs.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        run_batch(folder / "jobs.yaml", lambda config, path: {})


def test_two_batches_never_write_one_folder(folder):
    with _locked(folder / "results"), pytest.raises(StateError, match="another batch"):
        run_batch(folder / "jobs.yaml", lambda config, path: {})
