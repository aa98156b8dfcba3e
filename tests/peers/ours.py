"""Run our engine on what a peer was given: a configuration, bars, and columns of instructions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from admf_fast.config import parse_config
from admf_fast.data import BarBlock
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.result import RunResult
from admf_fast.runners.setup import Setup, prepare
from admf_kernels.contract import Output
from admf_kernels.plan import Node
from admf_kernels.program import Program
from tests.peers.kinds import Bars, Floats, PeerFill, PeerResult, PeerTrade

DAY_NS = 86_400_000_000_000
START_NS = 18_262 * DAY_NS  # 2020-01-01


class Given(Program):
    """A program in which columns of some features are given instead of computed."""

    def __init__(self, setup: Setup, given: Mapping[str, Floats]) -> None:
        self.given = given
        count = max(map(len, given.values()))
        super().__init__(
            setup.strategy, setup.params, setup.terms, inputs=setup.inputs, block_bars=count
        )

    def _add_indicator(self, node: Node, first: int) -> int:
        if set(node.feature.indicator.outputs) & set(self.given):
            return first + 1  # no driver; the word is its bar counter
        return super()._add_indicator(node, first)

    def feed(self, *bar: Any) -> slice:
        """Write the given columns beside the bars, and advance."""
        start, count = self.room(len(bar[0])), len(bar[0])
        for node in self.plan.nodes.values():
            for k, name in enumerate(node.feature.indicator.outputs):
                column = self.plan.column(Output(node.feature, k))
                if name in self.given:
                    seen = slice(self.bars_seen, self.bars_seen + count)
                    self.columns[column, start : start + count] = self.given[name][seen]
        return super().feed(*bar)


def setup_of(config: str) -> Setup:
    """Return the set-up of a configuration in YAML; the bars are handed over later."""
    head = "bars: {path: none.parquet, symbol: X, timeframe: 1d, stamp: open}\n"
    return prepare(parse_config(head + config, name="ours.yaml", format="yaml"))


def run(setup: Setup, bars: Bars, given: Mapping[str, Floats] | None = None) -> RunResult:
    """Run through the compiled path, bars a day apart, with columns in place of features."""
    volume = np.zeros(len(bars))
    ts_ns = START_NS + DAY_NS * np.arange(1, len(bars) + 1, dtype=np.int64)
    columns = (np.ascontiguousarray(x) for x in (bars.open, bars.high, bars.low, bars.close))
    runner = HistoricalRunner(setup, program=Given(setup, given) if given else None)
    runner.feed(BarBlock(ts_ns, *columns, volume))
    return runner.finish()


def as_peer(setup: Setup, result: RunResult, bars: Bars) -> PeerResult:
    """Return what a run came to in the shape of the peers."""
    unit = setup.terms.n.lot_size
    fills = [
        PeerFill(bar_of(f["ts"]), f["lots"] * unit, f["price"], f["fee"])
        for f in result.tables["fills"].to_pylist()
    ]
    trades = [
        PeerTrade(
            bar_of(t["entry_ts"]), bar_of(t["ts"]), t["lots"] * unit, t["entry_price"],
            t["exit_price"], t["pnl"], t["fees"],
        )
        for t in result.tables["trades"].to_pylist()
    ]  # fmt: skip
    q = result.state["q"]
    still = []
    if q.lots:
        entry = q.entry_points / q.entry_lots
        still = [
            PeerTrade(bar_of(q.entry_ts_ns), -1, q.lots * unit, entry, float(bars.close[-1]), 0, 0)
        ]
    equity = np.asarray(result.tables["equity"]["equity"], np.float64)
    return PeerResult(trades, still, equity, float(equity[-1]), fills)


def bar_of(ts: Any) -> int:
    """Return the number of the bar that closed at a time."""
    ns = ts if isinstance(ts, int) else int(ts.value)
    return (ns - START_NS) // DAY_NS - 1
