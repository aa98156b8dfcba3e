"""Round trips at average cost, from fills: one for every order that reduces a position."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.peers.kinds import Floats, PeerFill, PeerTrade


@dataclass
class _Open:
    bar: int
    units: float = 0.0
    value: float = 0.0
    commission: float = 0.0


def round_trips(
    fills: Iterable[PeerFill], closes: Floats
) -> tuple[list[PeerTrade], list[PeerTrade]]:
    """Return closed and open round trips of one column; an order that turns is split by units."""
    trades: list[PeerTrade] = []
    held: _Open | None = None
    for fill in fills:
        left, commission = fill.units, fill.commission
        if held and held.units * left < 0:
            # Nearly all is all: the peer leaves no dust behind.
            whole = abs(left) > abs(held.units) * (1 - 1e-9)
            part = held.units if whole else -left
            fee = commission * min(1.0, abs(part / left))
            trades.append(_trade(held, part, fill.bar, fill.price, fee))
            kept = 1.0 - part / held.units
            held.units, held.value, held.commission = (
                x * kept for x in (held.units, held.value, held.commission)
            )
            left += part
            commission -= fee
            if whole:
                held = None
            if not whole or abs(left) <= 1e-9 * abs(fill.units):
                continue
        if held is None:
            held = _Open(fill.bar)
        held.units += left
        held.value += left * fill.price
        held.commission += commission
    still = [_trade(held, held.units, -1, float(closes[-1]), 0.0)] if held else []
    column = next(iter(fills)).column if still or trades else 0
    return [t._replace(column=column) for t in trades], [t._replace(column=column) for t in still]


def _trade(held: _Open, units: float, bar: int, price: float, fee: float) -> PeerTrade:
    entry = held.value / held.units
    paid = fee + held.commission * (units / held.units)
    return PeerTrade(held.bar, bar, units, entry, price, units * (price - entry) - paid, paid)
