"""One seed, one world: the real guard, core, journal and recovery, and everything else made up.

The process is started, fed, killed and started again until the market closes; what is left of
it is then judged by `oracles`.
"""

from __future__ import annotations

import errno
from pathlib import Path

from admf_fast.errors import AdmfError, JournalError, StateError
from admf_fast.feeds.guard import FeedGuard
from admf_fast.journal import Journal, StateLock
from admf_fast.journal.messages import Command
from admf_fast.live.control import Signals
from admf_fast.live.core import Applied, Input
from admf_fast.live.process import LiveProcess
from admf_fast.live.run import LiveRun
from admf_fast.simulator.calls import Calls, Killed
from admf_fast.simulator.disk import UNLIMITED, SimulatedDisk
from admf_fast.simulator.feed import FarFeed, SimulatedFeed
from admf_fast.simulator.market import (
    BAR_NS,
    FIRST_NS,
    SECOND_NS,
    SYMBOL,
    deliveries,
    market_bars,
    outages,
)
from admf_fast.simulator.plan import Plan
from admf_fast.simulator.setups import setup_of
from admf_fast.simulator.timeline import Timeline, VirtualClock

FOLDER = Path("simulated/run")
START_CALLS = 60  # about as many as a restart makes: a kill hits anywhere among them
ACTIONS = ("freeze", "resume", "flatten", "resume")


class Operator(Signals):
    """A person with a hand on the process; no signal of this machine is listened to."""

    def order(self, action: str) -> None:
        """Leave a command for the process to find."""
        self.left.append(Command(action=action, origin="command", reason="simulated"))

    def __init__(self) -> None:
        super().__init__()
        self.left: list[Command] = []

    def commands(self):  # type: ignore[no-untyped-def]
        """Yield what was left."""
        while self.left:
            yield self.left.pop(0)


class World:
    """Everything there is; `run` lets it happen.

    Attributes
    ----------
    lives : int
        How often the process was started.
    counts : dict of str to int
        How often each kind of fault struck the process.
    promised : dict of int to Input
        Inputs by sequence that no crash may take back any more.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.setup = setup_of(plan.strategy, plan.live, plan.venue)
        self.calls = Calls(kill_at=plan.kill_at, fault=self._disk_fault)
        self.disk = SimulatedDisk(self.calls)
        self.timeline = Timeline(FIRST_NS)
        self.clock = VirtualClock(self.timeline, self.calls)
        self.far = FarFeed(self.timeline, as_lines=plan.as_lines)
        self.operator = Operator()
        self.bars = market_bars(plan)
        self.lives = 0
        self.items = 0
        self.counts: dict[str, int] = {}
        self.run_: LiveRun | None = None
        self.guard: FeedGuard | None = None
        self.applied: dict[int, Input] = {}
        self.promised: dict[int, Input] = {}
        self._random = plan.random("process")
        self._errors_due = 0
        self._power_lost = False
        self._acknowledged = 0
        self._schedule()

    # What will happen

    def _schedule(self) -> None:
        timeline, plan = self.timeline, self.plan
        for found in deliveries(plan, self.bars):
            self.far.plan(found)
        for start_ns, end_ns in outages(plan, self.bars):
            timeline.add(start_ns, self.far.cut)
            timeline.add(end_ns, self.far.join)
        for number, bar in enumerate(self.bars):
            timeline.add(bar[0], lambda bar=bar: self.far.close_bar(bar), -1)
            if number < plan.quiet_from:
                self._plan_faults(bar[0])
        quiet_ns = self.bars[plan.quiet_from][0] if plan.bars > plan.quiet_from else FIRST_NS
        timeline.add(quiet_ns, self._calm)
        timeline.add(self.bars[-1][0] + 2 * BAR_NS, lambda: None)

    def _plan_faults(self, ts_ns: int) -> None:
        random, rates = self._random, self.plan.rates
        strikes = {
            "kill": self._kill,
            "power": self._lose_power,
            "order": self._order,
            "io_error": self._fail_disk,
            "disk_full": self._fill_disk,
            "state_rot": self._rot_state,
            "clock_jump": self._jump,
            "clock_freeze": self._freeze,
            "pause": self._pause,
        }
        for name, strike in strikes.items():
            if random.random() < rates.get(name, 0.0):
                at_ns = ts_ns + random.randrange(BAR_NS)
                self.timeline.add(at_ns, lambda n=name, s=strike: self._strike(n, s))

    def _strike(self, name: str, strike) -> None:  # type: ignore[no-untyped-def]
        self.counts[name] = self.counts.get(name, 0) + 1
        strike()

    def _kill(self) -> None:
        self.calls.kill_at = self.calls.moment + self._random.randrange(START_CALLS)

    def _lose_power(self) -> None:
        self._power_lost = True
        self._kill()

    def _order(self) -> None:
        self.operator.order(self._random.choice(ACTIONS))

    def _fail_disk(self) -> None:
        self._errors_due = self._random.randint(1, 12)

    def _disk_fault(self, name: str, path: str) -> int:
        if self._errors_due and name in ("pwrite", "sync", "allocate", "rename"):
            self._errors_due -= 1
            return errno.EIO if self._errors_due == 0 else 0
        return 0

    def _fill_disk(self) -> None:
        self.disk.capacity_bytes = self.disk.used_bytes()
        later_ns = self.timeline.now_ns + self._random.randint(1, 8) * BAR_NS
        self.timeline.add(later_ns, self._free_disk)

    def _free_disk(self) -> None:
        self.disk.capacity_bytes = UNLIMITED

    def _rot_state(self) -> None:
        """Change a bit of the newest saved state: a start must find an older one."""
        folder = f"{FOLDER}/snapshots"
        if names := self.disk.names(folder):
            path = f"{folder}/{names[-1]}"
            self.disk.spoil(path, self._random.randrange(self.disk.size(path)), 1)

    def _jump(self) -> None:
        self.clock.wrong_ns += self._random.randint(-90, 90) * SECOND_NS

    def _freeze(self) -> None:
        self.clock.frozen_ns = self.clock.wall_ns()
        self.timeline.add(self.timeline.now_ns + 2 * BAR_NS, self._unfreeze)

    def _unfreeze(self) -> None:
        self.clock.frozen_ns = 0

    def _pause(self) -> None:
        """The machine stands still while the world goes on; everything arrives at once."""
        until_ns = self.timeline.now_ns + self._random.randrange(5 * BAR_NS)
        while self.timeline.is_due(until_ns):
            self.timeline.step()

    def _calm(self) -> None:
        """From now on nothing goes wrong."""
        self._free_disk()
        self._unfreeze()
        self.clock.wrong_ns = self._errors_due = 0
        self.calls.kill_at = self.plan.kill_at
        self.operator.order("resume")

    # The process

    def run(self) -> None:
        """Let it happen; returns when the feed has ended and the process with it."""
        while not self._live():
            self.far.hang_up()
            self._wait()

    def _live(self) -> bool:
        """Start a process; return whether it came to the end of the feed."""
        self.lives += 1
        try:
            self._serve()
        except Killed:
            self._died()
        except JournalError as error:
            self._halted(error)
        except StateError as error:
            self._halted(error)
        else:
            return True
        return False

    def _serve(self) -> None:
        with StateLock(str(FOLDER), disk=self.disk):
            self.run_ = run = LiveRun(
                FOLDER, self.setup, clock=self.clock, disk=self.disk, lineage="simulated",
                segment_bytes=self.plan.segment_bytes, on_applied=self._on_applied,
            )  # fmt: skip
            run.open()
            self._check_promises(run)
            instrument = self.setup.config.bars
            self.guard = guard = FeedGuard((instrument,), self.setup.config.feed)
            for bar in run.last_bars():
                guard.seed(
                    SYMBOL,
                    (bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume),
                )
            feed = SimulatedFeed(self.far, self.timeline, self.calls, instrument)
            feed.start(guard.last_ts_ns)
            LiveProcess(run, feed, guard, self.clock, self.operator).serve()

    def _on_applied(self, message: Input, applied: Applied) -> None:
        self.items += 1
        self.applied[applied.outcome.input_sequence] = message

    def _died(self) -> None:
        """The process was killed: all it appended stays, unless the power was lost, too."""
        journal = self._last_journal()
        if self._power_lost:
            self._keep_promises(self._acknowledged)
            self.disk.lose_power(self._random)
        else:
            self._keep_promises(journal.last_sequence if journal else self._acknowledged)
            self.disk.kill()
        self._power_lost = False
        self.calls.kill_at = -1

    def _halted(self, error: AdmfError) -> None:
        """The process refused to go on; that takes a disk that failed or is full."""
        if not (self.counts.get("io_error") or self.counts.get("disk_full")):
            raise error
        self.counts["halted"] = self.counts.get("halted", 0) + 1
        self._last_journal()
        self._keep_promises(self._acknowledged)
        self.disk.kill()

    def _last_journal(self) -> Journal | None:
        """Return the journal of the process that ended, if it came to open one."""
        journal: Journal | None = getattr(self.run_, "journal", None)
        self.run_ = None
        if journal is not None:
            self._acknowledged = max(self._acknowledged, journal.acknowledged)
        return journal

    def _keep_promises(self, kept: int) -> None:
        """Remember which inputs must be found again, up to a record."""
        self.promised |= self.applied
        self.applied.clear()
        if self._power_lost or kept == self._acknowledged:
            self.promised = {s: m for s, m in self.promised.items() if s <= kept}

    def _check_promises(self, run: LiveRun) -> None:
        """Assert that what was promised to be kept is kept."""
        first = min(self.promised, default=0)
        found = dict(run.records(first)) if self.promised else {}
        for sequence, message in self.promised.items():
            if found.get(sequence) != message:
                raise AssertionError(
                    f"record {sequence} was promised as {message}, found {found.get(sequence)}"
                )
        self.promised.clear()

    def _wait(self) -> None:
        """Let the world go on until somebody starts the process again."""
        until_ns = self.timeline.now_ns + self._random.randrange(3 * BAR_NS)
        if self.plan.kill_at >= 0:
            return
        while self.timeline.is_due(until_ns):
            self.timeline.step()
