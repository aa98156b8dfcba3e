"""What a run folder has at the end of a run whose configuration changed on the way."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from admf_fast.cli.main import main

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "sma_cross.yaml").read_text()
HEAD, WHOLE = 150, 300


@pytest.fixture
def live(tmp_path, capsys):
    """Return a function that runs the first bars of the shipped data, and what it said."""
    table = pq.read_table(ROOT / "data" / "AAPL_1d.parquet")

    def run(bars, *more, slow=100):
        config, path = tmp_path / "a.yaml", tmp_path / f"{bars}.parquet"
        text = EXAMPLE.replace("../data", str(ROOT / "data"))
        config.write_text(text.replace("slow: 100", f"slow: {slow}"))
        pq.write_table(table.slice(0, bars), path)
        folder = str(tmp_path / "run")
        code = main(["live", str(config), "--feed", f"replay:{path}", "--run", folder, *more])
        return code, *capsys.readouterr()

    live_run = run
    live_run.folder = tmp_path / "run"
    return live_run


@pytest.mark.parametrize("held", [True, False])
def test_a_run_of_two_configurations_ends_well_without_tables_and_says_why(live, held, capsys):
    head = HEAD if held else 20
    assert live(head, "--json")[0] == 0
    assert (live.folder / "manifest.json").exists()
    reason = ("--accept-config-change", "shorter is better") if held else ()
    code, out, _ = live(WHOLE, "--json", *reason, slow=50)
    told = json.loads(out)

    assert (code, told["status"], told["bars"]) == (0, "ended", WHOLE)
    assert f"the configuration changed after {head} bars" in told["no_tables"]
    assert not (live.folder / "manifest.json").exists()
    assert main(["verify", str(live.folder)]) == 0
    capsys.readouterr()


def test_a_reason_for_a_change_that_was_none_costs_no_tables(live):
    assert live(HEAD, "--json")[0] == 0
    code, out, _ = live(WHOLE, "--json", "--accept-config-change", "just in case")

    assert code == 0
    assert "no_tables" not in json.loads(out)
    assert (live.folder / "manifest.json").exists()
