"""Which rule of docs/execution.md gave a fill its price.

Told from the order, the bar and the price alone: of the rules that can apply, in the order
of `execution.matching`, the first whose price, after slippage, is the stored one to the bit.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from admf_fast.explain.seeing import BarRow
from admf_kernels.execution.costs import fill_price
from admf_kernels.execution.terms import SAME_CLOSE

# Names as in the table of cases of docs/execution.md.
RULES = {
    "open": "a market order fills at the open",
    "same close": "execution.fill: same_close fills market orders at the close",
    "close": "an order for the close fills at the close",
    "better open": "the bar opened beyond the limit: filled at the open, which is better",
    "limit": "the bar reached the limit: filled at the limit",
    "gap": "the bar opened beyond the stop: filled at the open",
    "stop": "the bar reached the stop: filled at the stop",
    "stop within limit": "the bar reached the stop, and its limit allows that price",
    "limit after stop": "the stop was reached, the limit after it: filled at the limit",
    "entry beyond stop": "entered beyond its own stop: left at the price of the entry",
    "stop on the entry's bar": "entered inside the bar, which also reached the stop: it counts",
    "target on the entry's bar": "entered inside the bar, which closed beyond the target",
}


class Asked(NamedTuple):
    """An order as it stood when it met a bar; prices are 0 where it has none."""

    kind: str
    lots: float
    limit: float
    stop: float
    role: str
    made_ns: int


class Ruling(NamedTuple):
    """A rule, and the price by it before slippage."""

    rule: str
    price: float


def ruling(
    asked: Asked, price: float, bar: BarRow, terms: Any, entered_at: float = 0.0
) -> Ruling | None:
    """Return the rule that filled `asked` at `price`, or None if none gives that price.

    `entered_at` is the price of a fill inside this bar that opened the position.
    """
    share = _share(terms, bar, asked.lots)
    same_close = terms.a.fill == SAME_CLOSE
    for rule, raw in _candidates(asked, bar, entered_at, same_close):
        at = fill_price(terms.n, asked.lots, raw, share)
        worse = at > asked.limit if asked.lots > 0.0 else at < asked.limit
        if (asked.limit if asked.limit > 0.0 and worse else at) == price:
            return Ruling(rule, raw)
    return None


def _share(terms: Any, bar: BarRow, lots: float) -> float:
    if not terms.uses.volume or bar.volume <= 0.0:
        return 1.0 if terms.uses.volume else 0.0
    share: float = abs(lots) * terms.n.lot_size / bar.volume
    return min(1.0, share)


def _candidates(
    asked: Asked, bar: BarRow, entered_at: float, same_close: bool
) -> Iterator[tuple[str, float]]:
    buying = asked.lots > 0.0
    if asked.kind == "market" and same_close and asked.made_ns == bar.ts_ns:
        yield "same close", bar.close
    if asked.kind in ("market", "market_on_open"):
        yield "open", bar.open
        if same_close:  # what the volume left over earlier
            yield "same close", bar.close
    elif asked.kind == "market_on_close":
        yield "close", bar.close
    elif asked.kind == "limit":
        yield from _limit(asked, bar, buying, fresh=asked.made_ns == bar.ts_ns)
    elif asked.kind == "stop_limit":
        yield from _stop_limit(asked, bar, buying)
    else:
        yield from _stop(asked, bar, buying, entered_at)


def _limit(asked: Asked, bar: BarRow, buying: bool, *, fresh: bool) -> Iterator[tuple[str, float]]:
    if (bar.open <= asked.limit) if buying else (bar.open >= asked.limit):
        yield "better open", bar.open
    beyond = (bar.close <= asked.limit) if buying else (bar.close >= asked.limit)
    yield ("target on the entry's bar" if fresh and beyond else "limit"), asked.limit


def _stop(
    asked: Asked, bar: BarRow, buying: bool, entered_at: float
) -> Iterator[tuple[str, float]]:
    fresh = asked.made_ns == bar.ts_ns and entered_at > 0.0
    if fresh and ((entered_at >= asked.stop) if buying else (entered_at <= asked.stop)):
        yield "entry beyond stop", entered_at
    if (bar.open >= asked.stop) if buying else (bar.open <= asked.stop):
        yield "gap", bar.open
    yield ("stop on the entry's bar" if fresh else "stop"), asked.stop


def _stop_limit(asked: Asked, bar: BarRow, buying: bool) -> Iterator[tuple[str, float]]:
    if (bar.open <= asked.limit) if buying else (bar.open >= asked.limit):
        gapped = (bar.open >= asked.stop) if buying else (bar.open <= asked.stop)
        yield ("gap" if gapped else "better open"), bar.open
    if (asked.stop <= asked.limit) if buying else (asked.stop >= asked.limit):
        yield "stop within limit", asked.stop
    yield "limit after stop", asked.limit


def both_reached(asked: Asked, others: list[Asked], bar: BarRow, both_hit: str) -> str:
    """Return what is to be said where a bar reached stop and target alike, else nothing."""
    mine = asked.role == "take_profit"
    for other in others:
        if (other.role == "take_profit") == mine:
            continue
        price = other.limit if other.kind == "limit" else other.stop
        if price > 0.0 and bar.low <= price <= bar.high:
            what = "stop" if mine else "target"
            return f"the bar also reached the {what} {price!r}; execution.both_hit: {both_hit}"
    return ""
