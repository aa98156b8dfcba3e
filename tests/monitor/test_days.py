"""Days of a run: the same bits from its tables and from its bars as they come."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import backtest, load_config
from admf_fast.config import parse_config
from admf_fast.data import SynthSpec, write_synth
from admf_fast.errors import StateError
from admf_fast.metrics import max_drawdown
from admf_fast.metrics.returns import DAY_NS
from admf_fast.monitor import read_run
from admf_fast.monitor.figures import AT, COLUMNS, FIGURES, figures_of, moving_figures
from admf_fast.monitor.read_run import lot_values, read_days
from admf_fast.monitor.tally import DayTally
from tests.monitor.kit import some_days, watch_run

EXAMPLES = Path(__file__).parents[2] / "examples"


class Counting:
    """An observer that only counts."""

    def __init__(self, config):
        self.tally = DayTally(config.account.cash, lot_values(config))
        self.rows = []

    def take(self, row):
        if row is not None:
            self.rows.append(row)

    def on_event(self, e):
        if e.type == "SIGNAL":
            self.take(self.tally.signal(e.ts_ns, e.sequence, e.signal))
        elif e.type == "TRADE":
            self.take(
                self.tally.trade(
                    e.ts_ns, e.sequence, e.symbol, e.lots, e.entry_price, e.pnl, e.fees
                )
            )

    def on_bar(self, s):
        self.take(self.tally.bar(s.ts_ns, s.symbol, s.lots, s.equity))


@pytest.fixture(scope="module")
def minutes(tmp_path_factory):
    """A run of three weeks of minutes: its configuration and run directory."""
    folder = tmp_path_factory.mktemp("minutes")
    write_synth(SynthSpec(bars=6000, seed=3), folder / "bars.parquet")
    text = (
        "bars: {path: bars.parquet, timeframe: 1m, stamp: open}\n"
        "strategy: {kernel: sma_cross, params: {fast: 5, slow: 20}}\n"
        "costs: {fee_bps: 2, slippage_bps: 1}\n"
    )
    config = parse_config(text, name=str(folder / "c.yaml"), format="yaml", base_dir=str(folder))
    backtest(config, out=folder / "run")
    return config, folder / "run"


def test_days_of_tables_and_of_bars_as_they_come_are_the_same_bits(minutes):
    config, run = minutes
    counting = Counting(config)
    watch_run(counting, config)
    counting.take(counting.tally.close())

    found = read_days(run)
    lived = np.array(counting.rows)
    warm = len(lived) - len(found.rows)
    assert len(found.rows) >= 5
    assert lived[warm:].tobytes() == found.rows.tobytes()
    assert found.rows[:, AT["trades"]].sum() > 100
    assert found.rows[:, AT["cost"]].sum() > 0.0


def test_batches_change_nothing(minutes, monkeypatch):
    _, run = minutes
    whole = read_days(run).rows
    original = pq.ParquetFile.iter_batches
    for size in (1, 7, 1000):
        monkeypatch.setattr(
            pq.ParquetFile, "iter_batches",
            lambda self, size=size, **more: original(self, batch_size=size, **more),
        )  # fmt: skip
        if size == 1:  # row by row takes long: the events alone
            monkeypatch.setattr(read_run, "_batches", _small_events(read_run._batches))
        assert read_days(run).rows.tobytes() == whole.tobytes()
        monkeypatch.undo()


def _small_events(batches):
    def smaller(folder, table, columns):
        if table in ("equity", "positions"):
            yield pa.Table.from_batches(list(batches(folder, table, columns))).combine_chunks(
            ).to_batches()[0]  # fmt: skip
        else:
            yield from batches(folder, table, columns)

    return smaller


def test_figures_of_all_days_are_those_of_the_run():
    config = load_config(EXAMPLES / "sma_cross.yaml")
    job = backtest(config, write=False)
    counting = Counting(config)
    watch_run(counting, config)
    counting.take(counting.tally.close())

    found = dict(zip(FIGURES, figures_of(np.array(counting.rows)).tolist(), strict=True))
    summary, daily = job.result.summary, job.figures.daily
    assert found["exposure"] == summary.exposure
    assert found["win_rate"] == summary.win_rate
    assert found["trades_per_day"] == job.figures.trading.trades_per_day
    assert found["drawdown"] == pytest.approx(daily.max_drawdown, rel=1e-12)
    year = daily.days_per_year
    assert found["volatility"] == pytest.approx(daily.annual_volatility / year**0.5, rel=1e-12)


def test_several_instruments_count_their_own_bars(tmp_path):
    config = load_config(EXAMPLES / "portfolio.yaml")
    backtest(config, out=tmp_path / "run")
    rows = read_days(tmp_path / "run").rows
    positions = pq.read_table(tmp_path / "run" / "positions.parquet")
    held = np.count_nonzero(positions.column("lots").to_numpy())
    assert rows[:, AT["bars"]].sum() > 2 * len(rows)
    assert rows[:, AT["in_market"]].sum() <= held
    assert rows[:, AT["in_market"]].sum() > 0.9 * held


def test_what_is_replayed_after_a_restart_counts_once(minutes):
    config, _ = minutes
    once, twice = Counting(config), Counting(config)

    class Both:
        """Tells one of them everything, the other the last 50 bars again after every 200."""

        def __init__(self):
            self.recent = []

        def tell(self, act, told):
            getattr(once, act)(told)
            getattr(twice, act)(told)
            self.recent.append((act, told))
            if len(self.recent) == 200:
                for again, it in self.recent[-50:]:
                    getattr(twice, again)(it)
                self.recent.clear()

        def on_event(self, event):
            self.tell("on_event", event)

        def on_bar(self, bar):
            self.tell("on_bar", bar)

    watch_run(Both(), config)
    assert once.tally.close() == twice.tally.close()
    assert once.rows == twice.rows


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_tally_goes_on_from_its_state(count, stop):
    def bars(tally, numbers):
        ended = []
        for n in numbers:
            ts_ns = (n + 1) * DAY_NS // 4
            ended.append(tally.signal(ts_ns, n + 1, float(n % 3 - 1)))
            ended.append(tally.trade(ts_ns, n + 1, "X", 1, 10.0, n % 2 - 0.5, 0.1))
            ended.append(tally.bar(ts_ns, "X", n % 2, 100.0 + n))
        return [row for row in ended if row]

    whole = DayTally(100.0, {"X": 1.0})
    expected = [*bars(whole, range(count)), whole.close()]
    first, second = DayTally(100.0, {"X": 1.0}), DayTally(100.0, {"X": 1.0})
    rows = bars(first, range(min(stop, count)))
    second.restore(first.state())
    assert [*rows, *bars(second, range(min(stop, count), count)), second.close()] == expected


@given(st.integers(1, 60), st.integers(1, 5))
def test_windows_at_once_are_windows_one_by_one(count, seed):
    rows = some_days(count + 2, seed)
    windows = np.lib.stride_tricks.sliding_window_view(rows, count, axis=0)
    at_once = figures_of(np.moveaxis(windows, -1, -2))
    for k in range(3):
        assert at_once[k].tobytes() == figures_of(rows[k : k + count]).tobytes()
        deepest = at_once[k][FIGURES.index("drawdown")]
        assert deepest == pytest.approx(max_drawdown(rows[k : k + count, AT["gain"]]), abs=1e-15)


@given(st.integers(2, 20), st.integers(1, 20))
def test_moving_windows_are_windows_within_rounding(window, seed):
    rows = np.stack([some_days(40, seed), some_days(40, seed + 1)])
    moving = moving_figures(rows, window)
    for replicate, k in ((0, 0), (1, 3), (0, 40 - window)):
        np.testing.assert_allclose(
            moving[replicate, k], figures_of(rows[replicate, k : k + window]), rtol=1e-9, atol=1e-12
        )


def test_a_window_without_observations_has_no_figures():
    rows = np.zeros((3, len(COLUMNS)))
    rows[:, AT["bars"]] = 1.0
    found = dict(zip(FIGURES, figures_of(rows).tolist(), strict=True))
    assert np.isnan([found[n] for n in ("signal_strength", "win_rate", "cost_bps")]).all()
    assert (found["exposure"], found["trades_per_day"], found["drawdown"]) == (0.0, 0.0, 0.0)


def test_days_of_the_warm_up_are_left_out(minutes, tmp_path):
    _, run = minutes
    shutil.copytree(run, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    whole = read_days(run).rows
    for ready, left_out in ((0, 0), (1440, 0), (1441, 1), (2881, 2), (6000, 4), (6001, 5)):
        text = json.dumps(manifest | {"ready_bars": ready})
        (tmp_path / "run" / "manifest.json").write_text(text)
        assert read_days(tmp_path / "run").rows.tobytes() == whole[left_out:].tobytes()


def test_what_is_no_run_directory_is_refused(tmp_path, minutes):
    with pytest.raises(StateError, match="expected a run directory, found no readable"):
        read_days(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(StateError, match="expected the manifest of a run"):
        read_days(tmp_path)
    manifest = (minutes[1] / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "equity.parquet").write_bytes(b"PAR1")
    with pytest.raises(StateError, match=r"equity\.parquet: cannot be read as the table"):
        read_days(tmp_path)
