"""Stored signals, played back: every row is that of the whole run, byte for byte."""

import json
import re

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admf_fast import load_config
from admf_fast.cli.main import main
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep.bars import open_inputs
from admf_fast.sweep.batch import _tasks, load_batch
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.recording import record_signals
from admf_fast.sweep.replaying import variants_of
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.stored import METADATA, Playback, read_stored
from admf_fast.sweep.variants import Variants
from tests.sweep.kit import BASE, EXITS, ROOT, alone, config_of

STRATEGY = "strategy.params.fast: [5, 10, 20], strategy.params.slow: [15, 50]"
BEHIND = {
    "plain": (BASE, "costs.fee_bps: [0, 3], direction: [long_short, long_only]"),
    "exits": (EXITS, "exits.stop_loss.atr: [1, 3], exits.atr_period: [14, 60], "
              "exits.memory: [none, all]"),
}  # fmt: skip
TWO = "  data: [../data/AAPL_1d.parquet, ../data/MSFT_1d.parquet]\n"


def swept(grid, where="  where: fast < slow\n"):
    return f"sweep:\n  grid: {{{grid}}}\n{where}{TWO}"


def replayed(path, grid, where=""):
    return f"sweep:\n  from_signals: {path}\n  grid: {{{grid}}}\n{where}{TWO}"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("stored") / "signals.parquet"
    record_signals(config_of(swept(STRATEGY)), path)
    return path


@pytest.mark.parametrize("form", BEHIND)
def test_a_replayed_sweep_is_the_whole_sweep(form, stored, tmp_path):
    base, grid = BEHIND[form]
    whole = run_sweep(config_of(swept(f"{STRATEGY}, {grid}"), base), tmp_path / "whole.parquet")
    played = run_sweep(config_of(replayed(stored, grid), base), tmp_path / "played.parquet")

    assert whole.found.rows == (5 * 4 * 2 if form == "plain" else 5 * 8 * 2)
    assert played.found == whole.found
    tables = [pq.read_table(tmp_path / f"{n}.parquet") for n in ("whole", "played")]
    assert tables[0].replace_schema_metadata() == tables[1].replace_schema_metadata()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_replayed_row_is_the_run_of_its_set_alone(stored, tmp_path_factory, data):
    form = data.draw(st.sampled_from(tuple(BEHIND)))
    base, grid = BEHIND[form]
    config = config_of(replayed(stored, grid, "  where: slow > 20 or fast < 6\n"), base)
    space = space_of(config)
    path = tmp_path_factory.mktemp("row") / "x.parquet"
    size, threads = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 3))
    run_sweep(config, path, chunk_sets=size, threads=threads)
    place = data.draw(st.integers(0, len(space.sets()) - 1))
    row = pl.read_parquet(path).filter(pl.col("set") == place, pl.col("symbol") == "AAPL")
    figures, signals = alone(Variants(config, space), space.sets()[place])

    names = row.columns[row.columns.index("bars") :][: len(figures) // 8]
    assert b"".join(row[n].to_numpy().tobytes() for n in names) == figures
    assert row["signals_digest"].to_list() == [signals]


def test_signals_are_the_strategys_own_whatever_the_account_does(stored, tmp_path):
    text = swept(STRATEGY) + "account: {cash: 10}\ndirection: short_only\n"
    config = config_of(text, EXITS.replace("account: {cash: 100000}\n", ""))
    found = record_signals(config, tmp_path / "other.parquet", threads=3, chunk_sets=1)

    assert found.digest == read_stored(stored).digest
    assert (found.sets, found.failed) == (5, 0)
    tables = [pq.read_table(p) for p in (stored, tmp_path / "other.parquet")]
    assert tables[0].replace_schema_metadata() == tables[1].replace_schema_metadata()
    assert found.bytes < 8 * found.changes  # a change of a bar's time and signal is 16


def test_teeth_one_change_a_bar_late_is_noticed(stored, tmp_path):
    table = pq.read_table(stored)
    times = table["ts"].cast(pa.int64()).to_numpy().copy()
    times[0] += 86_400_000_000_000
    late = table.set_column(2, table.schema.field("ts"), pa.array(times, pa.int64()).cast(
        table.schema.field("ts").type
    ))  # fmt: skip
    about = {METADATA: pq.read_metadata(stored).metadata[METADATA.encode()]}
    pq.write_table(late.replace_schema_metadata(about), tmp_path / "late.parquet")
    grid = BEHIND["plain"][1]
    good, bad = (
        run_sweep(config_of(replayed(path, grid)), tmp_path / f"{k}.parquet").found.digest
        for k, path in enumerate((stored, tmp_path / "late.parquet"))
    )
    assert good != bad


def test_a_set_without_signals_is_a_row_with_the_reason(tmp_path):
    strategy = "strategy.params.fast: [10, 60], strategy.params.slow: [50]"
    config = config_of(swept(strategy, ""))
    found = record_signals(config, tmp_path / "s.parquet")
    grid = "costs.fee_bps: [1, 2]"
    whole = run_sweep(config_of(swept(f"{strategy}, {grid}", "")), tmp_path / "w.parquet")
    played = run_sweep(config_of(replayed(tmp_path / "s.parquet", grid)), tmp_path / "p.parquet")

    assert (found.failed, played.found.failed) == (2, 4)
    assert played.found == whole.found


def _remembering(base):
    return base.replace(
        "{kernel: sma_cross, params: {fast: 10, slow: 50}}", "{kernel: rsi_reversion}"
    )


def test_a_strategy_that_remembers_is_not_played_from_another_start(tmp_path):
    grid = "sweep: {grid: {strategy.params.period: [5, 14]}}"
    record_signals(config_of(grid, _remembering(BASE)), tmp_path / "s")
    text = f"sweep:\n  from_signals: {tmp_path / 's'}\n  grid: "
    plain = config_of(text + "{costs.fee_bps: [2, 3]}", _remembering(BASE))
    run_sweep(plain, tmp_path / "plain.parquet")
    variants = Variants(plain, space_of(plain))
    digests = pl.read_parquet(tmp_path / "plain.parquet")["signals_digest"].to_list()
    assert digests == [alone(variants, values)[1] for values in space_of(plain).sets()]

    late = config_of(text + "{exits.atr_period: [3, 12]}", _remembering(EXITS))
    result = run_sweep(late, tmp_path / "late.parquet")
    failed = pl.read_parquet(tmp_path / "late.parquet")["error"].is_not_null().to_list()
    assert failed == [False, True, False, False]
    assert "begins on bar 14; its signals were stored from bar 6 on" in result.found.first_error


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("AAPL_1d", "IBM_1d"), "expected the signals of IBM"),
        (("stamp: open", "stamp: open, start: '2015-01-01'"), "found those of other bars"),
        (("fast: 10, slow: 50", "slow: 50"), ""),
        (("strategy: {kernel: sma_cross", "strategy: {kernel: rsi_reversion"), "not what the"),
    ],
)
def test_signals_of_something_else_are_refused(change, said, stored, tmp_path):
    text = replayed(stored, "costs.fee_bps: [0]").replace(TWO, "")
    base = BASE.replace(*change)
    if "rsi" in change[1]:
        base = base.replace(", params: {fast: 10, slow: 50}", "")
    if not said:  # what is swept decides nothing
        run_sweep(config_of(text, base), tmp_path / "x.parquet")
        return
    with pytest.raises(StateError, match=said):
        run_sweep(config_of(text, base), tmp_path / "x.parquet")
    assert not [*tmp_path.iterdir()]


def test_signals_of_other_code_are_refused(stored, tmp_path):
    table = pq.read_table(stored)
    about = json.loads(pq.read_metadata(stored).metadata[METADATA.encode()])
    about["meaning"]["code"] = "0" * 64
    pq.write_table(
        table.replace_schema_metadata({METADATA: json.dumps(about)}), tmp_path / "s.parquet"
    )
    text = replayed(tmp_path / "s.parquet", "costs.fee_bps: [0]")
    with pytest.raises(StateError, match="the code of the strategy"):
        run_sweep(config_of(text), tmp_path / "x.parquet")


def test_what_holds_no_signals_and_a_damaged_file_are_refused(stored, tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    for name in ("a.parquet", "nowhere.parquet"):
        with pytest.raises(StateError, match="expected signals stored by"):
            read_stored(tmp_path / name)
    with pytest.raises(StateError, match="found something else"):
        record_signals(config_of(swept(STRATEGY)), tmp_path / "a.parquet")

    content = bytearray(stored.read_bytes())
    content[len(content) // 4] ^= 1
    (tmp_path / "b.parquet").write_bytes(content)
    playback = Playback(read_stored(tmp_path / "b.parquet"), "AAPL")
    with pytest.raises(StateError, match="is damaged"):
        [playback.changes(k) for k in range(5)]


def test_a_strategy_that_reads_its_account_has_no_signals_of_its_own(tmp_path):
    wanted = "signal: 'clip(1 - position, 0, 1)'"
    base = BASE.replace("kernel: sma_cross, params: {fast: 10, slow: 50}", wanted)
    with pytest.raises(ConfigError, match="reads position: what it wants depends on"):
        record_signals(config_of("sweep: {grid: {costs.fee_bps: [0]}}", base), tmp_path / "s")
    assert not [*tmp_path.iterdir()]


def test_a_batch_sees_that_stored_signals_are_others(stored, tmp_path):
    (tmp_path / "s.parquet").write_bytes(stored.read_bytes())
    text = replayed("s.parquet", "costs.fee_bps: [0, 2]").replace("../data", str(ROOT / "data"))
    (tmp_path / "c.yaml").write_text(BASE.replace("../data", str(ROOT / "data")) + text)
    (tmp_path / "jobs.yaml").write_text("out: r\njobs: [{name: a, kind: sweep, config: c.yaml}]\n")

    def digest():
        spec, base = load_batch(tmp_path / "jobs.yaml")
        return [task.digest for task in _tasks(spec.jobs[0], base, tmp_path / "r")]

    before = digest()
    assert digest() == before
    record_signals(config_of(swept("strategy.params.fast: [7]", "")), tmp_path / "s.parquet")
    assert digest() != before


def test_signals_are_not_stored_of_a_search(tmp_path):
    text = "sweep: {grid: {strategy.params.fast: [5, 6]}, search: {trials: 3}}"
    with pytest.raises(ConfigError, match="leave out search"):
        record_signals(config_of(text), tmp_path / "s.parquet")


def test_the_page_plays_what_it_stores(tmp_path):
    page = (ROOT / "docs" / "sweeps.md").read_text()
    (block,) = [
        b for b in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S) if "from_signals" in b
    ]
    example = ROOT / "examples" / "sma_cross_sweep.yaml"
    assert main(["sweep", str(example), "--signals", str(tmp_path / "signals.parquet")]) == 0
    (tmp_path / "p.yaml").write_text(block.replace("../data", str(ROOT / "data")))
    config = load_config(tmp_path / "p.yaml")
    space = space_of(config)
    sets, variants = space.sets(), variants_of(config, space)
    stored = read_stored(tmp_path / "signals.parquet")
    assert len(sets) == 6 * sum(fast < 20 for fast, _ in stored.sets)
    variants.check_bars(open_inputs(config))
    assert all(not variants.at(values, "AAPL").refusal for values in sets[::7])


def test_the_command_stores_and_plays(tmp_path, capsys):
    base = BASE.replace("../data", str(ROOT / "data"))
    two = TWO.replace("../data", str(ROOT / "data"))
    (tmp_path / "c.yaml").write_text(base + swept(STRATEGY).replace(TWO, two))
    signals, out = tmp_path / "s.parquet", tmp_path / "r.parquet"
    assert main(["sweep", str(tmp_path / "c.yaml")]) == 2
    assert main(["sweep", str(tmp_path / "c.yaml"), "--signals", str(signals), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["signals"]
    assert (found["sets"], found["symbols"]) == (5, ["AAPL", "MSFT"])
    text = replayed("s.parquet", "costs.fee_bps: [0, 2]").replace(TWO, two)
    (tmp_path / "p.yaml").write_text(base + text)
    assert main(["sweep", str(tmp_path / "p.yaml"), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sets"] == 10
    assert main(["sweep", str(tmp_path / "c.yaml"), "--signals", str(signals)]) == 0
    assert "changes of signals" in capsys.readouterr().out
