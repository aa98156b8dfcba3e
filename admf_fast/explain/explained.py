"""Trades and refused orders of a run directory, explained."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from admf_fast.errors import ConfigError
from admf_fast.explain.chain import Chain, Log, Parts, chain_of
from admf_fast.explain.rerun import BarRow, Found, Seen, find, look_again
from admf_fast.explain.stored import Row, StoredRun
from admf_fast.explain.sums import require_sum
from admf_fast.report.relations import Around, relation
from admf_fast.runners.terms import account_of, entry_of, exits_of, instrument_of, limits_of
from admf_kernels.execution.terms import Terms
from admf_kernels.execution.uses import make_terms

NO_BARS = (
    "the bars of the run were not found ({path}), so there are no bars, features, sizes or moves "
    "of stops here; name the folder that the path starts at with --base"
)
IN_MEMORY = (
    "the run was made of bars in memory, so there are no bars, features, sizes or moves of stops "
    "here"
)


class Refused(NamedTuple):
    """An order that was not taken, with the relation it broke."""

    event: Row
    relation: str
    bar: BarRow | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**self._asdict(), "bar": self.bar._asdict() if self.bar else None}


def explain_trades(
    run: StoredRun, numbers: Iterable[int] | None = None, *, base: Path | None = None
) -> list[Chain]:
    """Return the chains of trades, numbered from 1 as in trades.parquet; of all if left out.

    Raises ConfigError for a number without a trade, DataError or StateError where bars or
    code are not those of the run, DivergenceError where numbers do not add up or a re-run
    gives something else.
    """
    trades = run.events["trades"]
    wanted = list(range(1, len(trades) + 1) if numbers is None else numbers)
    for number in wanted:
        if not 1 <= number <= len(trades):
            there = f"trades 1 to {len(trades)}" if trades else "no trades"
            raise ConfigError(f"expected the number of a trade; found {number}, there are {there}")
    logs = {s: Log(run, s, plain_terms(run, s).n.lot_value) for s in _symbols(trades, wanted)}
    chosen = [logs[trades[n - 1]["symbol"]].parts(n, trades[n - 1]) for n in wanted]
    for parts in chosen:
        require_sum(parts.number, parts.trade, parts.made)
    found = find(run, base)
    seen = _seen(run, found, chosen)
    equity = run.bars_at({p.decided_ns for p in chosen})
    missing = [] if found else [_why_not(run)]
    return [
        chain_of(
            run, logs[p.trade["symbol"]], p, _terms(run, found, p.trade["symbol"]), seen, equity,
            missing,
        )
        for p in chosen
    ]  # fmt: skip


def refused_orders(run: StoredRun, *, base: Path | None = None) -> tuple[list[Refused], list[str]]:
    """Return the orders that were denied or rejected, and what could not be told of them."""
    events = [o for o in run.events["orders"] if o["status"] in ("denied", "rejected")]
    times = {o["ts"] for o in events}
    found = find(run, base)
    seen = look_again(run, found, times, []) if found else Seen()
    after = run.bars_at(times)
    logs = {s: Log(run, s, 1.0) for s in dict.fromkeys(o["symbol"] for o in events)}
    refused = []
    for event in events:
        bar, symbol = seen.bars.get(event["ts"]), event["symbol"]
        around = Around(
            bar.close if bar else math.nan,
            after[event["ts"]]["equity"],
            float(logs[symbol].held_before(event["sequence"])),
        )
        text = relation(event, _terms(run, found, symbol), around)
        refused.append(Refused(event, text, bar))
    return refused, [] if found else [_why_not(run)]


def _why_not(run: StoredRun) -> str:
    path = run.config.bars.path
    return NO_BARS.format(path=path) if path else IN_MEMORY


def _symbols(trades: list[Row], numbers: list[int]) -> list[str]:
    return list(dict.fromkeys(trades[n - 1]["symbol"] for n in numbers))


def _terms(run: StoredRun, found: Found | None, symbol: str) -> Terms:
    return found.setup.terms if found else plain_terms(run, symbol)


def plain_terms(run: StoredRun, symbol: str) -> Terms:
    """Return the terms of a run as far as they need none of its own modules."""
    config, instrument = run.config, run.instrument(symbol)
    return make_terms(
        account_of(config, instrument),
        instrument_of(config, instrument),
        entry_of(config, instrument),
        exits_of(config, instrument),
        limits_of(config, instrument),
        requests=int(any(o["role"] == "request" for o in run.events["orders"])),
    )


def _seen(run: StoredRun, found: Found | None, chosen: list[Parts]) -> Seen | None:
    if not found:
        return None
    wanted = {ts for p in chosen for ts in p.times} | {p.decided_ns for p in chosen}
    windows = [(p.decided_ns, p.trade["ts"]) for p in chosen]
    return look_again(run, found, wanted, windows)
