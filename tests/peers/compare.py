"""How far two runs are apart: trade for trade, and in equity."""

from typing import NamedTuple

import numpy as np

from tests.peers.kinds import Floats, PeerTrade


class Apart(NamedTuple):
    """Trades compared, and the largest differences among them."""

    trades: int = 0
    units: float = 0.0
    price: float = 0.0  # relative
    pnl: float = 0.0  # account currency
    commission: float = 0.0
    equity: float = 0.0

    def __or__(self, other: "Apart") -> "Apart":  # type: ignore[override]
        """Return both taken together."""
        most = map(max, zip(self[1:], other[1:], strict=True))
        return Apart(self.trades + other.trades, *most)


def apart(
    ours: list[PeerTrade], theirs: list[PeerTrade], our_equity: Floats, their_equity: Floats
) -> Apart:
    """Compare; the bars of entry and exit and the count of trades must be the same."""
    bars = [[(t.entry_bar, t.exit_bar, t.column) for t in side] for side in (ours, theirs)]
    for k, (a, b) in enumerate(zip(*bars, strict=False)):
        assert a == b, f"trade {k}: {ours[k]} is not {theirs[k]}"
    assert len(ours) == len(theirs), (ours + theirs)[min(map(len, bars)) :][:1]
    a, b = (np.array([t[2:7] for t in side]).reshape(-1, 5) for side in (ours, theirs))
    off = np.abs(a - b)
    off[:, 1:3] /= np.abs(b[:, 1:3])
    units, *prices, pnl, commission = off.max(axis=0, initial=0.0).tolist()
    equity = float(np.max(np.abs(our_equity - their_equity)))
    return Apart(len(ours), units, max(prices), pnl, commission, equity)


def assert_same(found: Apart, *, units: float = 1e-8, price: float = 1e-12) -> None:
    """Trade for trade and cent for cent, which is far more than what is asked for here."""
    assert found.units <= units
    assert found.price <= price
    assert max(found.pnl, found.commission, found.equity) <= 1e-6
