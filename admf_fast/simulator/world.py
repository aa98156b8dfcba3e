"""One seed, one world: the real guard, core, journal and recovery, and everything else made up.

The process is started, fed, killed and started again until the market closes; what is left of
it is then judged by `oracles`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from admf_fast.errors import AdmfError, StateError, VenueError
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.replay import Bar
from admf_fast.journal import Journal, StateLock
from admf_fast.live.core import Applied, Input
from admf_fast.live.process import LiveProcess
from admf_fast.live.run import LiveRun
from admf_fast.simulator.calls import Calls, Killed
from admf_fast.simulator.disk import SimulatedDisk
from admf_fast.simulator.feed import FarFeed, SimulatedFeed
from admf_fast.simulator.market import (
    BAR_NS,
    FIRST_NS,
    SYMBOL,
    deliveries,
    market_bars,
    outages,
)
from admf_fast.simulator.operator import Operator
from admf_fast.simulator.plan import Plan
from admf_fast.simulator.setups import LIMITS, setups_of
from admf_fast.simulator.strikes import Strikes
from admf_fast.simulator.timeline import Timeline, VirtualClock
from admf_fast.simulator.venue import FarVenue
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.gateway import Gateway
from admf_kernels.execution.records import Bar as MarketBar

FOLDER = Path("simulated/run")
LIVES_PER_BAR = 2
AFTER_BARS = 2  # for which the world goes on after the last one, for what is late to arrive


class BrokenPromiseError(AssertionError):
    """The process lost what it had promised to keep."""


class NeverEndingError(AssertionError):
    """The process does not come up again, though nothing is wrong any more."""


class World:
    """Everything there is; `run` lets it happen.

    Attributes
    ----------
    lives : int
        How often the process was started.
    inputs : int
        How many the process took, in all its lives.
    promised : dict of int to Input
        Inputs by sequence that no crash may take back any more.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.setups = setups_of(plan.strategy, plan.live, plan.venue)
        self.calls = Calls(kill_at=plan.kill_at)
        self.disk = SimulatedDisk(self.calls)
        self.timeline = Timeline(FIRST_NS)
        self.clock = VirtualClock(self.timeline)
        self.far = FarFeed(self.timeline, as_lines=plan.as_lines)
        self.exchange = Exchange(self.setups.current.terms)
        self.venue = FarVenue(self.exchange, self.timeline, self.calls)
        self.operator = Operator()
        self.strikes = Strikes(
            plan, self.timeline, self.calls, self.disk, self.clock, self.operator, self.exchange,
            f"{FOLDER}/snapshots",
        )  # fmt: skip
        self.bars = market_bars(plan)
        self.lives = self.inputs = 0
        self.last_error = ""
        self.promised: dict[int, Input] = {}
        self.gateway: Gateway | None = None
        self.process: LiveRun | None = None
        self._applied: dict[int, Input] = {}
        self._acknowledged = 0
        self._schedule()

    @property
    def happenings(self) -> int:
        """How much has happened: of the timeline, of the feed, and of the process."""
        return self.timeline.count + self.far.delivered + self.inputs

    def _schedule(self) -> None:
        timeline, plan = self.timeline, self.plan
        for found in deliveries(plan, self.bars):
            self.far.plan(found)
        for start_ns, end_ns in outages(plan, self.bars):
            timeline.add(start_ns, self.far.cut)
            timeline.add(end_ns, self.far.join)
        for number, bar in enumerate(self.bars):
            timeline.add(bar[0], partial(self._close_bar, bar), -1)
            if number < plan.quiet_from:
                self.strikes.schedule(bar[0])
        quiet = min(plan.quiet_from, plan.bars - 1)
        timeline.add(self.bars[quiet][0], self.strikes.calm)
        for half in range(2 * AFTER_BARS):
            timeline.add(self.bars[-1][0] + half * BAR_NS // 2, lambda: None)

    def _close_bar(self, bar: Bar) -> None:
        """The market has made a bar: the exchange fills what it met."""
        self.far.close_bar(bar)
        if self.plan.venue:
            ts_ns, opened, high, low, close, volume = bar
            worth = self.setups.current.terms.n.lot_value
            self.exchange.bar(
                MarketBar(
                    ts_ns=ts_ns, open=opened, high=high, low=low, close=close, volume=volume,
                    worth=worth,
                )
            )  # fmt: skip

    def run(self) -> None:
        """Let it happen; returns when the feed has ended and the process with it."""
        while not self._live():
            if self.lives > LIVES_PER_BAR * self.plan.bars:
                raise NeverEndingError(f"started {self.lives} times: {self.last_error}")
            self.far.hang_up()
            self._wait()

    def _live(self) -> bool:
        """Start a process; return whether it came to the end of the feed."""
        self.lives += 1
        try:
            with StateLock(str(FOLDER), disk=self.disk):
                self._serve()
        except Killed:
            self._died()
        except StateError as error:
            if not self.strikes.disk_failed:
                raise
            self._halted(error)
        except VenueError as error:
            if not self.strikes.counts.get("outage"):
                raise
            self._halted(error)
        else:
            return True
        return False

    def _serve(self) -> None:
        config = self.setups.current.config
        self.gateway = Gateway(self.venue, LIMITS) if self.plan.venue else None
        self.process = run = LiveRun(
            FOLDER, self.setups, clock=self.clock, disk=self.disk, gateway=self.gateway,
            lineage="simulated", segment_bytes=self.plan.segment_bytes, on_applied=self._note,
        )  # fmt: skip
        run.open()
        self._check_promises(run)
        guard = FeedGuard((config.bars,), config.feed)
        for bar in run.last_bars():
            guard.seed(SYMBOL, (bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume))
        feed = SimulatedFeed(self.far, self.timeline, self.calls, config.bars)
        LiveProcess(run, feed, guard, self.clock, self.operator).serve()

    def _note(self, message: Input, applied: Applied) -> None:
        self.inputs += 1
        self._applied[applied.outcome.input_sequence] = message

    def _died(self) -> None:
        """The process was killed: all it appended stays, unless the power was lost, too."""
        journal = self._last_journal()
        if self.strikes.power_lost:
            self._promise(self._acknowledged)
            self.disk.lose_power(self.strikes.random)
        else:
            self._promise(journal.last_sequence if journal else None)
            self.disk.kill()
        self.strikes.killed()

    def _halted(self, error: AdmfError) -> None:
        """The process refused to go on: its disk failed or is full, or no venue answers."""
        self.last_error = str(error)
        self.strikes.counts["halted"] = self.strikes.counts.get("halted", 0) + 1
        self._last_journal()
        self._promise(self._acknowledged)
        self.disk.kill()

    def _last_journal(self) -> Journal | None:
        """Return the journal of the process that ended, if it came to open one."""
        journal: Journal | None = getattr(self.process, "journal", None)
        self.process = None
        if journal is not None:
            self._acknowledged = max(self._acknowledged, journal.acknowledged)
        return journal

    def _promise(self, kept: int | None) -> None:
        """Remember which inputs must be found again: those up to a record, None for all."""
        self.promised |= self._applied
        self._applied.clear()
        if kept is not None:
            self.promised = {s: m for s, m in self.promised.items() if s <= kept}

    def _check_promises(self, run: LiveRun) -> None:
        found = dict(run.records(min(self.promised, default=0))) if self.promised else {}
        for sequence, message in self.promised.items():
            if found.get(sequence) != message:
                raise BrokenPromiseError(
                    f"record {sequence} was to be kept: expected {message}, "
                    f"found {found.get(sequence)}"
                )
        self.promised.clear()

    def _wait(self) -> None:
        """Let the world go on until somebody starts the process again."""
        if self.plan.kill_at >= 0:
            return  # at once: what is compared with an undisturbed world must see the same
        self.timeline.wait(self.timeline.now_ns + self.strikes.random.randrange(3 * BAR_NS))
