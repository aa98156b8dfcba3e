"""The historical runner: blocks of bars, as fast as they come."""

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from admf_fast.data import BarBlock
from admf_fast.errors import DataError
from admf_fast.runners.recorder import Sink
from admf_fast.runners.result import RunResult
from admf_fast.runners.runner import Runner
from admf_fast.runners.setup import Setup
from admf_kernels.errors import KernelError
from admf_kernels.feature_program import BLOCK_BARS

Progress = Callable[[int], None]


class HistoricalRunner(Runner):
    """Takes blocks; how the bars are cut into blocks changes nothing."""

    mode: ClassVar[str] = "backtest"

    def feed(self, block: BarBlock) -> None:
        """Advance over a block and record what happened.

        Raises DataError when a bar led to a number that cannot be used.
        """
        for _ in self.pieces(block):
            pass

    def pieces(self, block: BarBlock) -> Iterator[slice]:
        """Do what `feed` does, piece by piece: yields the program's rows of each piece."""
        for first in range(0, len(block), self.program.block_bars):
            piece = block.slice(first, first + self.program.block_bars)
            try:
                rows = self.program.feed(*piece.columns())  # type: ignore[arg-type]
            except KernelError as error:
                raise DataError(str(error)) from error
            self.recorder.events()
            self.recorder.bars(rows)
            yield rows


def run_historical(
    setup: Setup,
    blocks: Iterable[BarBlock],
    *,
    sink: Sink | None = None,
    block_bars: int = BLOCK_BARS,
    progress: Progress | None = None,
) -> RunResult:
    """Run a strategy over blocks of bars, read once and forward, and return its result.

    `progress` is called with the number of bars done since its last call.
    """
    runner = HistoricalRunner(setup, sink=sink, block_bars=block_bars)
    for block in blocks:
        runner.feed(block)
        if progress:
            progress(len(block))
    return runner.finish()
