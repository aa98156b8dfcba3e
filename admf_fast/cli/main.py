"""The command `admf`: its sub-commands, and one place where every error ends."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from admf_fast import __version__
from admf_fast.cli import (
    backtest,
    baseline,
    batch,
    check,
    compare,
    config,
    data,
    demo,
    explain,
    failure,
    kernels,
    live,
    parity,
    rollout,
    simulate,
    status,
    sweep,
    sweep_results,
    validation,
    verify,
)
from admf_fast.cli.output import OutputClosed, abandon

TRACEBACK = "--traceback"
TRACEBACK_VARIABLE = "ADMF_TRACEBACK"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=failure.EXIT_CODES,
)
@click.version_option(__version__, message="admf %(version)s")
@click.option(
    TRACEBACK,
    is_flag=True,
    help=f"Show where an error came from; also if {TRACEBACK_VARIABLE} is set.",
)
def admf(traceback: bool) -> None:
    """Run strategies on bars: history and live through one compiled kernel, equal bit for bit."""


for command in (
    backtest.command, live.command, status.status_command, status.control_command,
    parity.command, check.command, verify.command, compare.command, explain.command,
    baseline.command, rollout.group, sweep.command, sweep_results.top, sweep_results.heatmap,
    sweep_results.parallel, validation.walkforward, validation.kfold, validation.holdout,
    batch.command, kernels.group, data.group,
    config.group, demo.group, simulate.command,
):  # fmt: skip
    admf.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `admf` with these arguments (the process's if left out) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Both count wherever they stand, so that a usage error can follow them.
    traced = TRACEBACK in given or bool(os.environ.get(TRACEBACK_VARIABLE))
    as_json = "--json" in given
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return _run([a for a in given if a != TRACEBACK])
    except OutputClosed:
        abandon()
        return failure.CLOSED
    except (Exception, KeyboardInterrupt) as error:
        return _failed(error, traced=traced, as_json=as_json)


def _run(arguments: list[str]) -> int:
    code = admf.main(arguments, prog_name="admf", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _failed(error: BaseException, *, traced: bool, as_json: bool) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return failure.USAGE
    found = failure.failure_of(error)
    if traced:
        traceback.print_exception(error)
    try:
        failure.show(found, as_json=as_json)
    except OutputClosed:
        abandon()
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
