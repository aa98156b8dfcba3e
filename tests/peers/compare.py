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
    worst = off.max(axis=0, initial=0.0)
    equity = float(np.max(np.abs(our_equity - their_equity)))
    return Apart(len(ours), worst[0], worst[1:3].max(), worst[3], worst[4], equity)
