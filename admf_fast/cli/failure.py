"""From an exception to one clear line on standard error and an exit code."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import click

from admf_fast.cli.output import note, write_json
from admf_fast.errors import AdmfError, DivergenceError

UNEXPECTED = 1
USAGE = 2
INTERRUPTED = 130
PREFIX = "admf: error: "
CLOSED = 141  # as a process that a closed pipe has ended

EXIT_CODES = """\b
Exit codes:
  0    done
  1    an unexpected error
  2    the command line, the configuration or a kernel's parameters
  3    the bars
  4    a run directory, saved state or the output cannot be read or written
  5    an order that could not be handled
  6    two runs that must be equal differ, or a check failed
  130  interrupted by Ctrl-C
  141  the reader of the output has gone
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, in the words of the user."""

    kind: str
    message: str
    exit_code: int


def failure_of(error: BaseException) -> Failure:
    """Return what an exception means to a user."""
    kind = type(error).__name__
    if isinstance(error, AdmfError):
        return Failure(kind, str(error), error.exit_code)
    if _is_kernel_error(error):
        return Failure(kind, str(error), USAGE)
    if isinstance(error, click.UsageError):
        return Failure("UsageError", _usage_text(error), USAGE)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Failure("Interrupted", "interrupted", INTERRUPTED)
    return Failure(kind, _unexpected_text(error), UNEXPECTED)


def show(failure: Failure, *, as_json: bool) -> None:
    """Print a failure: on standard error, and with ``--json`` as the one object as well.

    Several problems at once are a line each, below one another.
    """
    note(PREFIX + failure.message.strip().replace("\n", "\n" + " " * len(PREFIX)))
    if as_json:
        write_json(
            {
                "error": {
                    "kind": failure.kind,
                    "message": failure.message,
                    "exit_code": failure.exit_code,
                }
            }
        )


def diverged(difference: object) -> int:
    """Say on standard error that runs differ, after the result itself; return the exit code."""
    show(failure_of(DivergenceError(str(difference))), as_json=False)
    return DivergenceError.exit_code


def _is_kernel_error(error: BaseException) -> bool:
    # A kernel's error can only come from a package that is loaded; --help never loads it.
    module = sys.modules.get("admf_kernels.errors")
    return module is not None and isinstance(error, module.KernelError)


def _usage_text(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx else "admf"
    return f"{error.format_message()} Try '{command} --help'."


def _unexpected_text(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = " ".join(str(error).split())
    return (
        f"unexpected {type(error).__name__}{where}{': ' if said else ''}{said}; "
        "run again with --traceback, and report its output with the configuration"
    )
