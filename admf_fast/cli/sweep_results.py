"""`admf top`, `admf heatmap`, `admf parallel`: the results of a sweep, looked at."""

from __future__ import annotations

from pathlib import Path

import click

from admf_fast.cli.output import json_option, write_json, write_lines

FILE = click.Path(path_type=Path)


@click.command("top")
@click.argument("path", metavar="FILE", type=FILE)
@click.option("--by", default="sharpe", show_default=True, metavar="FIGURE", help="Sort by it.")
@click.option("-n", "count", type=click.IntRange(1), default=20, show_default=True, metavar="N")
@click.option("--smallest", is_flag=True, help="Smallest first, such as for max_drawdown.")
@click.option("--symbol", default="", metavar="SYMBOL", help="Of one instrument alone.")
@json_option
def top(path: Path, by: str, count: int, smallest: bool, symbol: str, as_json: bool) -> None:
    """Show the best sets of the sweep whose results are FILE.

    Rows whose figure is not a finite number are left out.
    """
    from admf_fast.report import align
    from admf_fast.sweep import show

    table = show.top(path, by, count, smallest=smallest, symbol=symbol)
    rows = table.to_pylist()
    if as_json:
        write_json({"by": by, "rows": rows})
        return
    names = table.column_names
    texts = [names, *([show.shown(row[name]) for name in names] for row in rows)]
    write_lines(align(texts, "".join("l" if n == "symbol" else "r" for n in names)))


@click.command("heatmap")
@click.argument("path", metavar="FILE", type=FILE)
@click.argument("x", metavar="X")
@click.argument("y", metavar="Y")
@click.option("--metric", default="sharpe", show_default=True, metavar="FIGURE")
@click.option(
    "--aggregate", default="mean", show_default=True,
    type=click.Choice(["mean", "median", "min", "max"]),
    help="Of rows that differ in other parameters, or in the instrument.",
)  # fmt: skip
@click.option("--symbol", default="", metavar="SYMBOL", help="Of one instrument alone.")
@click.option(
    "--out", type=FILE, required=True, metavar="FILE.html|.png|.svg", help="Where it goes."
)
@json_option
def heatmap(
    path: Path, x: str, y: str, metric: str, aggregate: str, symbol: str, out: Path, as_json: bool
) -> None:
    """Draw a figure over the parameters X and Y of the sweep whose results are FILE."""
    from admf_fast.sweep import plots, show

    plots.check_suffix(out, plots.SUFFIXES)
    grid = show.grid(path, x, y, metric, aggregate=aggregate, symbol=symbol)
    plots.write_heatmap(grid, out)
    _say_written(out, as_json, x=len(grid.x), y=len(grid.y))


@click.command("parallel")
@click.argument("path", metavar="FILE", type=FILE)
@click.option("--metric", default="sharpe", show_default=True, metavar="FIGURE")
@click.option("--out", type=FILE, required=True, metavar="FILE.html", help="Where it goes.")
@json_option
def parallel(path: Path, metric: str, out: Path, as_json: bool) -> None:
    """Draw all parameters and a figure as parallel coordinates, a line for each set."""
    from admf_fast.sweep import plots

    _say_written(out, as_json, lines=plots.write_parallel(path, metric, out))


def _say_written(out: Path, as_json: bool, **counts: int) -> None:
    if as_json:
        write_json({"path": str(out), **counts})
    else:
        write_lines([f"Written: {out}"])
