"""The trades table of a run: its figures as a whole, and by direction, hour, weekday, reason.

Columns are found by name; those that a table does not have give no figures.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from admf_fast.metrics import trades as over
from admf_fast.metrics.distribution import max_consecutive_losses, max_consecutive_wins
from admf_fast.metrics.returns import DAY_NS
from admf_fast.metrics.sums import Column, mean_of, ratio, total
from admf_kernels.numeric import nan

S_NS, HOUR_NS = 1e9, 3_600_000_000_000
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = tuple(f"{hour:02d}" for hour in range(24))
BREAKDOWNS = ("direction", "reason", "symbol", "hour", "weekday")


class Labels(NamedTuple):
    """A column of words: which of `names` each row has."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]


TradeColumns = Mapping[str, "NDArray[np.int64] | Column | Labels"]


class TradeFigures(NamedTuple):
    """Every figure of a trades table; money in account currency, returns relative to entry.

    `mae` and `mfe` are the largest adverse and favourable excursion of a trade, in the unit
    of their columns and NaN without them.
    """

    trades: int
    session_days: int
    trades_per_day: float
    pnl: float
    fees: float
    turnover: float
    costs_share: float
    break_even_bps: float
    win_rate: float
    profit_factor: float
    payoff_ratio: float
    kelly_fraction: float
    expectancy: float
    best_trade: float
    worst_trade: float
    average_trade: float
    sqn: float
    max_consecutive_wins: int
    max_consecutive_losses: int
    average_duration_s: float
    max_duration_s: float
    average_mae: float
    worst_mae: float
    average_mfe: float
    best_mfe: float


class TradeGroup(NamedTuple):
    """The figures of the trades that have something in common."""

    trades: int
    win_rate: float
    profit_factor: float
    pnl: float
    expectancy: float


def trade_columns(table: pa.Table) -> dict[str, NDArray[np.int64] | Column | Labels]:
    """Return the columns of a trades table without nulls; times as nanoseconds.

    Columns of other types than whole numbers, floats, times and text are left out.
    """
    made: dict[str, NDArray[np.int64] | Column | Labels] = {}
    for name, chunked in zip(table.column_names, table.columns, strict=True):
        kind = chunked.type
        if pa.types.is_dictionary(kind):
            made[name] = _labels(chunked)
        elif pa.types.is_string(kind):
            made[name] = _labels(chunked.dictionary_encode())
        elif kind == pa.float64():
            made[name] = _fixed(chunked, np.dtype(np.float64)).astype(np.float64, copy=False)
        elif kind == pa.int64() or pa.types.is_timestamp(kind):
            made[name] = _fixed(chunked, np.dtype(np.int64)).astype(np.int64, copy=False)
    return made


def _fixed(chunked: pa.ChunkedArray, kind: "np.dtype[np.generic]") -> NDArray[np.generic]:
    parts = [
        np.frombuffer(chunk.buffers()[1], kind)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in chunked.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.empty(0, kind)


def _labels(chunked: pa.ChunkedArray) -> Labels:
    names: dict[str, int] = {}
    parts = [np.empty(0, np.int64)]
    for chunk in chunked.chunks:
        own = [names.setdefault(str(name), len(names)) for name in chunk.dictionary.to_pylist()]
        indices = pa.chunked_array([chunk.indices.cast(pa.int64())])
        if own and len(chunk):
            parts.append(np.array(own, np.int64)[_fixed(indices, np.dtype(np.int64)).astype(int)])
    return Labels(np.concatenate(parts), tuple(names))


def trade_figures(trades: TradeColumns, session_days: int, lot_size: float = 1.0) -> TradeFigures:
    """Return the figures of all trades; `session_days` are those of the tested period.

    Needs the columns ``ts entry_ts lots entry_price exit_price pnl fees``.
    """
    pnl, units = _numbers(trades, "pnl"), np.abs(_numbers(trades, "lots")) * lot_size
    entry_value = units * _numbers(trades, "entry_price")
    valued = entry_value > 0.0
    gains = np.where(valued, pnl / np.where(valued, entry_value, 1.0), 0.0)
    turnover = total(entry_value) + total(units * _numbers(trades, "exit_price"))
    earned, fees = total(pnl), total(_numbers(trades, "fees"))
    duration_s = (_numbers(trades, "ts") - _numbers(trades, "entry_ts")) / S_NS
    return TradeFigures(
        len(pnl),
        session_days,
        over.trades_per_day(len(pnl), session_days),
        earned,
        fees,
        turnover,
        over.costs_share(earned, fees),
        over.break_even_bps(earned, fees, turnover),
        over.win_rate(pnl),
        over.profit_factor(pnl),
        over.payoff_ratio(pnl),
        over.kelly_fraction(pnl),
        over.expectancy(pnl),
        _extreme(gains, np.max),
        _extreme(gains, np.min),
        over.expectancy(gains),
        over.sqn(gains),
        max_consecutive_wins(pnl),
        max_consecutive_losses(pnl),
        mean_of(duration_s),
        _extreme(duration_s, np.max),
        *_excursions(trades),
    )


def _numbers(trades: TradeColumns, name: str) -> Column:
    values = trades[name]
    if isinstance(values, Labels):
        raise ValueError(f"trades.{name}: expected numbers, found words")
    return values if name.endswith("ts") else values.astype(np.float64, copy=False)  # type: ignore[return-value]


def _extreme(values: Column, which: "np.ufunc | object") -> float:
    return float(which(values)) if len(values) else nan  # type: ignore[operator]


def _excursions(trades: TradeColumns) -> Iterator[float]:
    """Yield the average and the largest of both excursions, whatever sign they are kept with."""
    for name in ("mae", "mfe"):
        values = _numbers(trades, name) if name in trades else np.empty(0)
        yield mean_of(values)
        yield float(values[np.abs(values).argmax()]) if len(values) else nan


def breakdowns(trades: TradeColumns) -> dict[str, dict[str, TradeGroup]]:
    """Return the trades by all that the columns tell: `trades_by` for each of `BREAKDOWNS`."""
    known = [by for by in BREAKDOWNS if by not in ("reason", "symbol") or by in trades]
    return {by: trades_by(trades, by) for by in known}


def trades_by(trades: TradeColumns, by: str) -> dict[str, TradeGroup]:
    """Return the figures of the trades of every direction, reason, symbol, hour or weekday.

    Hour and weekday are UTC, of the bar in which the trade was entered (the end of an hour
    belongs to it). Groups without a trade are left out.
    """
    codes, names = _grouping(trades, by)
    pnl, count = _numbers(trades, "pnl"), len(names)
    number = np.bincount(codes, minlength=count)
    won = np.bincount(codes[pnl > 0.0], minlength=count)
    # Weighted counts are added row by row.
    gross = np.bincount(codes, np.where(pnl > 0.0, pnl, 0.0), count)
    lost = np.bincount(codes, np.where(pnl < 0.0, -pnl, 0.0), count)
    earned = np.bincount(codes, pnl, count)
    return {
        names[k]: TradeGroup(
            int(number[k]),
            ratio(float(won[k]), int(number[k])),
            ratio(float(gross[k]), float(lost[k])),
            float(earned[k]),
            ratio(float(earned[k]), int(number[k])),
        )
        for k in sorted(range(count), key=lambda k: k if by in ("hour", "weekday") else names[k])
        if number[k]
    }


def _grouping(trades: TradeColumns, by: str) -> Labels:
    if by == "direction":
        return Labels((_numbers(trades, "lots") < 0.0).astype(np.int64), ("long", "short"))
    if by in ("hour", "weekday"):
        entered = _numbers(trades, "entry_ts").astype(np.int64) - 1
        if by == "hour":
            return Labels(entered % DAY_NS // HOUR_NS, HOURS)
        return Labels((entered // DAY_NS + 3) % 7, WEEKDAYS)
    labels = trades.get(by)
    if isinstance(labels, Labels):
        return labels
    if by not in BREAKDOWNS or labels is None:
        raise ValueError(
            f"trades: expected to group by one of {BREAKDOWNS} that is there, not {by!r}"
        )
    names, codes = np.unique(labels, return_inverse=True)
    return Labels(codes.astype(np.int64), tuple(map(str, names)))
