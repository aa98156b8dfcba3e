"""The options that declare bars on the command line, as `bars` does in a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from admf_fast.data import BarSource

F = TypeVar("F", bound=Callable[..., Any])

CONFIG_SUFFIXES = (".yaml", ".yml", ".toml")
# Of the same words as `BarSpec`, which is not imported for --help; a test compares them.
CHOICES: dict[str, tuple[str, ...]] = {
    "stamp": ("open", "close"),
    "unit": ("auto", "s", "ms", "us", "ns"),
    "format": ("auto", "parquet", "ipc", "csv"),
    "gaps": ("keep", "refuse"),
    "duplicates": ("refuse", "drop"),
    "missing": ("refuse", "drop"),
    "invalid": ("refuse", "drop"),
    "off_grid": ("refuse", "drop", "keep"),
    "calendar": ("XNYS", "XLON", "XEUR", "CME", "24/7"),
}
_HELP: dict[str, str] = {
    "timeframe": "Length of the bars, such as 1m or 1d.",
    "stamp": "Which end of the bar its time names.",
    "timezone": "IANA name of the zone of naive times.",
    "unit": "Of integer times.",
    "format": "Of the files; by their suffix if left out.",
    "symbol": "Symbol of the bars; of the file if left out.",
    "gaps": "Gaps in time.",
    "duplicates": "Exact copies of the row before.",
    "missing": "Rows with a null or a NaN.",
    "invalid": "Rows that break a rule of prices or volume.",
    "off_grid": "Times between the grid points of the timeframe.",
    "calendar": "Sessions and local time of the market.",
    "start": "First close time to use, ISO.",
    "end": "Close time to stop before, ISO.",
}


def bar_options(command: F) -> F:
    """Add INPUT... and one option for every key of `bars` to a command."""
    for name, text in reversed(_HELP.items()):
        choice = click.Choice(CHOICES[name]) if name in CHOICES else None
        command = click.option(f"--{name.replace('_', '-')}", type=choice, help=text)(command)
    command = click.option(
        "--column", "columns", multiple=True, metavar="NAME=COLUMN",
        help="Where a standard column is found, such as close=Last; repeat as needed.",
    )(command)  # fmt: skip
    return click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)(command)


def open_input(inputs: tuple[str, ...], options: dict[str, Any]) -> BarSource:
    """Open the bars of a configuration, or files as the options declare them.

    Raises UsageError when options would contradict a configuration.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if any(Path(path).suffix.lower() in CONFIG_SUFFIXES for path in inputs):
        if len(inputs) > 1 or given:
            extra = inputs[1] if len(inputs) > 1 else _option(next(iter(given)))
            raise click.UsageError(
                f"a configuration declares its own bars: leave out {extra!r}",
                click.get_current_context(),
            )
        return _of_config(inputs[0])
    return _of_files(inputs, given)


def _option(name: str) -> str:
    return "--column" if name == "columns" else f"--{name.replace('_', '-')}"


def _of_config(path: str) -> BarSource:
    from admf_fast.config import load_config
    from admf_fast.data import open_bars

    config = load_config(path)
    return open_bars(config.bars, base_dir=Path(config.source.base_dir or "."))


def _of_files(inputs: tuple[str, ...], given: dict[str, Any]) -> BarSource:
    from admf_fast.data import BarSpec, open_bars

    columns = dict(_column(text) for text in given.pop("columns", ()))
    path = inputs[0] if len(inputs) == 1 else list(inputs)
    return open_bars(BarSpec(path=path, columns=columns, **given))


def _column(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise click.BadParameter(
            f"expected NAME=COLUMN such as close=Last, found {text!r}", param_hint="--column"
        )
    return name, column
