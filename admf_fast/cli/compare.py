"""`admf compare`: two runs, the first layer in which they differ, why, and the money of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.failure import diverged
from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.report import align, values

if TYPE_CHECKING:
    from admf_fast.consistency import Comparison

CAUSES_SHOWN = 12


@click.command("compare")
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write everything, the trades side by side too, as one HTML file.",
)  # fmt: skip
@click.option(
    "--base", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
    help="Where the paths of the configurations start, to look into bars and states.",
)  # fmt: skip
@json_option
def command(first: Path, second: Path, html: Path | None, base: Path | None, as_json: bool) -> int:
    """Compare the run directories A and B: live and backtest, two versions, two machines.

    Names the first layer that differs, in the order data, config, code, feature, state, signals,
    orders, fills, trades, pnl, with the inputs that differ; matches the trades; and takes the
    difference in profit apart into entry prices, exit prices, quantities, fees and trades that
    only one run has.

    Runs of the same inputs must be equal: if they are not, it ends with exit code 6. Runs of
    other inputs end with 0, however they differ.
    """
    from admf_fast.consistency import compare

    warn_without_cache()
    found = compare(first, second, base=base)
    if html:
        _write_page(html, found)
    if as_json:
        write_json(found.to_json())
    else:
        write_lines(_lines(found))
    if found.identical or any(c.layer in ("data", "config", "code") for c in found.causes):
        return 0
    return diverged(found.first_divergence or f"layer {found.first_layer}")


def _write_page(path: Path, found: Comparison) -> None:
    from admf_fast.atomic import atomic_file
    from admf_fast.consistency.page import page_of

    with atomic_file(path) as temporary:
        temporary.write_text(page_of(found), encoding="utf-8")


def _lines(c: Comparison) -> list[str]:
    rows = [("", "first", "second")]
    for label, name in (("folder", "folder"), ("mode", "mode"), ("bars", "bars"),
                        ("trades", "trades"), ("profit [ccy]", "profit")):  # fmt: skip
        first, second = (_shown(getattr(info, name)) for info in (c.first, c.second))
        rows.append((label, first, second))
    return [
        *align(rows), "",
        *align([("layer", "", "first difference"), *_layers(c)]), "",
        *_causes(c),
        *_money(c),
        *(f"Note: {note}" for note in c.notes),
        "Identical in everything that was recorded." if c.identical
        else f"Different, first in {c.first_layer}.",
    ]  # fmt: skip


def _shown(value: object) -> str:
    return values.number(value) if isinstance(value, float) else str(value)


def _layers(c: Comparison) -> list[tuple[str, str, str]]:
    found = []
    for layer in c.layers:
        said = {True: "same", False: "DIFFERS", None: values.NONE}[layer.identical]
        d = layer.first
        where = f"bar {d.bar}, {d.field}: {' against '.join(d.shown)}" if d else ""
        found.append((layer.name, said, "; ".join(t for t in (where, layer.note) if t)))
    return found


def _causes(c: Comparison) -> list[str]:
    if not c.causes:
        return []
    shown = c.causes[:CAUSES_SHOWN]
    rows = [("input that differs", "", "first", "second")]
    rows += [(x.layer, x.field, x.first, x.second) for x in shown]
    more = len(c.causes) - len(shown)
    return [*align(rows), *([f"and {more} more (--json)"] if more else []), ""]


def _money(c: Comparison) -> list[str]:
    if not c.money.total and not any(c.money):
        return []
    rows = [(name.replace("_", " "), values.number(v)) for name, v in c.money.to_json().items()]
    same = sum(pair.same for pair in c.pairs)
    trades = f"{values.count(len(c.pairs))} trades side by side, {values.count(same)} equal"
    return [f"Profit of the second less the first [ccy]; {trades}", *align(rows, "lr"), ""]
