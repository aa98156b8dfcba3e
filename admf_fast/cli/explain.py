"""`admf explain`: why a trade was made, how it went, and that its numbers add up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.output import json_option, write_json, write_lines

if TYPE_CHECKING:
    from admf_fast.explain import StoredRun


class TradeNumber(click.ParamType[int | str]):
    """The number of a trade, or ``all``."""

    name = "N|all"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return the number, or ``all``."""
        if value == "all":
            return "all"
        if not str(value).isdecimal() or int(str(value)) == 0:
            self.fail(f"expected the number of a trade from 1 on, or all; found {value!r}")
        return int(str(value))


@click.command("explain")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("trade", metavar="[TRADE]", type=TradeNumber(), required=False)
@click.option("--denied", is_flag=True, help="List the orders that were not taken, and why.")
@click.option(
    "--base", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
    help="Where the paths of the configuration start: the folder it was in.",
)  # fmt: skip
@json_option
def command(
    folder: Path, trade: int | str | None, denied: bool, base: Path | None, as_json: bool
) -> int:
    """Explain trade number TRADE (from 1, or all) of the run directory RUN.

    Prints the bar that decided it, what the strategy read there, how the order was sized,
    every order, fill and move of a stop with the rule it followed, and the sums. For that
    the run is made again up to the trade's end; an event or a state that differs from the
    stored one ends with exit code 6.
    """
    from admf_fast.explain import open_run

    if (trade is None) != denied:
        raise click.UsageError("expected the number of a trade, all, or --denied")
    warn_without_cache()
    run = open_run(folder)
    return _denied(run, base, as_json) if trade is None else _trades(run, trade, base, as_json)


def _trades(run: StoredRun, trade: int | str, base: Path | None, as_json: bool) -> int:
    from admf_fast.explain import chain_lines, explain_trades

    chains = explain_trades(run, None if isinstance(trade, str) else [trade], base=base)
    if as_json:
        write_json({"run_id": run.manifest["run_id"], "trades": [c.to_json() for c in chains]})
        return 0
    for k, chain in enumerate(chains):
        write_lines([*([""] if k else []), *chain_lines(chain)])
    return 0


def _denied(run: StoredRun, base: Path | None, as_json: bool) -> int:
    from admf_fast.explain import refused_lines, refused_orders

    refused, missing = refused_orders(run, base=base)
    if as_json:
        orders = [r.to_json() for r in refused]
        write_json({"run_id": run.manifest["run_id"], "orders": orders, "missing": missing})
    else:
        write_lines(refused_lines(refused, missing))
    return 0
