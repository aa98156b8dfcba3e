"""`admf check`: look-ahead, warm-up, determinism and degenerate results, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.failure import diverged
from admf_fast.cli.output import json_option, note, write_json, write_lines
from admf_fast.cli.progress import watched
from admf_fast.report import align

if TYPE_CHECKING:
    from admf_fast.checks import Finding, Report

SUBJECT_MAX = 40  # characters in the table; --json has all


@click.command("check")
@click.argument("path", metavar="CONFIG")
@click.option("--strict", is_flag=True, help="Let warnings fail as well.")
@json_option
def command(path: str, strict: bool, as_json: bool) -> int:
    """Look at CONFIG before it goes into production.

    \b
    look-ahead   every bar computed again without any later one in memory; the bars as their
                 source gave them at earlier moments
    warm-up      per indicator: after how many bars of history the bits agree, and which
                 signals a short history changes
    determinism  all ways of running; other processes, hash seeds, threads, blocks
    degenerate   no signals, always in the market, parameters that change nothing, sets that do
                 the same, a regime that never changes

    What must not be fails, with exit code 6; what may be meant so is a warning.
    """
    from admf_fast import checks
    from admf_fast.config import load_config

    warn_without_cache()
    config = load_config(path)
    report = checks.check(config, begun=_say if watched() and not as_json else None)
    failed = not report.passed or (strict and bool(report.having("warning")))
    if as_json:
        write_json({**report.to_json(), "strict": strict, "failed": failed})
    else:
        write_lines(_lines(report))
    return diverged(_reason(report)) if failed else 0


def _reason(report: Report) -> str:
    """Return what made the command fail, in one line."""
    found = [*report.having("failed"), *report.having("warning")]
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{first.check}: {first.subject}: {first.text}{more}"


def _say(name: str) -> None:
    note(f"admf: {name} ...")


def _lines(report: Report) -> list[str]:
    table = align([["check", "of", "result", "finding"], *map(_row, report.findings)])
    return [*table, "", _verdict(report)]


def _row(finding: Finding) -> list[str]:
    shown = finding.status.upper() if finding.status in ("failed", "warning") else finding.status
    name = finding.subject
    name = name if len(name) <= SUBJECT_MAX else name[: SUBJECT_MAX - 3] + "..."
    return [finding.check, name, shown, finding.text]


def _verdict(report: Report) -> str:
    failed, warned = len(report.having("failed")), len(report.having("warning"))
    counts = f"{failed} failed, {warned} to look at, on {report.bars:,} {report.unit}"
    return f"{report.name}: {'passed' if report.passed else 'FAILED'}: {counts}"
