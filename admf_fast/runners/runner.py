"""What both runners are: a program, its recorder, and the way to a result."""

from typing import ClassVar

from admf_fast.errors import StateError
from admf_fast.runners.recorder import MemorySink, Recorder, Sink
from admf_fast.runners.result import RunResult, finish
from admf_fast.runners.setup import Setup
from admf_kernels import snapshot
from admf_kernels.environment import check_float_environment
from admf_kernels.errors import KernelError
from admf_kernels.feature_program import BLOCK_BARS
from admf_kernels.program import TradingProgram


class Runner:
    """One strategy over one stream of bars; tables go to `sink`, or are kept in memory.

    `program` is the one to drive, where it is not simply that of `setup`.
    """

    mode: ClassVar[str] = ""

    def __init__(
        self,
        setup: Setup,
        *,
        sink: Sink | None = None,
        block_bars: int = BLOCK_BARS,
        program: TradingProgram | None = None,
    ) -> None:
        check_float_environment()
        self.setup = setup
        self.program = program or setup.program(block_bars)
        self._memory = MemorySink() if sink is None else None
        into: Sink = sink or self._memory  # type: ignore[assignment]
        self.recorder = Recorder(
            self.program, into, setup.features, setup.session_days, setup.symbols
        )

    def flush(self) -> None:
        """Hand everything recorded so far to the sink."""
        self.recorder.close()

    def save(self) -> bytes:
        """Return the whole state after the last bar as bytes."""
        return snapshot.save(self.program)

    def restore(self, saved: bytes) -> None:
        """Continue from a state saved by a runner of the same configuration.

        Raises StateError, with nothing changed, if the bytes are damaged or of another one.
        """
        try:
            snapshot.restore(self.program, saved)
        except KernelError as error:
            raise StateError(str(error)) from error

    def finish(self) -> RunResult:
        """Return the result of the bars seen so far."""
        self.flush()
        tables = self._memory.tables() if self._memory else None
        return finish(self.mode, self.setup, self.program, self.recorder, tables)
