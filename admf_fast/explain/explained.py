"""Trades and refused orders of a run directory, explained."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from admf_fast.config import instruments_of
from admf_fast.errors import ConfigError
from admf_fast.explain.again import Again
from admf_fast.explain.chain import Chain, Log, Parts, chain_of
from admf_fast.explain.seeing import BarRow, Seen
from admf_fast.explain.stored import Row, StoredRun
from admf_fast.explain.sums import require_sum
from admf_fast.report.relations import Around, relation

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
    again = Again(run, base)
    symbols = dict.fromkeys(trades[n - 1]["symbol"] for n in wanted)
    logs = {s: Log(run, s, again.worth_of(s)) for s in symbols}
    chosen = [logs[trades[n - 1]["symbol"]].parts(n, trades[n - 1]) for n in wanted]
    for parts in chosen:
        require_sum(parts.number, parts.trade, parts.made)
    seen = _seen(again, chosen)
    equity = run.bars_at({p.decided_ns for p in chosen})
    missing = [] if again.found else [_why_not(run)]
    return [
        chain_of(run, logs[symbol], p, again.terms(symbol), seen, equity, missing)
        for p in chosen
        for symbol in (p.trade["symbol"],)
    ]


def refused_orders(run: StoredRun, *, base: Path | None = None) -> tuple[list[Refused], list[str]]:
    """Return the orders that were denied or rejected, and what could not be told of them."""
    events = [o for o in run.events["orders"] if o["status"] in ("denied", "rejected")]
    times = {o["ts"] for o in events}
    again = Again(run, base)
    seen = again.look(times, []) if again.found else {}
    after = run.bars_at(times)
    logs = {s: Log(run, s, lambda *_: 1.0) for s in dict.fromkeys(o["symbol"] for o in events)}
    refused = []
    for event in events:
        symbol, ts_ns = event["symbol"], event["ts"]
        own = seen.get(symbol, Seen())
        bar = own.bars.get(ts_ns)
        around = Around(
            bar.close if bar else math.nan,
            after[ts_ns]["equity"],
            float(logs[symbol].held_before(event["sequence"])),
            own.exposures.get(ts_ns) if run.config.instruments else None,
            own.worths.get(ts_ns, math.nan),
        )
        refused.append(Refused(event, relation(event, again.terms(symbol), around), bar))
    return refused, [] if again.found else [_why_not(run)]


def _why_not(run: StoredRun) -> str:
    paths = [str(spec.bars.path) for spec in instruments_of(run.config) if spec.bars.path]
    return NO_BARS.format(path=", ".join(paths)) if paths else IN_MEMORY


def _seen(again: Again, chosen: list[Parts]) -> dict[str, Seen] | None:
    if not again.found:
        return None
    wanted = {ts for p in chosen for ts in p.times} | {p.decided_ns for p in chosen}
    return again.look(wanted, [(p.decided_ns, p.trade["ts"]) for p in chosen])
