"""The faults that strike a world from outside, each at its time."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from random import Random

from admf_fast.simulator.calls import NEVER, Calls
from admf_fast.simulator.disk import UNLIMITED, SimulatedDisk
from admf_fast.simulator.market import BAR_NS, SECOND_NS
from admf_fast.simulator.operator import Operator
from admf_fast.simulator.plan import Plan
from admf_fast.simulator.timeline import Timeline, VirtualClock
from admf_fast.venues.exchange import Exchange, Faults

AFTERMATH_BARS = 4  # a report may come two bars late, and two looks at the books must agree
START_CALLS = 60  # about as many as a restart makes: a kill hits anywhere among them
ACTIONS = ("freeze", "resume", "flatten", "resume")
FAILING = ("pwrite", "sync", "allocate", "rename")


class Strikes:
    """What may befall the process, its machine and its venue.

    Attributes
    ----------
    counts : dict of str to int
        How often each struck.
    power_lost : bool
        Whether the kill that is due takes the power with it.
    """

    def __init__(
        self, plan: Plan, timeline: Timeline, calls: Calls, disk: SimulatedDisk,
        clock: VirtualClock, operator: Operator, exchange: Exchange, snapshots: str,
    ) -> None:  # fmt: skip
        self.counts: dict[str, int] = {}
        self.power_lost = False
        self.random: Random = plan.random("process")
        self._plan, self._timeline, self._calls = plan, timeline, calls
        self._disk, self._clock, self._operator = disk, clock, operator
        self._faults: Faults = exchange.faults
        self._snapshots = snapshots
        self._errors_due = 0
        calls.fault = self._disk_fault

    def schedule(self, ts_ns: int) -> None:
        """Decide what strikes within a bar."""
        strikes: dict[str, Callable[[], None]] = {
            "kill": self._kill,
            "power": self._lose_power,
            "order": self._order,
            "io_error": self._fail_disk,
            "disk_full": self._fill_disk,
            "state_rot": self._rot_state,
            "clock_jump": self._jump,
            "clock_freeze": self._freeze,
            "pause": self._pause,
            "outage": self._cut_venue,
            "unsure": self._time_out,
            "lost": self._mute,
            "slow": self._slow,
            "twice": self._repeat,
            "reject": self._reject,
            "parts": self._part,
            "forgetful": self._forget,
        }
        for name, strike in strikes.items():
            if self.random.random() < self._plan.rates.get(name, 0.0):
                at_ns = ts_ns + self.random.randrange(BAR_NS)
                self._timeline.add(at_ns, partial(self._strike, name, strike))

    def calm(self) -> None:
        """From now on nothing goes wrong; an operator resumes now, and when all has arrived."""
        self._free_disk()
        self._unfreeze()
        self._clock.wrong_ns = self._errors_due = 0
        self._calls.kill_at = self._plan.kill_at
        self.power_lost = False
        faults, calm = self._faults, Faults()
        for name in Faults.__dataclass_fields__:
            setattr(faults, name, getattr(calm, name))
        if self._plan.rates:
            self._operator.order("resume")
            over_ns = self._timeline.now_ns + AFTERMATH_BARS * BAR_NS
            self._timeline.add(over_ns, partial(self._operator.order, "resume"))

    def _strike(self, name: str, strike: Callable[[], None]) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
        strike()

    def _later(self, bars: int, happening: Callable[[], None]) -> None:
        at_ns = self._timeline.now_ns + self.random.randrange(bars * BAR_NS)
        self._timeline.add(at_ns, happening)

    # The process and its operator

    def _kill(self) -> None:
        self._calls.kill_at = self._calls.moment + self.random.randrange(START_CALLS)

    def _lose_power(self) -> None:
        self.power_lost = True
        self._kill()

    def killed(self) -> None:
        """The kill that was due has happened."""
        self.power_lost = False
        self._calls.kill_at = NEVER

    def _order(self) -> None:
        self._operator.order(self.random.choice(ACTIONS))

    def _pause(self) -> None:
        """The machine stands still while the world goes on; everything arrives at once."""
        self._timeline.wait(self._timeline.now_ns + self.random.randrange(5 * BAR_NS))

    # The disk

    @property
    def disk_failed(self) -> bool:
        """Whether a disk has refused anything so far, so that a process may have stopped."""
        return bool(self.counts.get("io_error") or self.counts.get("disk_full"))

    def _fail_disk(self) -> None:
        self._errors_due = self.random.randint(1, 12)

    def _disk_fault(self, name: str, path: str) -> int:
        if self._errors_due and name in FAILING:
            self._errors_due -= 1
            return 0 if self._errors_due else errno.EIO
        return 0

    def _fill_disk(self) -> None:
        self._disk.capacity_bytes = self._disk.used_bytes()
        self._later(8, self._free_disk)

    def _free_disk(self) -> None:
        self._disk.capacity_bytes = UNLIMITED

    def _rot_state(self) -> None:
        """Change a bit of the newest saved state: a start must find an older one."""
        if names := self._disk.names(self._snapshots):
            path = f"{self._snapshots}/{names[-1]}"
            if size := self._disk.size(path):  # a loss of power may have left nothing of it
                self._disk.spoil(path, self.random.randrange(size), 1)

    # The clock

    def _jump(self) -> None:
        self._clock.wrong_ns += self.random.randint(-90, 90) * SECOND_NS

    def _freeze(self) -> None:
        self._clock.frozen_ns = self._clock.wall_ns()
        self._later(2, self._unfreeze)

    def _unfreeze(self) -> None:
        self._clock.frozen_ns = 0

    # The venue

    def _cut_venue(self) -> None:
        self._faults.down = True
        self._later(4, self._join_venue)

    def _join_venue(self) -> None:
        self._faults.down = False

    def _time_out(self) -> None:
        if self.random.random() < 0.5:
            self._faults.lose_requests += 1
        else:
            self._faults.lose_acks += 1

    def _mute(self) -> None:
        self._faults.mute_reports += 1

    def _slow(self) -> None:
        self._faults.latency_ns = self.random.randrange(2 * BAR_NS)
        self._faults.reorder = self.random.random() < 0.3

    def _repeat(self) -> None:
        self._faults.duplicate += self.random.randint(1, 3)

    def _reject(self) -> None:
        self._faults.reject += 1

    def _part(self) -> None:
        self._faults.parts = self.random.randint(1, 5)

    def _forget(self) -> None:
        self._faults.forget_final = True
        self._faults.hide_open += self.random.randint(0, 2)
