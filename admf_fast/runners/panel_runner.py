"""Runners of several instruments: blocks of moments from history, one moment at a time live."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np

from admf_fast.data import PanelBlock
from admf_fast.errors import BarError, DataError, StateError
from admf_fast.runners.historical import Progress
from admf_fast.runners.live import PRICE_MIN
from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.recorder import MemorySink, Recorder, Sink
from admf_fast.runners.result import RunResult, finish
from admf_kernels import snapshot
from admf_kernels.environment import check_float_environment
from admf_kernels.errors import KernelError
from admf_kernels.panel_program import PanelProgram

Values = tuple[float, float, float, float, float]


class PanelRunner:
    """One strategy over several instruments; tables go to `sink`, or are kept in memory."""

    mode: ClassVar[str] = "backtest"

    def __init__(
        self, setup: PanelSetup, *, sink: Sink | None = None, block_moments: int = 0,
        program: PanelProgram | None = None,
    ) -> None:  # fmt: skip
        check_float_environment()
        self.setup = setup
        self.program = program or setup.program(block_moments)
        self._memory = None
        if sink is None:
            from admf_fast.events.schemas import PANEL_SCHEMAS

            sink = self._memory = MemorySink(PANEL_SCHEMAS)
        self.recorder = Recorder(self.program, sink, days=setup.session_days, symbols=setup.symbols)

    def feed(self, panel: PanelBlock) -> None:
        """Advance over moments and record what happened.

        Raises DataError when a bar led to a number that cannot be used.
        """
        most = self.program.block_moments
        for first in range(0, len(panel), most):
            piece = panel.slice(first, first + most) if len(panel) > most else panel
            try:
                rows = self.program.feed(
                    piece.ts_ns, [block.columns() for block in piece.blocks], piece.rows
                )
            except KernelError as error:
                raise DataError(str(error)) from error
            self.recorder.events()
            self.recorder.bars(rows)

    def save(self) -> bytes:
        """Return the whole state after the last moment as bytes."""
        return snapshot.save_panel(self.program)

    def restore(self, saved: bytes) -> None:
        """Continue from a state saved by a runner of the same configuration.

        Raises StateError if the bytes are damaged or of another one.
        """
        try:
            snapshot.restore_panel(self.program, saved)
        except KernelError as error:
            raise StateError(str(error)) from error

    def finish(self) -> RunResult:
        """Return the result of the moments seen so far."""
        self.recorder.close()
        tables = self._memory.tables() if self._memory else None
        return finish(self.mode, self.setup, self.program, self.recorder, tables)


class LivePanelRunner(PanelRunner):
    """Takes one moment at a time: the bars that closed at it."""

    mode: ClassVar[str] = "live"

    def __init__(self, setup: PanelSetup, *, sink: Sink | None = None) -> None:
        super().__init__(setup, sink=sink, block_moments=1)
        self._last_ts_ns = -1

    def restore(self, saved: bytes) -> None:
        """Continue from a saved state; the next moment must come after its last one."""
        super().restore(saved)
        if self.program.moments_seen:
            self._last_ts_ns = self.program.values()["curve"].last_ts_ns

    def step(self, ts_ns: int, bars: Mapping[int, Values]) -> None:
        """Advance over one moment; `bars` are by number of the instrument.

        Raises BarError, with nothing changed, for a moment that does not come after the last
        one, has no bar, or a bar that breaks a rule.
        """
        if ts_ns <= self._last_ts_ns:
            raise BarError(
                f"moment at ts_ns {ts_ns}: expected a time after the last one's "
                f"{self._last_ts_ns}; it was not taken"
            )
        count = len(self.setup.instruments)
        if not bars or not all(0 <= k < count for k in bars):
            raise BarError(
                f"moment at ts_ns {ts_ns}: expected bars of instruments 0 to {count - 1}, found "
                f"{sorted(bars)}; it was not taken"
            )
        for k, values in bars.items():
            _check(ts_ns, self.setup.symbols[k], values)
        blocks = []
        for k in range(count):
            times = np.array([ts_ns] if k in bars else [], np.int64)
            blocks.append((times, *(np.array([v]) for v in bars[k])) if k in bars
                          else (times, *[np.empty(0)] * 5))  # fmt: skip
        rows = np.array([[0] if k in bars else [-1] for k in range(count)], np.int64)
        try:
            moment = self.program.feed(np.array([ts_ns], np.int64), blocks, rows)
        except KernelError as error:
            raise DataError(str(error)) from error
        self._last_ts_ns = ts_ns
        self.recorder.events()
        self.recorder.bars(moment)


def _check(ts_ns: int, symbol: str, values: Values) -> None:
    open_, high, low, close, volume = values
    ordered = PRICE_MIN <= low <= open_ <= high < np.inf and low <= close <= high
    if not (ordered and 0.0 <= volume < np.inf):
        names = ("open", "high", "low", "close", "volume")
        shown = ", ".join(f"{n} {v!r}" for n, v in zip(names, values, strict=True))
        raise BarError(
            f"bar of {symbol} at ts_ns {ts_ns}: expected 0 < low <= open, close <= high and "
            f"volume >= 0, all finite, found {shown}; the moment was not taken"
        )


def run_panel(
    setup: PanelSetup, panels: Iterable[PanelBlock], *, sink: Sink | None = None,
    block_moments: int = 0, progress: Progress | None = None,
) -> RunResult:  # fmt: skip
    """Run a strategy over blocks of moments, read once and forward, and return its result."""
    runner = PanelRunner(setup, sink=sink, block_moments=block_moments)
    for panel in panels:
        runner.feed(panel)
        if progress:
            progress(panel.bars)
    return runner.finish()


def run_panel_live(
    setup: PanelSetup, moments: Iterable[tuple[int, Mapping[int, Values]]], *,
    sink: Sink | None = None, progress: Progress | None = None,
) -> RunResult:  # fmt: skip
    """Run a strategy over moments, one at a time, and return its result."""
    runner = LivePanelRunner(setup, sink=sink)
    for ts_ns, bars in moments:
        runner.step(ts_ns, bars)
        if progress:
            progress(len(bars))
    return runner.finish()
