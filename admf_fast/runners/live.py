"""The live runner: one closed bar at a time, into the same program as history."""

import math
import sys
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from admf_fast.data.spec import TS_NS_MAX
from admf_fast.errors import BarError, DataError
from admf_fast.runners.between import ARM, FOLLOW, WARM, Step
from admf_fast.runners.calls import cffi_caller
from admf_fast.runners.historical import Progress
from admf_fast.runners.recorder import Sink, event_tuples, event_words
from admf_fast.runners.result import RunResult
from admf_fast.runners.runner import Runner
from admf_fast.runners.setup import Setup
from admf_kernels.errors import KernelError

LIVE_BARS = 4096  # rows kept before they are handed to the sink
PROGRESS_BARS = 10_000
PRICE_MIN = sys.float_info.min  # below it float64 loses digits


class LiveRunner(Runner):
    """Takes one closed bar at a time.

    With `follow` a signal that is on when warm bars end is followed at the next close; else
    its next change is.
    """

    mode: ClassVar[str] = "live"

    def __init__(self, setup: Setup, *, sink: Sink | None = None, follow: bool = False) -> None:
        super().__init__(setup, sink=sink, block_bars=LIVE_BARS)
        self._armed_by = FOLLOW if follow else ARM
        self._warm = False
        program = self.program
        program.call_through(cffi_caller)
        # Writing through a memoryview takes a third less time than through the array.
        self._ts_ns: memoryview[int] = _view(program.ts_ns)
        columns: list[memoryview[float]] = [_view(program.columns[k]) for k in range(1, 6)]
        self._open, self._high, self._low, self._close, self._volume = columns
        self._checksum: memoryview[int] = _view(program.checksum)
        self._recorded = program.cursor
        self._last_ts_ns = -1
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float,
        warm: bool = False,
    ) -> Step:  # fmt: skip
        """Advance over one closed bar and return what it led to.

        Over a `warm` bar features, strategy and signal advance, but no order is made; warm
        bars come before all others.

        Raises BarError, with nothing changed, for a bar that breaks a rule or does not come
        after the last one; DataError when it led to a number that cannot be used.
        """
        if not (
            self._last_ts_ns < ts_ns <= TS_NS_MAX
            and PRICE_MIN <= low <= open <= high < math.inf
            and low <= close <= high
            and 0.0 <= volume < math.inf
        ):
            self._refuse(ts_ns, open, high, low, close, volume)
        if warm != self._warm:
            self._change_over(warm)
        program = self.program
        row = program.cursor
        if row == program.rows:
            self._record_rows()
            row = self._recorded = program.room(1)
        self._ts_ns[row] = ts_ns
        self._open[row] = open
        self._high[row] = high
        self._low[row] = low
        self._close[row] = close
        self._volume[row] = volume + 0.0  # as in files, -0.0 is 0.0
        try:
            program.advance(1)
        except KernelError as error:
            raise DataError(str(error)) from error
        self._last_ts_ns = ts_ns
        return Step(self._events(ts_ns) if program.event_count else [], self._checksum[row])

    def _change_over(self, warm: bool) -> None:
        """Begin to warm up, or end it; the account is flat then, its cash that of the start."""
        if warm and self.program.bars_seen:
            raise BarError("a warm bar: expected before all other bars; the bar was not taken")
        self._tell(WARM if warm else self._armed_by, None)
        self._warm = warm

    def _events(self, ts_ns: int) -> list[tuple[str, tuple[Any, ...]]]:
        events = event_tuples(self.program)
        self._keep_events(events, ts_ns)
        return events

    def _keep_events(self, events: list[tuple[str, tuple[Any, ...]]], ts_ns: int) -> None:
        for table, values in events:
            self._rows.setdefault(table, []).append((ts_ns, *values[1:]))

    def _refuse(self, ts_ns: int, *prices: float) -> None:
        if ts_ns > TS_NS_MAX:
            raise BarError(f"bar at ts_ns {ts_ns}: expected a time before 2262; it was not taken")
        if ts_ns <= self._last_ts_ns:
            raise BarError(
                f"bar at ts_ns {ts_ns}: expected a time after the last bar's "
                f"{self._last_ts_ns}; the bar was not taken"
            )
        names = ("open", "high", "low", "close", "volume")
        shown = ", ".join(f"{n} {v!r}" for n, v in zip(names, prices, strict=True))
        raise BarError(
            f"bar at ts_ns {ts_ns}: expected 0 < low <= open, close <= high and volume >= 0, "
            f"all finite and no price subnormal, found {shown}; the bar was not taken"
        )

    def _record_rows(self) -> None:
        self.recorder.bars(slice(self._recorded, self.program.cursor))
        self._recorded = self.program.cursor
        for table, rows in self._rows.items():
            self.recorder.event_rows(table, event_words(table, rows))
        self._rows.clear()

    def flush(self) -> None:
        """Hand everything recorded so far to the sink."""
        self._record_rows()
        super().flush()

    def restore(self, saved: bytes) -> None:
        """Continue from a saved state; the next bar must come after its last one."""
        super().restore(saved)
        self._recorded = self.program.cursor
        self._warm = "warming" in self.holds
        if self.program.bars_seen:
            self._last_ts_ns = self.program.value("curve").last_ts_ns


def _view(values: Any) -> Any:
    return memoryview(values)


Observer = Callable[[LiveRunner, int, Step], None]


def run_live(
    setup: Setup,
    bars: Iterable[tuple[int, float, float, float, float, float]],
    *,
    sink: Sink | None = None,
    observe: Observer | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Take closed bars one at a time until the feed ends, and return the result.

    `observe` is called after every bar with the runner, the bar's time and the step.
    """
    runner = LiveRunner(setup, sink=sink)
    step = runner.step
    for count, bar in enumerate(bars, 1):
        made = step(*bar)
        if observe:
            observe(runner, bar[0], made)
        if progress and count % PROGRESS_BARS == 0:
            progress(PROGRESS_BARS)
    return runner.finish()
