"""Standard output and standard error: plain text, one JSON object, or one line an event."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from admf_fast.errors import StateError
from admf_fast.report.clean import clean

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


class OutputClosed(Exception):  # noqa: N818 - no error: the reader has seen enough
    """Whoever read standard output has gone."""


def write(text: str) -> None:
    """Write a line (or more) to standard output now, made safe for a terminal."""
    _write(clean(text))


def write_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output."""
    write("\n".join(lines))


def write_json(value: Any) -> None:
    """Write the one object of a ``--json`` command; figures without a meaning are null."""
    _write(json.dumps(plain(value), allow_nan=False, indent=1))


def write_event(value: dict[str, Any]) -> None:
    """Write one event as one line of JSON, at once."""
    _write(json.dumps(plain(value), allow_nan=False, separators=(",", ":")))


def note(text: str) -> None:
    """Write a line to standard error, where it is in nobody's way."""
    click.echo(clean(text), err=True)


def plain(value: Any) -> Any:
    """Return `value` with tuples as lists, and null for what JSON has no number for."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _write(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputClosed from None
    except OSError as error:
        abandon()
        raise StateError(
            f"standard output: cannot be written: {error.strerror}; write elsewhere"
        ) from error


def abandon() -> None:
    """Send what standard output still holds to nowhere, so that the process ends quietly."""
    with contextlib.suppress(OSError, ValueError):  # no file at all under a test
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
