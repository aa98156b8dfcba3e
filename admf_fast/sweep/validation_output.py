"""A validation as plain data, as text and as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_file
from admf_fast.data import format_ts
from admf_fast.report import align, values
from admf_fast.sweep import guards
from admf_fast.sweep.guarding import Guarded
from admf_fast.sweep.show import shown
from admf_fast.sweep.table import plain_params
from admf_fast.sweep.validation import FoldResult, Validation

NS_PER_S = 1_000_000_000
HEADS = ("fold", "test from", "test to", "set", "train", "test", "rank", "test return", "trades")


def validation_json(found: Validation) -> dict[str, Any]:
    """Return a validation as plain data."""
    return {
        "kind": found.kind,
        "symbol": found.symbol,
        "by": found.by,
        "sets": found.sets,
        "split": found.split,
        "warmup": found.warmup,
        "test_total_return": found.test_total_return,
        "folds": [fold_json(one, found.by) for one in found.folds],
        "decay": [row._asdict() for row in found.decay.rows],
        "rank_correlation": found.decay.correlation,
        **_guarded_json(found.guarded),
    }


def _guarded_json(found: Guarded) -> dict[str, Any]:
    return {
        "overfitting": found.overfitting._asdict(),
        "deflated_sharpe": found.deflated._asdict(),
        "block_bootstrap": found.bootstrap._asdict(),
        "permutation": found.permutation._asdict(),
        "shuffled_bars": found.shuffled._asdict() if found.shuffled.samples else None,
        "best": {"set": found.best, "params": plain_params(found.best_params)},
    }


def fold_json(one: FoldResult, by: str) -> dict[str, Any]:
    """Return a fold as plain data; `run` is where the bars of the test's run begin and end."""
    fold = one.fold
    return {
        "fold": fold.number,
        "train": [[format_ts(ts) for ts in span] for span in fold.train_ts_ns],
        "test": [format_ts(ts) for ts in fold.test_ts_ns],
        "train_bars": fold.train_bars,
        "test_bars": fold.test[1] - fold.test[0],
        "warmup_bars": one.warmup_bars,
        "run": {
            "bars.start": format_ts(one.run_ts_ns[0]),
            "bars.end": format_ts(one.run_ts_ns[1] + NS_PER_S),
        },
        "set": one.chosen,
        "params": plain_params(one.params),
        f"train_{by}": one.train_figure,
        f"test_{by}": getattr(one.test.summary, by),
        "test_bars_alone": one.test_bars._asdict(),
        "test_rank": one.test_rank,
        "test_signals_digest": one.test.signals,
        "test_figures": one.test.summary._asdict(),
    }


def validation_lines(found: Validation) -> list[str]:
    """Return a validation as text: its folds, and what is to be thought of it."""
    rows = [list(HEADS), *(_fold_row(one, found.by) for one in found.folds)]
    return [
        f"{found.symbol}: {found.sets:,} sets, chosen by {found.by}, warm-up {found.warmup}, "
        f"split {found.split[:16]}",
        *align(rows, "rlllrrrrr"),
        f"All tests together: {values.percent(found.test_total_return)} %",
        *_decay_lines(found.decay, found.by),
        *_guarded_lines(found.guarded),
    ]


def _fold_row(one: FoldResult, by: str) -> list[str]:
    return [
        str(one.fold.number + 1),
        *(format_ts(ts)[:10] for ts in one.fold.test_ts_ns),
        ", ".join(f"{n}={shown(v)}" for n, v in plain_params(one.params).items()),
        shown(one.train_figure),
        # Where the figure is known of the test bars alone, that one.
        shown(one.test_bars._asdict().get(by, getattr(one.test.summary, by))),
        values.number(one.test_rank),
        f"{values.percent(one.test_bars.total_return)} %",
        str(one.test.summary.trades),
    ]


def _decay_lines(decay: guards.Decay, by: str) -> list[str]:
    """Return the table of figures from train to test, the best part of the sets first."""
    heads = ["part", "sets", f"train {by}", f"test {by}"]
    rows = [
        [f"{k + 1} of {len(decay.rows)}", str(row.sets), shown(row.train), shown(row.test)]
        for k, row in enumerate(decay.rows)
    ]
    return [
        f"All sets of all folds by their {by} on the train bars, the best first:",
        *align([heads, *rows], "lrrr"),
        f"Rank correlation of train and test: {values.number(decay.correlation)}",
    ]


def _guarded_lines(found: Guarded) -> list[str]:
    unclear, by_chance = found.overfitting, found.shuffled
    lines = [
        f"Probability of backtest overfitting: {values.percent(unclear.probability)} % "
        f"({unclear.splits} splits, median rank outside {values.number(unclear.median_rank)})",
        f"Deflated Sharpe ratio of the best set: {values.percent(found.deflated.probability)} %",
        f"Mean return by chance: block bootstrap {values.percent(found.bootstrap.p_value)} %, "
        f"random signs {values.percent(found.permutation.p_value)} %",
    ]
    if by_chance.samples:
        lines.append(
            f"Best set as good on shuffled bars: {values.percent(by_chance.p_value)} % "
            f"({by_chance.samples} times)"
        )
    return lines


def write_folds(found: Sequence[Validation], target: Path) -> None:
    """Write a row for each input and fold: times, the chosen set, its figures."""
    rows = [_row(one, fold) for one in found for fold in one.folds]
    metadata = {f"admf.split.{one.symbol}": one.split for one in found}
    table = pa.Table.from_pylist(rows)
    with atomic_file(target) as path:
        pq.write_table(table.replace_schema_metadata(metadata), path)


def _row(found: Validation, one: FoldResult) -> dict[str, Any]:
    fold = one.fold
    row: dict[str, Any] = {"symbol": found.symbol, "fold": fold.number}
    row |= {"train_start_ts_ns": fold.train_ts_ns[0][0], "train_end_ts_ns": fold.train_ts_ns[-1][1]}
    row |= {"test_start_ts_ns": fold.test_ts_ns[0], "test_end_ts_ns": fold.test_ts_ns[1]}
    row |= {"train_bars": fold.train_bars, "warmup_bars": one.warmup_bars, "warmup": found.warmup}
    row |= {"set": one.chosen, "test_rank": one.test_rank}
    for name, value in plain_params(one.params).items():
        row[name] = value if value is None or isinstance(value, int | float) else str(value)
    if found.kind == "kfold":  # whose train bars are before and after
        row[f"train_{found.by}"] = one.train_figure
    else:
        row |= {f"train_{n}": v for n, v in one.train[0].summary._asdict().items()}
    row |= {f"test_{n}": v for n, v in one.test.summary._asdict().items()}
    row |= {f"test_bars_{n}": v for n, v in one.test_bars._asdict().items()}
    return row | {"test_signals_digest": one.test.signals}
