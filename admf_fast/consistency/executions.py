"""Execution divergence: what a venue did with the orders of a run, against what a model did.

These are figures with a spread, never a fault of logic.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from admf_fast.explain.stored import rows_of

Row = dict[str, Any]
Key = tuple[Any, ...]
REFUSED = ("rejected", "denied")
BPS = 1e4
MS_NS = 1e6


class Executed(NamedTuple):
    """An order, and all its fills together; lots are signed, money is account currency."""

    symbol: str
    ts_ns: int  # when it was made
    role: str
    lots: int
    filled: int = 0
    points: float = 0.0  # sum of lots times price
    fee: float = 0.0
    last_ns: int = 0  # of its last fill
    refused: bool = False

    @property
    def price(self) -> float:
        """The mean price of its fills."""
        return self.points / self.filled if self.filled else 0.0


class Spread(NamedTuple):
    """Figures of a quantity over all matched orders."""

    mean: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    max: float = 0.0


class ExecutionDivergence(NamedTuple):
    """How a venue's fills differ from a model's, over orders that both have.

    `price_ticks` counts what the venue was worse by as positive, in ticks (in units of the price
    where no tick size is known); `delay_ms` is from the model's fill to the venue's; `fee` per
    order; `fill_ratio` is lots filled by the venue over lots filled by the model; `pnl_bps` is
    what it all cost (negative) of what the model traded.
    """

    orders: int
    only_model: int
    only_venue: int
    price_ticks: Spread
    delay_ms: Spread
    fee: Spread
    fill_ratio: float
    refused_model: int
    refused_venue: int
    pnl_bps: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        spreads = {n: getattr(self, n)._asdict() for n in ("price_ticks", "delay_ms", "fee")}
        return {**self._asdict(), **spreads}


def executed(orders: pa.Table, fills: pa.Table) -> list[Executed]:
    """Return every order of an event log with its fills, in the order they were made."""
    found: dict[tuple[str, int], Executed] = {}
    for row in rows_of(orders):
        key = row["symbol"], row["order_id"]
        if key not in found:
            found[key] = Executed(row["symbol"], row["ts"], row["role"], row["lots"])
        if row["status"] in REFUSED:
            found[key] = found[key]._replace(refused=True)
    for row in rows_of(fills):
        key = row["symbol"], row["order_id"]
        order = found.get(key) or Executed(row["symbol"], row["ts"], row["role"], row["lots"])
        found[key] = order._replace(
            filled=order.filled + row["lots"],
            points=order.points + row["lots"] * row["price"],
            fee=order.fee + row["fee"],
            last_ns=row["ts"],
        )
    return list(found.values())


def execution_divergence(
    model: Sequence[Executed], venue: Sequence[Executed], *, tick_size: float = 0.0,
    lot_value: float = 1.0,
) -> ExecutionDivergence:  # fmt: skip
    """Compare orders as a model and as a venue executed them.

    They are matched by instrument, time, role and side. `lot_value` is the account currency of
    a lot at price 1.
    """
    ours, theirs = _keyed(model), _keyed(venue)
    pairs = [(ours[key], theirs[key]) for key in ours if key in theirs]
    both = [(m, v) for m, v in pairs if m.filled and v.filled]
    worse = [_sign(m.filled) * (v.price - m.price) for m, v in both]
    cost = sum(w * abs(v.filled) for w, (_, v) in zip(worse, both, strict=True)) * lot_value
    cost += sum(v.fee - m.fee for m, v in both)
    traded = sum(abs(m.points) for m, _ in pairs) * lot_value
    modelled = sum(abs(m.filled) for m, _ in pairs)
    return ExecutionDivergence(
        orders=len(pairs),
        only_model=len(ours) - len(pairs),
        only_venue=len(theirs) - len(pairs),
        price_ticks=_spread([w / (tick_size or 1.0) for w in worse]),
        delay_ms=_spread([(v.last_ns - m.last_ns) / MS_NS for m, v in both]),
        fee=_spread([v.fee - m.fee for m, v in both]),
        fill_ratio=sum(abs(v.filled) for _, v in pairs) / modelled if modelled else 1.0,
        refused_model=sum(m.refused for m in model),
        refused_venue=sum(v.refused for v in venue),
        pnl_bps=-BPS * cost / traded if traded else 0.0,
    )


def _sign(lots: int) -> float:
    return 1.0 if lots > 0 else -1.0


def _keyed(orders: Sequence[Executed]) -> Mapping[Key, Executed]:
    """Return orders by what makes them the same in another run, numbered where that repeats."""
    seen: defaultdict[Key, int] = defaultdict(int)
    found = {}
    for order in orders:
        same = order.symbol, order.ts_ns, order.role, order.lots > 0
        found[*same, seen[same]] = order
        seen[same] += 1
    return found


def _spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread()
    p50, p95, most = np.quantile(values, (0.5, 0.95, 1.0)).tolist()
    return Spread(float(np.mean(values)), p50, p95, most)
