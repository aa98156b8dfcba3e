"""`admf baseline`: what a backtest leads to expect of production."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from admf_fast.cli.output import json_option, write_json, write_lines

if TYPE_CHECKING:
    from admf_fast.monitor import Baseline


@click.command("baseline")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write it as a file for monitor.baseline; replaced if it is there.",
)  # fmt: skip
@click.option("--window-days", type=click.IntRange(2, 10_000), help="In place of monitor's own.")
@click.option("--horizon-days", type=click.IntRange(1, 10_000), help="In place of monitor's own.")
@click.option("--seed", type=click.IntRange(1), help="In place of monitor's own.")
@json_option
def command(
    folder: Path, out: Path | None, window_days: int | None, horizon_days: int | None,
    seed: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Say what the run directory RUN leads to expect of production.

    For each figure: its value in the whole run with a confidence band; the band that a window
    of production stays in; and the limit of its cumulative sum. monitor.false_alarms is the
    chance that any of them is passed within the horizon though nothing has changed. All by the
    stationary bootstrap of the run's days, by the section monitor of its configuration. The same
    run and seed give the same bytes.
    """
    from msgspec import to_builtins
    from msgspec.structs import replace

    from admf_fast.monitor.baseline import make_baseline
    from admf_fast.monitor.baseline_file import save_baseline
    from admf_fast.monitor.read_run import read_days

    run = read_days(folder)
    given = {"window_days": window_days, "horizon_days": horizon_days, "seed": seed}
    changes = {name: value for name, value in given.items() if value is not None}
    spec = replace(run.config.monitor, **changes)
    manifest = run.manifest
    made = make_baseline(run.rows, spec, run_id=manifest["run_id"], inputs=manifest["inputs"])
    if out is not None:
        save_baseline(out, made)
    if as_json:
        found = {**to_builtins(made), "digest": made.digest, "file": str(out) if out else None}
        write_json(found)
    else:
        write_lines([*_lines(made), *([f"Written: {out}"] if out else [])])


def _lines(baseline: Baseline) -> list[str]:
    from admf_fast.report import align, values

    b = baseline
    title = (
        f"{b.days} days, blocks of {b.block_days:.1f} days, {b.replicates} replicates, "
        f"seed {b.seed}"
    )
    heads = (
        "", "value", f"{b.confidence:.0%} band", "", f"window of {b.window_days} days", "",
        "CUSUM limit",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = [heads]
    for name, band in b.figures.items():
        numbers = (
            band.value, band.low, band.high, band.alarm_low, band.alarm_high, band.cusum_limit
        )  # fmt: skip
        shown = [values.NONE if n is None else values.number(n, 4) for n in numbers]
        rows.append((name, *shown))
    chance = (
        f"Chance of any false alarm of all of them in {b.horizon_days} days: {b.false_alarms:.1%}"
    )
    return [title, "", *align(rows, "lrrrrrr"), "", chance]
