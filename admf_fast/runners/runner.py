"""What both runners are: a program, its recorder, and the way to a result."""

from typing import Any, ClassVar

import xxhash

from admf_fast.errors import StateError, VenueError
from admf_fast.runners.between import (
    HOLDS,
    AnyReport,
    Step,
    command_news,
    refusal,
    report_news,
)
from admf_fast.runners.recorder import MemorySink, Recorder, Sink, event_tuples, event_words
from admf_fast.runners.result import RunResult, finish
from admf_fast.runners.setup import Setup
from admf_kernels import snapshot
from admf_kernels.environment import check_float_environment
from admf_kernels.errors import KernelError
from admf_kernels.execution.news import NO_NEWS, TAKEN
from admf_kernels.execution.records import News
from admf_kernels.feature_program import BLOCK_BARS
from admf_kernels.program import Program, TradingProgram


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

    def halt(self, action: str) -> Step:
        """Do at once what an operator commands: freeze, flatten or resume.

        It is part of the state, and counts from the last bar on: the same command after the
        same bar gives the same run, in every mode. Raises StateError for another word.
        """
        return self._tell(command_news(action), None)

    def report(self, report: AnyReport) -> Step:
        """Apply what a venue says of an order; one that is not ours (id 0) changes nothing.

        Raises VenueError, with nothing changed, for one that does not fit: no such working
        order, a state that may not follow, more lots than are left, or the other side.
        With `adopted` a fill is booked in any case.
        """
        if report.order_id == 0:
            return Step([], self.state_checksum)
        return self._tell(report_news(report), report)

    def _tell(self, news: News, report: AnyReport | None) -> Step:
        if not isinstance(self.program, Program):
            raise StateError("commands and reports between bars: expected a run of one instrument")
        answer = self.program.tell(news)
        if answer not in (TAKEN, NO_NEWS):
            raise VenueError(refusal(answer, report))
        ts_ns = news.ts_ns or self.program.value("curve").last_ts_ns
        events = event_tuples(self.program) if self.program.event_count else []
        self._keep_events(events, ts_ns)
        return Step(events, self.state_checksum)

    def _keep_events(self, events: list[tuple[str, tuple[Any, ...]]], ts_ns: int) -> None:
        for table, values in events:
            self.recorder.event_rows(table, event_words(table, [(ts_ns, *values[1:])]))

    @property
    def state_checksum(self) -> int:
        """A digest of the whole state now, also between bars: XXH3-64 of all its words."""
        return int(xxhash.xxh3_64_intdigest(self.program.state.data)) - (1 << 63)

    @property
    def holds(self) -> tuple[str, ...]:
        """What is in force: frozen, flat (to be kept so), warming."""
        bits = self.program.value("guard").hold
        return tuple(name for name, bit in HOLDS.items() if bits & bit)

    def finish(self) -> RunResult:
        """Return the result of the bars seen so far."""
        self.flush()
        tables = self._memory.tables() if self._memory else None
        return finish(self.mode, self.setup, self.program, self.recorder, tables)
