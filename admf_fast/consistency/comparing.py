"""Two recorded runs compared: the first layer that differs, why, and what it came to in money."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from admf_fast.consistency.causes import Cause, causes_of
from admf_fast.consistency.closer import Closer, closer_look
from admf_fast.consistency.divergence import Divergence, Family, between, divergence_of
from admf_fast.consistency.executions import ExecutionDivergence, executed, execution_divergence
from admf_fast.consistency.inputs import InputDivergence
from admf_fast.consistency.stored import open_any, stored_log
from admf_fast.consistency.trades import Money, TradePair, attributed, matched
from admf_fast.errors import ConfigError
from admf_fast.explain import StoredRun
from admf_fast.explain.again import plain_terms
from admf_fast.explain.stored import rows_of
from admf_fast.parity.compare import Log, layer_differences

# In order of cause; equity, as the tables call it, is what came of it all.
INPUTS = ("data", "config", "code", "environment")
OUTPUTS = ("feature", "state", "signals", "orders", "fills", "trades", "adjustments")
PANEL_OUTPUTS = (*OUTPUTS, "positions")
PNL = "pnl"
NUMBERS = ("sequence", "order_id")


class Layer(NamedTuple):
    """One layer of both runs; `identical` is None where it was not recorded."""

    name: str
    identical: bool | None
    note: str = ""
    first: Divergence | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**self._asdict(), "first": self.first.to_json() if self.first else None}


class RunInfo(NamedTuple):
    """Which run it is, and what came of it; times in ns, money in account currency."""

    folder: str
    run_id: str
    name: str
    mode: str
    bars: int
    first_ns: int
    last_ns: int
    trades: int
    profit: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two runs have in common, and what not; the second is compared with the first."""

    first: RunInfo
    second: RunInfo
    causes: list[Cause]
    layers: list[Layer]
    pairs: list[TradePair]
    money: Money
    executions: ExecutionDivergence
    inputs: InputDivergence | None = None
    named: Divergence | None = None  # the field of the state that differs first
    notes: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether all that was recorded is equal; the environment may differ."""
        return all(layer.identical is not False for layer in self.layers
                   if layer.name != "environment")  # fmt: skip

    @property
    def first_layer(self) -> str:
        """The first layer that differs; empty if none does."""
        return next((layer.name for layer in self.layers if layer.identical is False), "")

    @property
    def first_divergence(self) -> Divergence | None:
        """The first output that differs, the earliest in time; by its field where that is known."""
        found = [layer.first for layer in self.layers if layer.first]
        first = min(found, key=lambda d: d.ts_ns, default=None)
        known = first is not None and self.named is not None and self.named.ts_ns == first.ts_ns
        return self.named if known else first

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        first = self.first_divergence
        return {
            "identical": self.identical,
            "first_layer": self.first_layer or None,
            "first_divergence": first.to_json() if first else None,
            "first": self.first._asdict(),
            "second": self.second._asdict(),
            "causes": [cause._asdict() for cause in self.causes],
            "layers": [layer.to_json() for layer in self.layers],
            "money": self.money.to_json(),
            "trades": [pair.to_json() for pair in self.pairs],
            "inputs": self.inputs.to_json() if self.inputs else None,
            "executions": self.executions.to_json(),
            "notes": self.notes,
        }


def compare(first: Path | str, second: Path | str, *, base: Path | None = None) -> Comparison:
    """Compare two run directories.

    Where bars and code of both are at hand, the bars are compared too, and the state on the
    first bar it differs on, field by field; `base` is where their paths start.

    Raises StateError for what is no run directory, ConfigError for a run of one instrument and
    one of several.
    """
    a, b = open_any(Path(first)), open_any(Path(second))
    if bool(a.config.instruments) != bool(b.config.instruments):
        raise ConfigError(f"{first}, {second}: a run of one instrument and one of several")
    logs = stored_log(a), stored_log(b)
    infos = [_info(run, log) for run, log in zip((a, b), logs, strict=True)]
    causes = causes_of(a.manifest, b.manifest)
    closer = Closer()
    outputs, notes = _outputs(a, b, *logs)
    state = next((layer.first for layer in outputs if layer.name == "state"), None)
    if causes or state:
        closer = closer_look(a, b, base, state.ts_ns if state else None)
    notes += closer.notes
    ours, theirs = (rows_of(log.tables["trades"]) for log in logs)
    symbols = dict.fromkeys(row["symbol"] for row in (*ours, *theirs))
    terms = {symbol: plain_terms(a, symbol).n for symbol in symbols}
    pairs = matched(ours, theirs, lambda symbol: float(terms[symbol].lot_value))
    money = attributed(pairs, infos[1].profit - infos[0].profit)
    ticks = [n.ticks for n in terms.values()]
    executions = execution_divergence(
        *(executed(log.tables["orders"], log.tables["fills"]) for log in logs),
        tick_size=1.0 / ticks[0] if len(ticks) == 1 and ticks[0] else 0.0,
        lot_value=next((float(n.lot_value) for n in terms.values()), 1.0),
    )
    layers = [*_inputs(causes), *_named(outputs, closer)]
    return Comparison(
        infos[0],
        infos[1],
        causes,
        layers,
        pairs,
        money,
        executions,
        closer.inputs,
        closer.named,
        notes,
    )


def _info(run: StoredRun, log: Log) -> RunInfo:
    equity = log.tables["equity"]
    times = equity.column("ts").cast(pa.int64())
    bars = len(times)
    last = float(equity.column("equity")[-1].as_py()) if bars else run.config.account.cash
    first_ns, last_ns = (times[0].as_py(), times[-1].as_py()) if bars else (0, 0)
    return RunInfo(
        str(run.folder), str(run.manifest["run_id"]), run.config.name, run.manifest["mode"],
        int(run.manifest["bars"]), first_ns, last_ns, len(log.tables["trades"]),
        last - run.config.account.cash,
    )  # fmt: skip


def _inputs(causes: list[Cause]) -> list[Layer]:
    """Return the layers that manifests tell of, with how much in them differs."""
    found = []
    for name in INPUTS:
        fields = [cause.field for cause in causes if cause.layer == name]
        found.append(Layer(name, not fields, ", ".join(fields)))
    return found


def _outputs(a: StoredRun, b: StoredRun, first: Log, second: Log) -> tuple[list[Layer], list[str]]:
    """Return the layers that tables hold, over the bars that both runs have."""
    notes = []
    spans = [_span(log) for log in (first, second)]
    low, high = max(s[0] for s in spans), min(s[1] for s in spans)
    left = () if spans[0][0] == spans[1][0] else NUMBERS
    if spans[0] != spans[1]:
        notes.append("the runs are over other times: outputs are compared where they overlap")
    if left:
        notes.append("they begin at other bars: the numbers of their events are left out")
    logs = [_cut(log, low, high, left) for log in (first, second)]
    differences = layer_differences(a.folder.name, *logs)
    found = [_features(a, b, low, high)]
    for name in (PANEL_OUTPUTS if first.of_panel else OUTPUTS)[1:]:
        found.append(_layer(name, differences[name]))
    return [*found, _layer(PNL, differences["equity"])], notes


def _layer(name: str, difference: Any) -> Layer:
    if difference is None:
        return Layer(name, True)
    return Layer(name, False, "", divergence_of(difference._replace(layer=name)))


def _span(log: Log) -> tuple[int, int]:
    times = log.tables["equity"].column("ts").cast(pa.int64())
    return (times[0].as_py(), times[-1].as_py()) if len(times) else (0, -1)


def _cut(log: Log, low: int, high: int, without: tuple[str, ...]) -> Log:
    """Return the rows of a span of time; columns of numbers that mean nothing are made equal."""
    tables = {}
    for name, table in log.tables.items():
        ts = table.column("ts").cast(pa.int64())
        rows = table.filter(pc.and_(pc.greater_equal(ts, low), pc.less_equal(ts, high)))
        for column in without:
            if column in rows.schema.names:
                place = rows.schema.get_field_index(column)
                zeros = pa.chunked_array([pa.array(np.zeros(len(rows), np.int64))])
                rows = rows.set_column(place, rows.schema.field(place), zeros)
        tables[name] = rows
    return Log(tables, None)


def _features(a: StoredRun, b: StoredRun, low: int, high: int) -> Layer:
    """Return how recorded features differ; those that only one run has are a note."""
    paths = [run.folder / "features.parquet" for run in (a, b)]
    if not all(path.exists() for path in paths):
        return Layer("feature", None, "not recorded: name them under features to compare them")
    tables = [_cut(Log({"f": pq.read_table(p)}, None), low, high, ()).tables["f"] for p in paths]
    names = [n for n in tables[0].schema.names if n in tables[1].schema.names and n != "ts"]
    times = tables[0].column("ts").cast(pa.int64()).to_numpy()
    other = tables[1].column("ts").cast(pa.int64()).to_numpy()
    if len(times) != len(other) or (times != other).any():
        return Layer("feature", False, "of other bars")
    firsts = [(row, name) for name in names if (row := _first_row(tables, name)) is not None]
    if not firsts:
        apart = sum(len(t.schema.names) for t in tables) - 2 - 2 * len(names)
        return Layer("feature", True, f"{apart} that only one run has" if apart else "")
    row, name = min(firsts)
    values = [float(t.column(name)[row].as_py()) for t in tables]
    place = ("feature", row, int(times[row]), name)
    return Layer("feature", False, "", between(Family.LOGIC, a.folder.name, place, *values))


def _first_row(tables: list[pa.Table], name: str) -> int | None:
    a, b = (t.column(name).to_numpy().view(np.int64) for t in tables)
    rows = np.flatnonzero(a != b)
    return int(rows[0]) if len(rows) else None


def _named(outputs: list[Layer], closer: Closer) -> list[Layer]:
    """Return the layers, the state's first difference with the field that was looked up."""
    named = closer.named
    if named is None:
        return outputs
    note = f"{named.layer}.{named.field}: expected {named.expected}, found {named.found}"
    return [
        layer._replace(note=note) if layer.name == "state" and layer.first else layer
        for layer in outputs
    ]
