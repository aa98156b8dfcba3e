"""A walk-forward as plain data, as text and as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_file
from admf_fast.data import format_ts
from admf_fast.report import align, values
from admf_fast.sweep.show import shown
from admf_fast.sweep.table import plain_params
from admf_fast.sweep.walkforward import FoldResult, WalkForward

NS_PER_S = 1_000_000_000
HEADS = ("fold", "test from", "test to", "set", "train", "test", "rank", "test return", "trades")


def walk_json(walk: WalkForward) -> dict[str, Any]:
    """Return a walk-forward as plain data."""
    return {
        "symbol": walk.symbol,
        "by": walk.by,
        "sets": walk.sets,
        "split": walk.split,
        "warmup": walk.warmup,
        "test_total_return": walk.test_total_return,
        "folds": [_fold_json(one, walk.by) for one in walk.folds],
        "overfitting": walk.overfitting._asdict(),
        "deflated_sharpe": walk.deflated._asdict(),
        "block_bootstrap": walk.bootstrap._asdict(),
        "permutation": walk.permutation._asdict(),
        "best": {"set": walk.best, "params": plain_params(walk.best_params)},
    }


def _fold_json(one: FoldResult, by: str) -> dict[str, Any]:
    fold = one.fold
    return {
        "fold": fold.number,
        "train": [format_ts(ts) for ts in fold.train_ts_ns],
        "test": [format_ts(ts) for ts in fold.test_ts_ns],
        "train_bars": fold.train[1] - fold.train[0],
        "test_bars": fold.test[1] - fold.test[0],
        "warmup_bars": one.warmup_bars,
        "run": {
            "bars.start": format_ts(one.run_ts_ns[0]),
            "bars.end": format_ts(one.run_ts_ns[1] + NS_PER_S),
        },
        "set": one.chosen,
        "params": plain_params(one.params),
        f"train_{by}": getattr(one.train.summary, by),
        f"test_{by}": getattr(one.test.summary, by),
        "test_rank": one.test_rank,
        "test_signals_digest": one.test.signals,
        "test_figures": one.test.summary._asdict(),
    }


def walk_lines(walk: WalkForward) -> list[str]:
    """Return a walk-forward as text: its folds, and what is to be thought of it."""
    rows = [list(HEADS)]
    for one in walk.folds:
        summary = one.test.summary
        rows.append(
            [
                str(one.fold.number + 1),
                *(format_ts(ts)[:10] for ts in one.fold.test_ts_ns),
                ", ".join(f"{n}={shown(v)}" for n, v in plain_params(one.params).items()),
                shown(getattr(one.train.summary, walk.by)),
                shown(getattr(summary, walk.by)),
                values.number(one.test_rank),
                f"{values.percent(summary.total_return)} %",
                str(summary.trades),
            ]
        )
    unclear = walk.overfitting
    return [
        f"{walk.symbol}: {walk.sets:,} sets, chosen by {walk.by}, warm-up {walk.warmup}, "
        f"split {walk.split[:16]}",
        *align(rows, "rlllrrrrr"),
        f"All tests together: {values.percent(walk.test_total_return)} %",
        f"Probability of backtest overfitting: {values.percent(unclear.probability)} % "
        f"({unclear.splits} splits, median rank outside {values.number(unclear.median_rank)})",
        f"Deflated Sharpe ratio of the best set: {values.percent(walk.deflated.probability)} %",
        f"Mean return by chance: block bootstrap {values.percent(walk.bootstrap.p_value)} %, "
        f"random signs {values.percent(walk.permutation.p_value)} %",
    ]


def write_folds(walks: Sequence[WalkForward], target: Path) -> None:
    """Write a row for each input and fold: times, the chosen set, its figures on both sides."""
    rows = [_row(walk, one) for walk in walks for one in walk.folds]
    metadata = {f"admf.split.{walk.symbol}": walk.split for walk in walks}
    table = pa.Table.from_pylist(rows)
    with atomic_file(target) as path:
        pq.write_table(table.replace_schema_metadata(metadata), path)


def _row(walk: WalkForward, one: FoldResult) -> dict[str, Any]:
    row: dict[str, Any] = {"symbol": walk.symbol, "fold": one.fold.number}
    for side in ("train", "test"):
        first, last = getattr(one.fold, f"{side}_ts_ns")
        row |= {f"{side}_start_ts_ns": first, f"{side}_end_ts_ns": last}
    row |= {"warmup_bars": one.warmup_bars, "set": one.chosen, "test_rank": one.test_rank}
    for name, value in plain_params(one.params).items():
        row[name] = value if value is None or isinstance(value, int | float) else str(value)
    row |= {f"train_{n}": v for n, v in one.train.summary._asdict().items()}
    row |= {f"test_{n}": v for n, v in one.test.summary._asdict().items()}
    return row | {"test_signals_digest": one.test.signals}
