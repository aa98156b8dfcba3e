"""`admf demo`: what the product promises, shown on bars of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from admf_fast.cli.failure import diverged
from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.report import align, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admf_fast.consistency.demo import Shown


HEADS = ("fault", "put in at", "caught at", "family", "layer", "field", "expected", "found")


@click.group("demo")
def group() -> None:
    """Show what is promised, on bars that are made on the spot."""


@group.command("mismatches")
@json_option
def mismatches(as_json: bool) -> int:
    """Put nine faults into live runs, and let the shadow beside each find and name it.

    The faults are those that part research from production: a last bit, a late bar, a dropped
    order, a fill counted twice, UTC for exchange time, cold indicators, a commission forgotten
    on closing, a short's stop on the wrong side, doubled events. Each is put in for real, on
    the bar it says; the shadow knows nothing of it. A run without a fault is shown first.

    Ends with 0 only if every fault, and nothing else, was found on its bar; else with 6.
    """
    from admf_fast.consistency.demo import show_mismatches

    shown = show_mismatches()
    if as_json:
        write_json({"caught": all(s.right for s in shown), "faults": [s.to_json() for s in shown]})
    else:
        write_lines(_lines(shown))
    missed = [s.fault for s in shown if not s.right]
    return diverged(f"not found as it was put in: {', '.join(missed)}") if missed else 0


def _lines(shown: Sequence[Shown]) -> list[str]:
    rows = [HEADS, *(_row(s) for s in shown)]
    right = sum(s.right for s in shown)
    bars = values.count(sum(s.bars for s in shown))
    return [*align(rows), "", f"{right} of {len(shown)} as they must be, over {bars} bars."]


def _row(s: Shown) -> tuple[str, ...]:
    at = values.NONE if s.injected_ns is None else values.time(s.injected_ns)
    d = s.divergence
    if d is None:
        return (s.fault, at, values.NONE, *[""] * 5)
    caught = values.time(d.ts_ns)
    return (s.fault, at, caught, str(d.family), d.layer, d.field, *d.shown)
