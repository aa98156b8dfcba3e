"""`verify`, `compare` and `demo mismatches` as commands: what they print, how they end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Admf = Callable[..., Any]


@pytest.fixture
def run(admf: Admf, config: Path) -> Path:
    """The run directory of a backtest."""
    folder = config.parent / "run"
    assert admf("backtest", config, "--out", folder, "--no-parity").code == 0
    return folder


def nudge(folder: Path) -> None:
    """Change the last bit of one price."""
    path = folder / "fills.parquet"
    table = pq.read_table(path)
    values = table.column("price").to_numpy().copy()
    values[5] = np.nextafter(values[5], 0.0)
    place = table.schema.get_field_index("price")
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(values)), path)


def test_verify_ends_with_0_or_6(admf: Admf, config: Path, run: Path) -> None:
    ran = admf("verify", run, "--base", config.parent)
    assert (ran.code, ran.err) == (0, "")
    assert "Identical: 3,000 bars made again gave the same bits." in ran.out
    assert admf("verify", run, "--base", config.parent, "--json").json["identical"] is True

    nudge(run)
    ran = admf("verify", run, "--base", config.parent, "--json")
    assert ran.code == 6
    assert ran.json["divergence"]["field"] == "price"
    assert ran.json["divergence"]["ulps"] == 1
    assert ran.err.startswith("admf: error: logic divergence of run 'run' at bar ")
    ran = admf("verify", run, "--base", config.parent)
    assert ran.code == 6
    assert "DIFFERS  fills" in ran.out


def test_verify_of_a_live_run_reads_its_journal(admf: Admf, config: Path) -> None:
    folder = config.parent / "live"
    assert admf("live", config, "--feed", "replay:", "--run", folder, "--json").code == 0
    ran = admf("verify", folder, "--json")

    assert ran.code == 0
    assert (ran.json["source"], ran.json["mode"], ran.json["bars"]) == ("journal", "paper", 3000)
    nudge(folder)
    ran = admf("verify", folder)
    assert ran.code == 6
    assert "tables against manifest" in ran.out


def test_verify_of_what_is_no_run(admf: Admf, tmp_path: Path) -> None:
    ran = admf("verify", tmp_path)
    assert ran.code == 4
    assert "expected a run directory" in ran.err


def test_compare_names_the_cause_and_writes_a_page(admf: Admf, config: Path, run: Path) -> None:
    other = config.with_name("dear.yaml")
    other.write_text(config.read_text() + "costs: {fee_bps: 3}\n")
    folder = config.parent / "dear"
    assert admf("backtest", other, "--out", folder, "--no-parity").code == 0
    page = config.parent / "page.html"
    ran = admf("compare", run, folder, "--html", page, "--base", config.parent)

    assert (ran.code, ran.err) == (0, "")
    assert "Different, first in config." in ran.out
    assert "costs.fee_bps" in ran.out
    assert page.read_text().startswith("<!doctype html>")
    found = admf("compare", run, folder, "--json").json
    assert found["first_layer"] == "config"
    parts = [value for name, value in found["money"].items() if name != "total"]
    assert found["money"]["total"] == pytest.approx(sum(parts))
    assert found["money"]["total"] == pytest.approx(
        found["second"]["profit"] - found["first"]["profit"]
    )


def test_compare_of_the_same_inputs_must_be_equal(admf: Admf, config: Path, run: Path) -> None:
    again = config.parent / "again"
    assert admf("live", config, "--feed", "replay:", "--out", again, "--json").code == 0
    ran = admf("compare", run, again)
    assert (ran.code, ran.err) == (0, "")
    assert "Identical in everything that was recorded." in ran.out

    nudge(again)
    ran = admf("compare", run, again)
    assert ran.code == 6
    assert "fills.price" in ran.err


def test_demo_mismatches_finds_all_nine(admf: Admf) -> None:
    ran = admf("demo", "mismatches", "--json")
    assert (ran.code, ran.err) == (0, "")
    faults = json.loads(ran.out)["faults"]
    assert sum(f["divergence"] is not None for f in faults) == 9
    assert all(f["caught"] for f in faults)


def test_demo_mismatches_fails_if_one_is_missed(admf: Admf, monkeypatch: Any) -> None:
    from admf_fast.consistency import demo
    from admf_fast.consistency.shadow import RunnerSide

    name = "doubled events"
    honest = demo.FAULTS[name]._replace(live=lambda s: RunnerSide(s.runner()))
    monkeypatch.setitem(demo.FAULTS, name, honest)
    ran = admf("demo", "mismatches")

    assert ran.code == 6
    assert "10 of 11 as they must be" in ran.out
    assert "one late bar" in ran.out
    assert "not found as it was put in: doubled events" in ran.err
