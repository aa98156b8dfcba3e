"""The days of a run directory, from its tables, batch by batch."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from admf_fast.config import Config, instruments_of, parse_config
from admf_fast.errors import AdmfError, StateError
from admf_fast.metrics import Labels, trade_columns
from admf_fast.metrics.returns import DAY_NS
from admf_fast.monitor.figures import AT, BPS, COLUMNS, Matrix
from admf_fast.monitor.tally import gain

Times = NDArray[np.int64]


class RunDays(NamedTuple):
    """A run as days: those of its warm-up are left out of `rows`."""

    rows: Matrix
    manifest: dict[str, Any]
    config: Config


def read_manifest(folder: Path) -> tuple[dict[str, Any], Config]:
    """Return manifest and configuration of a run directory; raises StateError if it is none."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
        text, _ = json.dumps(manifest["config"]), manifest["inputs"]["config"]
        if not {"run_id", "ready_bars", "layers", "mode"} <= manifest.keys():
            raise KeyError
    except OSError as error:
        raise StateError(
            f"{folder}: expected a run directory, found no readable manifest.json: "
            f"{error.strerror}; admf backtest CONFIG --out DIR writes one"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path}: expected the manifest of a run; found something else") from error
    try:
        return manifest, parse_config(text, name=str(path), format="yaml")
    except AdmfError as error:
        raise StateError(f"{path}: its configuration cannot be read: {error}") from error


def read_days(folder: Path) -> RunDays:
    """Return the days of a run directory; raises StateError for one that cannot be read."""
    manifest, config = read_manifest(folder)
    days = _Days(lot_values(config))
    moments = 0
    first_ready_ns = 0
    ready = int(manifest["ready_bars"])
    panel = bool(config.instruments)
    for batch in _batches(folder, "equity", ("ts", "equity", *(() if panel else ("lots",)))):
        ts_ns = _words(batch, "ts")
        if moments < ready <= moments + len(ts_ns):
            first_ready_ns = int(ts_ns[ready - moments - 1])
        moments += len(ts_ns)
        days.equity(ts_ns, _floats(batch, "equity"))
        if not panel:
            days.bars(ts_ns, _words(batch, "lots"))
    if panel:
        for batch in _batches(folder, "positions", ("ts", "lots")):
            days.bars(_words(batch, "ts"), _words(batch, "lots"))
    for batch in _batches(folder, "signals", ("ts", "signal")):
        days.signals(_words(batch, "ts"), _floats(batch, "signal"))
    wanted = ("ts", "symbol", "lots", "entry_price", "pnl", "fees")
    for batch in _batches(folder, "trades", wanted):
        days.trades(pa.Table.from_batches([batch]))
    rows = days.rows(config.account.cash)
    warm_day = (first_ready_ns - 1) // DAY_NS if ready else -1
    if moments < ready:  # it was never ready
        rows = rows[:0]
    return RunDays(rows[rows[:, AT["day"]] >= warm_day], manifest, config)


def lot_values(config: Config) -> dict[str, float]:
    """Return what a price of 1 is worth for a lot, by symbol; 0 where a price converts it.

    A single instrument stands under the empty symbol as well, as only its file may know it.
    """
    made = {}
    for instrument in instruments_of(config):
        rate = 0.0 if instrument.fx else (instrument.fx_rate or 1.0)
        made[instrument.symbol] = instrument.lot_size * instrument.multiplier * rate
    if not config.instruments:
        made[""] = next(iter(made.values()))
    return made


class _Days:
    """Sums per day; every sum is added from the first row to the last, whatever the batches."""

    def __init__(self, values: dict[str, float]) -> None:
        self._lot_values = values
        self._sums: dict[str, dict[int, float]] = {name: {} for name in COLUMNS}

    def equity(self, ts_ns: Times, equity: Matrix) -> None:
        days = (ts_ns - 1) // DAY_NS
        last = np.flatnonzero(np.diff(days, append=days[-1:] + 1))
        self._sums["equity"] |= dict(zip(days[last].tolist(), equity[last].tolist(), strict=True))

    def bars(self, ts_ns: Times, lots: Times) -> None:
        self._add("bars", ts_ns, np.ones(len(ts_ns)))
        self._add("in_market", ts_ns, (lots != 0).astype(np.float64))

    def signals(self, ts_ns: Times, signal: Matrix) -> None:
        self._add("signals", ts_ns, np.ones(len(ts_ns)))
        self._add("wanted", ts_ns, (signal != 0.0).astype(np.float64))
        self._add("strength", ts_ns, np.abs(signal))

    def trades(self, table: pa.Table) -> None:
        columns = trade_columns(table)
        symbol, ts_ns = columns["symbol"], columns["ts"]
        assert isinstance(symbol, Labels)
        assert not isinstance(ts_ns, Labels)
        other = self._lot_values.get("", 0.0)
        each = np.array([self._lot_values.get(name, other) for name in symbol.names])
        lots, price, pnl, fees = (
            np.asarray(columns[name], np.float64) for name in ("lots", "entry_price", "pnl", "fees")
        )
        value = np.abs(lots) * (each[symbol.codes] if len(each) else 0.0) * price
        costed = value > 0.0
        times = ts_ns.astype(np.int64)
        self._add("trades", times, np.ones(len(times)))
        self._add("wins", times, (pnl > 0.0).astype(np.float64))
        self._add("costed", times, costed.astype(np.float64))
        cost = np.where(costed, fees / np.where(costed, value, 1.0) * BPS, 0.0)
        self._add("cost", times, cost)

    def _add(self, column: str, ts_ns: Times, weights: Matrix) -> None:
        days, codes = np.unique((ts_ns - 1) // DAY_NS, return_inverse=True)
        sums = self._sums[column]
        names = days.tolist()
        # What a day had before comes first; weighted counts are added row by row.
        before = np.array([sums.get(day, 0.0) for day in names])
        places = np.concatenate((np.arange(len(names)), codes))
        added = np.bincount(places, np.concatenate((before, weights)), len(names))
        sums |= dict(zip(names, added.tolist(), strict=True))

    def rows(self, cash: float) -> Matrix:
        """Return a row for every day with bars."""
        names = sorted(self._sums["bars"])
        made = np.zeros((len(names), len(COLUMNS)))
        made[:, AT["day"]] = names
        for name, sums in self._sums.items():
            if name not in ("day", "gain"):
                made[:, AT[name]] = [sums.get(day, 0.0) for day in names]
        before = cash
        for row in made:
            row[AT["gain"]] = gain(row[AT["equity"]], before)
            before = row[AT["equity"]]
        return made


def _batches(folder: Path, table: str, columns: tuple[str, ...]) -> "Any":
    path = folder / f"{table}.parquet"
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(columns=list(columns))
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StateError(f"{path}: cannot be read as the table of a run: {error}") from error


def _words(batch: pa.RecordBatch, name: str) -> Times:
    made: Times = trade_columns(pa.Table.from_batches([batch.select([name])]))[name]  # type: ignore[assignment]
    return made


def _floats(batch: pa.RecordBatch, name: str) -> Matrix:
    made: Matrix = trade_columns(pa.Table.from_batches([batch.select([name])]))[name]  # type: ignore[assignment]
    return made
