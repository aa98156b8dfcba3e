"""O08: killed at every call, to the disk and to the venue, no order is doubled and none is lost."""

import contextlib
import functools
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Intent, Report
from admf_fast.live.changes import Setups
from admf_fast.live.run import LiveRun
from admf_fast.runners.venue import with_venue
from admf_fast.simulator.calls import Calls, Killed
from admf_fast.simulator.disk import SimulatedDisk
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import GatewayLimits
from admf_kernels.execution.records import Bar
from tests.live.kit import ToldClock, bar_inputs, setup_of

FOLDER = Path("run")
BARS = bar_inputs(20, seed=3)
SEGMENT_BYTES = 16_384
LOOK_NS = 100_000_000  # at every look of the clock, so that waiting for an answer ends
LIMITS = GatewayLimits(orders_per_minute=0, send_rate=1e6, send_burst=1000, price_band=0.0)
LOOKS_MAX = 300


@functools.cache
def setups():
    setup = setup_of("live: {snapshot_every_bars: 4, sync_ms: 1000}\n")
    return Setups(with_venue(replace(setup, symbols=("X",))))


class Session:
    """A process's connection to an exchange, of which every call may be the last."""

    NAMES = (
        "account", "submit", "replace", "cancel", "query", "open_orders", "positions", "resume",
        "poll",
    )  # fmt: skip

    def __init__(self, world: "World") -> None:
        self.world, self.calls = world, world.calls

    def __getattr__(self, name: str) -> Any:
        called = getattr(self.world.exchange, name)
        if name not in self.NAMES:
            return called

        def call(*arguments: Any) -> Any:
            self.calls.before(name, "venue")
            found = called(*arguments)
            self.calls.after(name, "venue")
            return found

        return call


class World:
    """A disk and an exchange that outlive the processes."""

    def __init__(self, kill_at: int = -1, gateway_of: type[Gateway] = Gateway) -> None:
        self.gateway_of = gateway_of
        self.calls = Calls(kill_at=kill_at)
        self.disk = SimulatedDisk(self.calls)
        self.sent: list[str] = []
        self.exchange = Exchange(setups().current.terms, record=self._record)
        self.clock = ToldClock(LOOK_NS)
        self.matched = -1

    def _record(self, request: dict[str, Any]) -> None:
        if request["op"] == "submit":
            self.sent.append(request["order"]["client_id"])

    def run(self) -> LiveRun:
        """Start a process, and take every bar that was not yet taken."""
        gateway = self.gateway_of(Session(self), LIMITS)
        run = LiveRun(
            FOLDER, setups(), clock=self.clock, disk=self.disk, gateway=gateway, lineage="L",
            segment_bytes=SEGMENT_BYTES,
        )  # fmt: skip
        run.open()
        self.settle(run)
        for number, bar in enumerate(BARS):
            if number > self.matched:
                self.matched = number
                self.exchange.bar(_bar(number))
            if bar.ts_ns > run.core.last_ts_ns:
                self.settle(run)
                run.take(bar)
            self.settle(run)
        run.end("ended")
        return run

    def settle(self, run: LiveRun) -> None:
        """Poll until nothing is unsure any more, as time passes before the next bar."""
        for _ in range(LOOKS_MAX):
            run.poll()
            if run.gateway.settled:
                return
        raise AssertionError("the gateway does not settle")


def _bar(number):
    b = BARS[number]
    return Bar(number + 1, b.ts_ns, b.open, b.high, b.low, b.close, b.volume, 1.0)


def books_of(world):
    """Return what the exchange knows in the end: every order, and what is held."""
    orders = [(o.intent.client_id, o.status, o.filled) for o in world.exchange.orders.values()]
    return orders, world.exchange.held, world.exchange.cash, world.exchange.fees


class Forgetful(Gateway):
    """A gateway that sends again what it is not sure of, without asking."""

    def start(self, now_ns):
        for order in self.book.working():
            with contextlib.suppress(VenueError):
                self._floor.circuit.venue.submit(order.intent, now_ns)
        return super().start(now_ns)


@functools.cache
def undisturbed():
    world = World()
    run = world.run()
    moments = world.calls.moment
    orders = books_of(world)[0]
    assert len(orders) >= 3
    assert all(status == "filled" for _, status, _ in orders[:-1])
    return books_of(world), run.core.position_lots, moments


def test_killed_at_every_call_no_order_is_doubled_and_none_is_lost():
    expected, lots, moments = undisturbed()
    for moment in itertools.count():
        world = World(moment)
        try:
            world.run()
            break
        except Killed:
            world.calls.kill_at = -1
            world.disk.kill()
        run = world.run()
        assert len(set(world.sent)) == len(world.sent), moment
        assert books_of(world) == expected, moment
        assert run.core.position_lots == lots, moment
        _check_journal(run)
    assert moment == moments > 200


def test_a_gateway_that_sends_again_without_asking_is_caught():
    """Teeth: at a venue that has ids unique among open orders alone."""
    doubled = 0
    for moment in range(0, undisturbed()[2], 5):
        world = World(moment, Forgetful)
        with contextlib.suppress(Killed):
            world.run()
        world.calls.kill_at = -1
        world.disk.kill()
        world.exchange.faults.forget_final = True
        with contextlib.suppress(AssertionError):
            world.run()
        doubled += len(set(world.sent)) < len(world.sent)
    assert doubled > 0


class Amnesiac(Gateway):
    """A gateway that does not say which reports it has."""

    def start(self, now_ns):
        self._floor.circuit.venue.resume = lambda _: None
        return super().start(now_ns)


def test_without_resuming_a_fill_that_died_with_the_process_is_lost():
    """Teeth: between what a venue tells and the journal, a process may die with it."""
    expected, lots, moments = undisturbed()
    lost = 0
    for moment in range(0, moments, 5):
        world = World(moment, Amnesiac)
        with contextlib.suppress(Killed):
            world.run()
        world.calls.kill_at = -1
        world.disk.kill()
        try:
            lost += world.run().core.position_lots != lots or books_of(world) != expected
        except AssertionError:  # it waits for a fill that never comes
            lost += 1
    assert lost > 0


def _check_journal(run):
    """Every order that the venue has was journaled before, and every fill once."""
    messages = [message for _, message in run.records(0)]
    intents = [m.client_id for m in messages if isinstance(m, Intent) and m.action == "submit"]
    fills = [m.report_id for m in messages if isinstance(m, Report) and m.lots]
    assert len(set(intents)) == len(intents)
    assert len(set(fills)) == len(fills)
