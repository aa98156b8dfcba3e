"""Results of a sweep, looked at: the best sets, and figures over two parameters."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from admf_fast.config.source import nearest
from admf_fast.errors import ConfigError
from admf_fast.sweep.columns import FIGURES
from admf_fast.sweep.run import params_of

# Shown beside the parameters and what is sorted by.
SHOWN = ("total_return", "sharpe", "max_drawdown", "trades")
AGGREGATES = ("mean", "median", "min", "max")


class Grid(NamedTuple):
    """A figure over two parameters: rows of ``z`` belong to ``y``, columns to ``x``."""

    x_name: str
    y_name: str
    metric: str
    x: list[Any]
    y: list[Any]
    z: list[list[float | None]]
    taken: str = ""  # what a cell is the aggregate of; empty where it is one row

    @property
    def title(self) -> str:
        """What is drawn, in one line."""
        text = f"{self.metric} over {self.x_name} and {self.y_name}"
        return f"{text}, {self.taken}" if self.taken else text


def top(path: Path, by: str, count: int, *, smallest: bool = False, symbol: str = "") -> pa.Table:
    """Return the best rows by a figure, best first; rows without the figure are left out.

    Raises ConfigError for a column that is not there, StateError for a file that is no sweep's.
    """
    params = params_of(path)
    figure_of(by)
    columns = ["set", "symbol", *params, *dict.fromkeys((by, *SHOWN))]
    table = _of_symbol(pq.read_table(path, columns=columns), symbol)
    table = table.filter(pc.is_finite(table[by].cast(pa.float64())))
    order = "ascending" if smallest else "descending"
    # Equal figures stand in the order of the sets.
    keys = [(by, order), ("set", "ascending"), ("symbol", "ascending")]
    return table.sort_by(keys).slice(0, count)


def grid(
    path: Path, x: str, y: str, metric: str, *, aggregate: str = "mean", symbol: str = ""
) -> Grid:
    """Return a figure over two parameters; where several rows fall on one place, their aggregate.

    Raises ConfigError for a column that is not there, StateError for a file that is no sweep's.
    """
    params = params_of(path)
    for name in (x, y):
        if name not in params:
            raise ConfigError(_unknown("parameter", name, params))
    if x == y:
        raise ConfigError(f"expected two parameters; found {x} twice")
    figure_of(metric)
    table = _of_symbol(
        pq.read_table(path, columns=list(dict.fromkeys((*params, "symbol", metric)))), symbol
    )
    values = table[metric].cast(pa.float64())
    table = table.set_column(table.column_names.index(metric), metric, values)
    table = table.filter(pc.is_finite(values))
    how = "approximate_median" if aggregate == "median" else aggregate
    found = table.group_by([x, y], use_threads=False).aggregate([(metric, how)]).to_pylist()
    cells = {(row[x], row[y]): row[f"{metric}_{how}"] for row in found}
    xs, ys = (_sorted({key[k] for key in cells}) for k in (0, 1))
    z = [[cells.get((a, b)) for a in xs] for b in ys]
    return Grid(x, y, metric, xs, ys, z, _taken(table, (x, y, metric), aggregate))


def _taken(table: pa.Table, drawn: Sequence[str], aggregate: str) -> str:
    """Return which columns a cell puts together, and how; nothing if no other one varies."""
    others = [name for name in table.column_names if name not in drawn]
    varied = [name for name in others if len(table[name].unique()) > 1]
    return f"{aggregate} of all {', '.join(varied)}" if varied else ""


def figure_of(name: str) -> str:
    """Return the name of a figure; ConfigError with the nearest one if it is none."""
    names = [figure for figure, _ in FIGURES]
    if name not in names:
        raise ConfigError(_unknown("figure", name, names))
    return name


def shown(value: Any) -> str:
    """Return a value of a row for a table of text."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else str(value)
    return str(value)


def _of_symbol(table: pa.Table, symbol: str) -> pa.Table:
    if not symbol:
        return table
    found = table.filter(pc.equal(table["symbol"], symbol))
    if not found.num_rows:
        known = pc.unique(table["symbol"]).to_pylist()
        raise ConfigError(_unknown("symbol", symbol, known))
    return found


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    close = nearest(name, known)
    hint = f"; did you mean {close}?" if close else ""
    return f"{name} is no {kind} of these results{hint} (there are: {', '.join(known)})"


def _sorted(values: set[Any]) -> list[Any]:
    return sorted(values, key=lambda v: (v is None, isinstance(v, str), v if v is not None else 0))
