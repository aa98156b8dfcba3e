"""Several instruments with one account, as `vectorbt` shares cash: our panel, told what to do."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import parse_config
from admf_fast.data import BarBlock, merge_blocks
from admf_fast.runners.panel_runner import PanelRunner
from admf_fast.runners.panel_setup import prepare_panel
from admf_kernels.codegen.panel_layout import LEG
from admf_kernels.contract import Output
from admf_kernels.panel_program import PanelProgram
from tests.peers.cases_vectorbt import OrderCase, SignalCase
from tests.peers.kinds import Bars, Floats, PeerFill, PeerResult
from tests.peers.model_vectorbt import Model
from tests.peers.ours import DAY_NS, START_NS, bar_of
from tests.peers.round_trips import round_trips
from tests.peers.told import SIGNALS
from tests.peers.vectorbt_rules import Rules

DUST = 1e-8  # units; the peer orders no less, we spend what rounding left of the cash


class GivenPanel(PanelProgram):
    """A panel in which columns of some features are given instead of computed."""

    given: Sequence[dict[str, Floats]] = ()

    nothing = np.zeros(4, np.int64)  # the table of a program that has no drivers

    def _advance(self, count: int, rows: NDArray[np.int64]) -> None:
        """Write the given columns over those computed, and advance over what there is then."""
        self._leg_tables[:, LEG.index("program")] = self.nothing.ctypes.data
        for leg, given in zip(self.legs, self.given, strict=True):
            first = leg.bars_seen
            made = leg.advance(count)
            for node in leg.plan.nodes.values():
                for k, name in enumerate(node.feature.indicator.outputs):
                    if name in given:
                        column = leg.plan.column(Output(node.feature, k))
                        leg.columns[column, made] = given[name][first : first + count]
            leg.cursor, leg.bars_seen = made.start, first
        super()._advance(count, rows)


def run(bars: list[Bars], config: str, given: Sequence[dict[str, Floats]]) -> PeerResult:
    """Run one account over all columns, bars a day apart, every column with a bar each day.

    `config` has no instruments; its line `instrument:` is that of each.
    """
    lines = config.splitlines()
    own = next(line for line in lines if line.startswith("instrument:"))
    more = own.partition("{")[2]
    symbols = [f"C{k}" for k in range(len(bars))]
    where = "{path: none.parquet, timeframe: 1d, stamp: open}"
    legs = [f"  - {{symbol: {s}, bars: {where}, {more}" for s in symbols]
    text = "\n".join([*(line for line in lines if line != own), "instruments:", *legs])
    setup = prepare_panel(parse_config(text, name="ours.yaml", format="yaml"))
    program = GivenPanel(setup.strategy, setup.params, setup.instruments, block_moments=4096)
    program.given = given
    runner = PanelRunner(setup, program=program)
    for panel in merge_blocks([iter([_block(b)]) for b in bars]):
        runner.feed(panel)
    tables = runner.finish().tables
    unit = setup.terms.n.lot_size
    fills = [
        PeerFill(
            bar_of(f["ts"]), f["lots"] * unit, f["price"], f["fee"], symbols.index(f["symbol"])
        )
        for f in tables["fills"].to_pylist()
        if abs(f["lots"] * unit) >= DUST
    ]
    trades = []
    for k, b in enumerate(bars):
        trades += round_trips([f for f in fills if f.column == k], b.close)[0]
    equity = np.asarray(tables["equity"]["equity"], np.float64)
    return PeerResult(trades, [], equity, float(equity[-1]), fills)


def _block(bars: Bars) -> BarBlock:
    ts_ns = START_NS + DAY_NS * np.arange(1, len(bars) + 1, dtype=np.int64)
    prices = (np.ascontiguousarray(x) for x in (bars.open, bars.high, bars.low, bars.close))
    return BarBlock(ts_ns, *prices, np.zeros(len(bars)))


def leave_out_signals(case: SignalCase) -> Counter[str]:
    """Drop, in place, signals that run into a difference of sharing cash; return how many."""
    flags = [getattr(case.signals, name) for name in SIGNALS]
    out: Counter[str] = Counter()
    for entry in (case.signals.long_entry, case.signals.short_entry):
        again = entry[1:] & entry[:-1]
        out["refused entry told again at once"] += int(again.sum())
        entry[1:][again] = False
    if case.rules.call_seq == "auto":
        later = _not_first(np.any(flags, axis=0))
        out["sales first"] += int(later.sum())
        for flag in flags:
            flag[later] = False
    while (at := _uncovered(case)) is not None:
        out["shorts that cannot be covered"] += 1
        for flag in flags:
            flag[at] = False
    return +out


def leave_out_orders(case: OrderCase) -> tuple[OrderCase, Counter[str]]:
    """Return the case without orders that run into a difference of sharing cash, and how many."""
    sizes, out = case.sizes.copy(), Counter[str]()
    if case.rules.call_seq == "auto":
        later = _not_first(~np.isnan(sizes))
        out["sales first"] += int(later.sum())
        sizes[later] = np.nan
    case = replace(case, sizes=sizes)
    while (at := _uncovered(case)) is not None:
        out["shorts that cannot be covered"] += 1
        sizes[at] = np.nan
    return case, +out


def _not_first(told: np.ndarray) -> np.ndarray:
    """Return what is told after something of an earlier column in the same bar."""
    return told & (np.cumsum(told, axis=1) > 1)


def _uncovered(case: SignalCase | OrderCase) -> tuple[int, int] | None:
    """Return bar and column of the first purchase that the peer cuts while the column is short."""
    model = Model(case.bars, case.rules)
    signals = isinstance(case, SignalCase)
    result = model.run_signals(case.signals) if signals else model.run_orders(case.sizes)
    filled = np.zeros((len(case.bars[0]), len(case.bars)))
    for f in result.fills:
        filled[f.bar, f.column] = f.units
    before = np.cumsum(filled, axis=0) - filled
    if signals:
        buy, leave, short, cover = (getattr(case.signals, name) for name in SIGNALS)
        wanted = np.where((buy & ~leave & ~(short & ~cover)) | (cover & ~short), np.inf, 0.0)
    else:
        wanted = _units(case.sizes, before, result.equity, case.bars, case.rules)
    cut = filled < np.minimum(wanted, -before) - DUST
    found = np.argwhere((before < -DUST) & cut)
    return (int(found[0, 0]), int(found[0, 1])) if len(found) else None


def _units(sizes: Floats, before: Floats, equity: Floats, bars: list[Bars], rules: Rules) -> Floats:
    """Return the units that orders ask for."""
    if rules.size_type == "targetpercent":  # without costs, orders leave equity as it is
        closes = np.column_stack([b.close for b in bars])
        sizes = sizes * equity[:, None] / closes - before
    return np.nan_to_num(sizes)
