"""One measured figure, and how much is measured."""

from typing import NamedTuple


class Scale(NamedTuple):
    """How much is measured."""

    bars: int
    long_bars: int  # where what is paid once a run should not count
    rounds: int  # of interleaved repetitions, of which the fastest counts
    live_bars: int
    memory_bars: tuple[int, ...]
    processes: int  # fresh ones per start-up figure


FULL = Scale(1_000_000, 5_000_000, 40, 250_000, (1_000_000, 5_000_000, 20_000_000), 7)
QUICK = Scale(20_000, 40_000, 2, 2_000, (10_000, 20_000), 1)


class Figure(NamedTuple):
    """One row of the table.

    ``goal`` is the most that ``ratio`` may be where there is a peer, else ``value``; None
    where nothing was promised. It is shown, never enforced.
    """

    group: str
    name: str
    value: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's; below 1 is faster."""
        return None if self.peer is None else self.value / self.peer
