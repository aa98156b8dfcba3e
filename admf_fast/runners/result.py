"""What a run gives back, the same for every mode."""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from admf_fast.metrics import Days
from admf_fast.runners.recorder import Recorder
from admf_kernels.execution.summary import Summary, summarize
from admf_kernels.layout import pack
from admf_kernels.panel_program import PanelProgram
from admf_kernels.program import TradingProgram


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome of one run.

    Attributes
    ----------
    summary : Summary
        All figures; fractions, account currency, bars.
    layers : dict of str
        One digest per layer (`runners.recorder.LAYERS`).
    state : dict
        Final state of every kernel by label.
    tables : dict of Table
        The event log; empty when it was streamed elsewhere.
    days : Days, optional
        Equity and close at the end of every session day; None after a restore, when the
        days before it are not known.
    trades : list of RecordBatch
        All closed trades, wherever the tables went.
    pnl : float
        Final equity less the cash at the start, account currency.
    """

    mode: str
    bars: int
    summary: Summary
    layers: dict[str, str]
    state: dict[str, Any]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    seconds: float = 0.0
    days: Days | None = None
    trades: list[pa.RecordBatch] = field(default_factory=list)
    pnl: float = 0.0

    @property
    def signals(self) -> pa.Table:
        """The SIGNAL events; KeyError where the tables were streamed elsewhere."""
        return self.tables["signals"]

    @property
    def orders(self) -> pa.Table:
        """The ORDER events, as `signals`."""
        return self.tables["orders"]

    @property
    def fills(self) -> pa.Table:
        """The FILL events, as `signals`."""
        return self.tables["fills"]


def finish(
    mode: str, setup: Any, program: TradingProgram | PanelProgram, recorder: Recorder,
    tables: dict[str, pa.Table] | None = None,
) -> RunResult:  # fmt: skip
    """Close the recorder and return the result of a run that has seen all its bars.

    `setup` is a Setup or a PanelSetup.
    """
    recorder.close()
    state = program.values()
    summary = summarize(
        state["curve"],
        state["sums"],
        state["ledger"],
        setup.terms.a.cash,
        setup.periods_per_year,
        setup.config.metrics.risk_free,
    )
    recorder.digests.update("metrics", {"summary": pack(summary)})
    days = recorder.closes.days()
    return RunResult(
        mode,
        program.bars_seen,
        summary,
        recorder.digests.hexdigests(),
        state,
        tables or {},
        days=days if days.bars == program.bars_seen else None,
        trades=recorder.trades,
        pnl=summary.equity_final - setup.terms.a.cash,
    )
