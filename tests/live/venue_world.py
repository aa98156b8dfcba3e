"""A disk and an exchange that outlive the processes of a run; what tests of restarts share."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from admf_fast.journal.messages import AnyMessage
from admf_fast.live.changes import Setups
from admf_fast.live.clock import WALL_NS_MIN
from admf_fast.live.run import LiveRun
from admf_fast.runners.venue import with_venue
from admf_fast.simulator.disk import SimulatedDisk
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import GatewayLimits
from admf_kernels.execution.records import Bar
from tests.live.kit import bar_inputs, setup_of

FOLDER = Path("run")
BARS = bar_inputs(40, seed=11)
FREE = GatewayLimits(orders_per_minute=0, price_band=0.0, rejects_in_row=0, send_rate=0.0)
SECOND_NS = 1_000_000_000


class TwoClocks:
    """A wall clock and a steady one, each moved by the test alone."""

    def __init__(self) -> None:
        self.wall = WALL_NS_MIN
        self.steady = SECOND_NS

    def wall_ns(self) -> int:
        return self.wall

    def steady_ns(self) -> int:
        return self.steady

    def pass_s(self, seconds: float) -> None:
        self.wall += round(seconds * SECOND_NS)
        self.steady += round(seconds * SECOND_NS)


@functools.cache
def venue_setups(live: str = "live: {snapshot_every_bars: 1000, sync_ms: 0}\n") -> Setups:
    return Setups(with_venue(replace(setup_of(live), symbols=("X",))))


class VenueWorld:
    """Starts processes, each of which trades so many of the bars, and kills them."""

    def __init__(
        self, limits: GatewayLimits = FREE, setups: Setups | None = None,
        make: Callable[..., Gateway] = Gateway,
    ) -> None:  # fmt: skip
        self.limits, self.setups, self.make = limits, setups or venue_setups(), make
        self.disk = SimulatedDisk()
        self.exchange = Exchange(self.setups.current.terms)
        self.clock = TwoClocks()
        self.run: LiveRun
        self.matched = 0
        self.bar_s = 60.0

    def start(self, **more: Any) -> LiveRun:
        gateway = self.make(self.exchange, self.limits)
        self.run = LiveRun(
            FOLDER, self.setups, clock=self.clock, disk=self.disk, gateway=gateway, lineage="L",
            **more,
        )  # fmt: skip
        self.run.open()
        return self.run

    def kill(self) -> None:
        self.disk.kill()

    def trade(self, until: int) -> None:
        """Take the next bars, up to a number, each matched by the exchange before."""
        for bar in BARS[self.matched : until]:
            self.matched += 1
            self.clock.pass_s(self.bar_s)
            values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
            self.exchange.bar(Bar(self.matched, bar.ts_ns, *values, 1.0))
            self.settle()
            self.run.take(bar)
        self.settle()

    def settle(self) -> None:
        for _ in range(200):
            self.run.poll()
            if self.run.gateway.settled:
                return
            self.clock.pass_s(0.5)
        raise AssertionError("the gateway does not settle")

    def told(self, kind: type) -> list[Any]:
        return [m for m in self.messages if isinstance(m, kind)]

    @property
    def messages(self) -> list[AnyMessage]:
        return [message for _, message in self.run.records(0)]
