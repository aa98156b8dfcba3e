"""What one seed stands for: which faults its world has, how often, and how cramped it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

# Rates per bar; each is part of about every other world, weaker or stronger.
FEED_FAULTS = {
    "drop": 0.03,
    "duplicate": 0.06,
    "conflict": 0.03,
    "reorder": 0.05,
    "late": 0.03,
    "in_progress": 0.2,
    "malformed": 0.03,
    "disconnect": 0.02,
    "stall": 0.02,
    "halt": 0.01,
    "crazy": 0.02,
    "gap": 0.02,
}
CLOCK_FAULTS = {"clock_jump": 0.02, "clock_freeze": 0.02, "pause": 0.02}
DISK_FAULTS = {"io_error": 0.01, "disk_full": 0.01, "state_rot": 0.02}
PROCESS_FAULTS = {"kill": 0.03, "power": 0.02, "order": 0.02}
VENUE_FAULTS = {
    "outage": 0.02,
    "unsure": 0.05,
    "lost": 0.05,
    "slow": 0.2,
    "twice": 0.1,
    "reject": 0.03,
    "parts": 0.1,
    "forgetful": 0.1,
}
FAULTS = {**FEED_FAULTS, **CLOCK_FAULTS, **DISK_FAULTS, **PROCESS_FAULTS, **VENUE_FAULTS}
QUIET_SHARE = 5  # the last of so many parts of a world has no faults
QUIET_BARS_MIN = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """A world before it happens.

    Attributes
    ----------
    seed : int
    bars : int
        That the market makes.
    rates : dict of str to float
        Of the faults in it, per bar; what is not named does not happen.
    kill_at : int
        The moment at which the process is killed besides, -1 for none; see `Calls`.
    venue : bool
        Whether orders go to a venue; else the account is a paper one.
    """

    seed: int
    bars: int
    rates: dict[str, float]
    strategy: int = 0
    segment_bytes: int = 65536
    live: int = 0
    as_lines: bool = False
    venue: bool = False
    kill_at: int = -1

    def random(self, purpose: str) -> Random:
        """Return the chance of one part of the world, which no other part draws from."""
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - chance, no secret

    def without(self, fault: str) -> Plan:
        """Return the same world without one kind of fault."""
        return replace(self, rates={k: v for k, v in self.rates.items() if k != fault})

    @property
    def quiet_from(self) -> int:
        """The bar from which on nothing goes wrong any more."""
        return max(self.bars - max(self.bars // QUIET_SHARE, QUIET_BARS_MIN), 0)


def plan_of(seed: int, bars: int, *, venue: bool | None = None) -> Plan:
    """Return the world of a seed: a random subset of all faults in random strength."""
    random = Random(f"{seed} plan")  # noqa: S311 - chance, no secret
    share = random.choice((0.0, 0.25, 0.5, 0.75, 1.0))
    rates = {
        name: rate * random.choice((0.3, 1.0, 3.0))
        for name, rate in FAULTS.items()
        if random.random() < share
    }
    to_venue = random.random() < 0.5
    return Plan(
        seed=seed,
        bars=bars,
        rates=rates,
        strategy=random.randrange(2),
        segment_bytes=random.choice((4096, 8192, 65536)),
        live=random.randrange(4),
        as_lines=random.random() < 0.3,
        venue=to_venue if venue is None else venue,
    )
