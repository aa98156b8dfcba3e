"""What the tests of the engine share: accounts, a strategy that is told what to want, runs."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import strategies as st

from admf_fast.config import Config, parse_config
from admf_fast.data import BarBlock
from admf_fast.events import SCHEMAS
from admf_fast.feeds import replay
from admf_fast.parity.compare import Log
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.result import RunResult
from admf_fast.runners.setup import Setup
from admf_kernels import get, names
from admf_kernels.contract import Output, Strategy, output_of
from admf_kernels.execution import terms as kinds
from admf_kernels.execution.terms import Account, Instrument, Terms
from admf_kernels.execution.uses import make_terms
from admf_kernels.recording import Bars
from admf_kernels.registry import strategy
from tests.kernels.strategies import parameters

MINUTE_NS = 60_000_000_000
START_NS = 1_700_000_040_000_000_000  # on a minute


@strategy()
def follow_volume(volume: float) -> float:
    """Want what the volume says: 0 is short, 4 is flat, 8 is long."""
    return volume * 0.25 - 1.0


def config_of(text: str = "", *, kernel: str = "sma_cross", base_dir: str = "") -> Config:
    """Return a small valid configuration with more sections appended."""
    head = "bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}\n"
    head += f"strategy: {{kernel: '{kernel}'}}\n" if "strategy:" not in text else ""
    return parse_config(head + text, name="small.yaml", format="yaml", base_dir=base_dir)


def setup_of(
    kernel: str | Strategy,
    params: Any = None,
    terms: Terms | None = None,
    features: Mapping[str, Output] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Setup:
    """Return a set-up of a kernel without reading a configuration for it."""
    found = get(kernel) if isinstance(kernel, str) else kernel
    assert isinstance(found, Strategy)
    chosen = found.checked() if params is None else params
    made = make_terms(requests=found.orders) if terms is None else terms
    read = {name: output_of(feature) for name, feature in (inputs or {}).items()}
    return Setup(config_of(), found, chosen, made, read, dict(features or {}))


def block_of(bars: Bars) -> BarBlock:
    """Return bars as the block that runners take."""
    return BarBlock(*bars)


def log_of(result: RunResult) -> Log:
    """Return what a run is compared by."""
    return Log(result.tables, result.summary)


def bars_of(rows: Iterable[tuple[float, float, float]]) -> BarBlock:
    """Return valid bars a minute apart from (open, close, volume)."""
    found = np.array(list(rows), np.float64).reshape(-1, 3)
    open_, close, volume = (np.ascontiguousarray(column) for column in found.T)
    ts_ns = START_NS + MINUTE_NS * np.arange(len(found), dtype=np.int64)
    return BarBlock(ts_ns, open_, np.maximum(open_, close), np.minimum(open_, close), close, volume)


def sixteenths(low: int, high: int) -> st.SearchStrategy[float]:
    """Numbers that add and multiply without rounding: whole sixteenths."""
    return st.integers(low * 16, high * 16).map(lambda k: k / 16)


@st.composite
def exact_costs(draw: st.DrawFn) -> dict[str, float]:
    """Costs whose arithmetic is exact."""
    return {
        "fee_rate": draw(st.integers(0, 64)) / 1024,
        "fee_per_unit": draw(sixteenths(0, 1)),
        "fee_fixed": draw(sixteenths(0, 4)),
        "slippage_rate": draw(st.integers(0, 64)) / 1024,
        "slippage_amount": draw(sixteenths(0, 1)),
    }


@st.composite
def exact_terms(draw: st.DrawFn) -> Terms:
    """Terms whose arithmetic on prices in sixteenths is exact."""
    sizing = draw(st.sampled_from((kinds.FIXED, kinds.PERCENT, kinds.ALL_IN)))
    value = {kinds.FIXED: float(draw(st.integers(1, 64))), kinds.ALL_IN: 1.0}
    long_allowed, short_allowed = draw(st.sampled_from(((1, 1), (1, 0), (0, 1))))
    size = draw(st.sampled_from((0.25, 1.0, 10.0)))
    account = Account(
        cash=draw(sixteenths(1, 4096)),
        sizing=sizing,
        sizing_value=value.get(sizing, draw(st.integers(1, 16)) / 16),
        fill=draw(st.sampled_from((kinds.NEXT_OPEN, kinds.SAME_CLOSE))),
        long_allowed=bool(long_allowed),
        short_allowed=bool(short_allowed),
    )
    return make_terms(account, Instrument(lot_size=size, lot_value=size, **draw(exact_costs())))


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    """Accounts of every kind, with costs as users write them."""
    sizing = draw(st.sampled_from((kinds.FIXED, kinds.PERCENT, kinds.ALL_IN)))
    value = float(draw(st.integers(1, 10**6))) if sizing == kinds.FIXED else 1.0
    long_allowed, short_allowed = draw(st.sampled_from(((1, 1), (1, 0), (0, 1))))
    account = Account(
        cash=draw(st.sampled_from((1.0, 1e4, 1e5, 1e9))),
        sizing=sizing,
        sizing_value=draw(st.floats(0.01, 1.0)) if sizing == kinds.PERCENT else value,
        fill=draw(st.sampled_from((kinds.NEXT_OPEN, kinds.SAME_CLOSE))),
        long_allowed=bool(long_allowed),
        short_allowed=bool(short_allowed),
    )
    return make_terms(account, draw(any_instruments()))


@st.composite
def any_instruments(draw: st.DrawFn) -> Instrument:
    """Instruments with costs as users write them."""
    size = draw(st.sampled_from((1.0, 0.1, 1e-8, 100.0)))
    return Instrument(
        lot_size=size,
        lot_value=size,
        fee_rate=draw(st.sampled_from((0.0, 0.0002, 0.01))),
        fee_per_unit=draw(st.sampled_from((0.0, 0.005))),
        fee_fixed=draw(st.sampled_from((0.0, 0.35, 1.0))),
        slippage_rate=draw(st.sampled_from((0.0, 0.0001, 0.05))),
        slippage_amount=draw(st.sampled_from((0.0, 0.02))),
    )


@st.composite
def setups(draw: st.DrawFn) -> Setup:
    """Any strategy of the registry, any parameters, any account."""
    kernel = get(draw(st.sampled_from(names(Strategy))))
    return setup_of(kernel, draw(parameters(kernel)), draw(any_terms()))


def until(log: Log, ts_ns: int) -> Log:
    """Return what a log holds up to a time, that included; its figures are those of the whole."""
    ts = {name: table.column("ts").cast(pa.int64()) for name, table in log.tables.items()}
    tables = {n: t.filter(pc.less_equal(ts[n], ts_ns)) for n, t in log.tables.items()}
    return Log(tables, None)


def in_parts(setup: Setup, bars: BarBlock, cuts: Iterable[int]) -> Log:
    """Run bars in parts, blocks and live in turn, each in a new runner from saved bytes."""
    saved, results = None, []
    for k, (first, last) in enumerate(itertools.pairwise([0, *sorted(cuts), len(bars)])):
        runner = LiveRunner(setup) if k % 2 else HistoricalRunner(setup)
        if saved is not None:
            runner.restore(saved)
        if isinstance(runner, LiveRunner):
            for bar in replay([bars.slice(first, last)]):
                runner.step(*bar)
        else:
            runner.feed(bars.slice(first, last))
        saved = runner.save()
        results.append(runner.finish())
    tables = {n: pa.concat_tables([r.tables[n] for r in results]) for n in SCHEMAS}
    return Log(tables, results[-1].summary)
