"""What a run gives back, the same for every mode."""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from admf_fast.runners.recorder import Recorder
from admf_fast.runners.setup import Setup
from admf_kernels.execution.summary import Summary, summarize
from admf_kernels.layout import pack
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
    """

    mode: str
    bars: int
    summary: Summary
    layers: dict[str, str]
    state: dict[str, Any]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    seconds: float = 0.0


def finish(
    mode: str, setup: Setup, program: TradingProgram, recorder: Recorder,
    tables: dict[str, pa.Table] | None = None,
) -> RunResult:  # fmt: skip
    """Close the recorder and return the result of a run that has seen all its bars."""
    recorder.close()
    state = program.values()
    summary = summarize(
        state["curve"],
        state["ledger"],
        setup.account.cash,
        setup.periods_per_year,
        setup.config.metrics.risk_free,
    )
    recorder.digests.update("metrics", {"summary": pack(summary)})
    return RunResult(
        mode, program.bars_seen, summary, recorder.digests.hexdigests(), state, tables or {}
    )
