"""What the worlds run: a few strategies, each operated in a few ways; made once per process."""

from __future__ import annotations

import functools
from dataclasses import fields, replace

import msgspec

from admf_fast.config import FeedSpec, parse_config
from admf_fast.config.live import LiveSpec
from admf_fast.live.changes import Setups
from admf_fast.runners.setup import Setup, prepare
from admf_fast.runners.venue import with_venue
from admf_fast.venues.limits import GatewayLimits
from admf_kernels.program import Program

BARS = "bars: {path: simulated.parquet, symbol: X, timeframe: 1m, stamp: close}\n"
STRATEGIES = (
    BARS
    + """\
strategy: {kernel: sma_cross, params: {fast: 2, slow: 5}}
account: {cash: 100000}
costs: {fee_bps: 2, slippage_bps: 1}
""",
    BARS
    + """\
instrument: {tick_size: 0.01}
strategy: {kernel: sma_cross, params: {fast: 2, slow: 6}}
exits:
  stop_loss: {atr: 2}
  take_profit: [{atr: 2, part: 50}, {atr: 6, part: 50}]
  break_even: {atr: 1.5}
  trailing_stop: {atr: 3, start: 2}
  memory: none
sizing: {kind: risk, percent: 1, most_percent: 100}
costs: {fee_per_share: 0.005, fee_minimum: 1, slippage_bps: 1, spread_ticks: 1}
""",
)
# Tiny and large: every bar saved and synced, or hardly ever.
LIVE = (
    LiveSpec(snapshot_every_bars=1, sync_ms=0, status_ms=3_600_000),
    LiveSpec(snapshot_every_bars=7, sync_ms=1000, status_ms=3_600_000),
    LiveSpec(snapshot_every_bars=50, sync_ms=600_000, status_ms=3_600_000),
    LiveSpec(snapshot_every_bars=1000, sync_ms=60_000, status_ms=3_600_000),
)
FEED = FeedSpec(malformed_per_minute=1000)
LIMITS = GatewayLimits(position_lots=1500, orders_per_minute=30)


BLOCK_BARS = 32


class CrampedSetup(Setup):
    """A set-up whose programs have room for few bars: cheap to make, and full all the time."""

    __slots__ = ()

    def program(self, block_bars: int = BLOCK_BARS) -> Program:
        """Return a fresh program."""
        return Setup.program(self, min(block_bars, BLOCK_BARS))


@functools.cache
def _prepared(strategy: int) -> Setup:
    text = STRATEGIES[strategy]
    return prepare(parse_config(text, name=f"simulated-{strategy}", format="yaml"))


@functools.cache
def setup_of(strategy: int, live: int, venue: bool) -> Setup:
    """Return a strategy, operated in one way, with a paper account or a venue."""
    setup = _prepared(strategy)
    spec = msgspec.structs.replace(LIVE[live], mode="live" if venue else "paper")
    config = msgspec.structs.replace(setup.config, live=spec, feed=FEED)
    made = replace(setup, config=config)
    return _cramped(with_venue(made) if venue else made)


@functools.cache
def setups_of(strategy: int, live: int, venue: bool) -> Setups:
    """Return what `LiveRun` takes of it; the digests of all code are found once."""
    return Setups(setup_of(strategy, live, venue))


def _cramped(setup: Setup) -> CrampedSetup:
    return CrampedSetup(**{field.name: getattr(setup, field.name) for field in fields(setup)})
