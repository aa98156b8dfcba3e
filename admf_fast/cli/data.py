"""`admf data`: make bars, check them, or say what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from admf_fast.cli.bar_options import bar_options, open_input
from admf_fast.cli.output import json_option, write, write_json, write_lines
from admf_fast.cli.progress import progress
from admf_fast.report import align, values

if TYPE_CHECKING:
    from admf_fast.data import BarSource, DataReport

INPUTS = """

    INPUT is a configuration (.yaml, .yml, .toml), or files, folders or globs of bars with the
    options that declare them. Exit code 3 and the first fault for bars that cannot be used."""


@click.group("data")
def group() -> None:
    """Make bars, check them, or say what is in them."""


@group.command("synth")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE")
@click.option("--bars", required=True, type=int, help="How many.")
@click.option("--timeframe", default="1m", show_default=True, help="Length of the bars.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same bars.")
@click.option("--symbol", default="SYNTH", show_default=True)
@click.option("--start", default="2015-01-05", show_default=True, help="ISO; the first open.")
@click.option("--price", default=100.0, show_default=True, help="The first open.")
@click.option("--price-decimals", default=2, show_default=True, help="Decimals of every price.")
@click.option(
    "--annual-volatility", default=0.25, show_default=True, help="A fraction; 0.25 is 25 %."
)
@click.option("--regime-bars", default=2000, show_default=True, help="Mean length of a regime.")
@click.option(
    "--gap-probability", default=0.0, show_default=True,
    help="Chance that bars are missing before a bar.",
)  # fmt: skip
@click.option("--gap-bars-max", default=60, show_default=True, help="Longest gap.")
@click.option(
    "--session", type=click.Choice(["always", "weekdays", "us"]), default="always",
    show_default=True,
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
def synth(out: Path, force: bool, as_json: bool, **options: Any) -> None:
    """Write seeded bars as a Parquet file that declares its stamp, timeframe and symbol.

    The same options give the same bytes on every machine.
    """
    from admf_fast.data import SynthSpec, write_synth
    from admf_fast.data.synth import check_synth
    from admf_fast.errors import ConfigError, StateError

    spec = SynthSpec(**options)
    check_synth(spec)
    if spec.bars < 1:
        raise ConfigError("--bars: expected at least 1, found 0")
    if out.exists() and not force:
        raise StateError(f"{out}: is already there; choose another name, or give --force")
    bars = write_synth(spec, out)
    if as_json:
        write_json({"path": str(out), **options, "bars": bars})
    else:
        write(f"{out}: {values.count(bars)} bars of {spec.symbol} {spec.timeframe}")


@group.command("validate", help="Check every row of INPUT against all rules." + INPUTS)
@bar_options
@json_option
def validate(inputs: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Check every row and say so in one line."""
    report = _read(open_input(inputs, options))
    if as_json:
        write_json({"valid": True, **_plain(report)})
        return
    used = f"{values.count(report.rows_kept)} bars of {report.symbol} {report.timeframe} are valid"
    write(f"{used}: {_span(report)}, {_dropped(report)}, {_gaps(report)}")


@group.command("info", help="Say what is in INPUT: rows, times, gaps, files." + INPUTS)
@bar_options
@json_option
def info(inputs: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Read every row and describe them."""
    report = _read(open_input(inputs, options))
    if as_json:
        write_json(_plain(report))
        return
    rows = [
        ("Symbol", report.symbol),
        ("Timeframe", report.timeframe),
        ("Stamp", report.stamp),
        ("Rows read", values.count(report.rows_read)),
        ("Bars", values.count(report.rows_kept)),
        ("Dropped", _dropped(report)),
        ("First open, last close", _span(report)),
        ("Gaps", _gaps(report)),
    ]
    write_lines([*align(rows), "", *_files(report)])


def _read(source: BarSource) -> DataReport:
    from admf_fast.data import blocks_of_some

    with progress("reading", lambda: source.rows_total) as advance:
        for block in blocks_of_some(source):
            if advance:
                advance(len(block))
    return source.report()


def _plain(report: DataReport) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(report)
    return plain


def _span(report: DataReport) -> str:
    if report.first_ts_ns is None or report.last_ts_ns is None:
        return values.NONE
    first_open_ns = report.first_ts_ns - report.timeframe_ns
    return f"{values.time(first_open_ns)} to {values.time(report.last_ts_ns)}"


def _dropped(report: DataReport) -> str:
    found = {rule: rows for rule, rows in report.dropped.items() if rows}
    if not found:
        return "none dropped"
    return "dropped " + ", ".join(f"{rule} {values.count(n)}" for rule, n in found.items())


def _gaps(report: DataReport) -> str:
    gaps = report.gaps
    if not gaps.count:
        return "no gaps"
    return f"{values.count(gaps.count)} gaps (longest {values.duration(gaps.longest_ns)})"


def _files(report: DataReport) -> list[str]:
    header = ("file", "format", "bytes", "rows", "manifest", "sha256")
    rows = [
        (
            file.path,
            file.format,
            values.count(file.size_bytes),
            values.NONE if file.rows is None else values.count(file.rows),
            "verified" if file.verified else values.NONE,
            file.sha256,
        )
        for file in report.files
    ]
    notes = [f"Note: {file.path}: {text}" for file in report.files for text in file.notes]
    ignored = [
        f"Note: {file.path}: columns not used: {', '.join(file.ignored_columns)}"
        for file in report.files
        if file.ignored_columns
    ]
    return [*align([header, *rows], "llrr"), *notes, *ignored]
