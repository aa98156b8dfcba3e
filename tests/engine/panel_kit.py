"""What the tests of several instruments share: strategies, accounts, bars, runs in parts."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from admf_fast.data import BarBlock, PanelBlock, concat_panels, merge_blocks
from admf_fast.events.schemas import PANEL_SCHEMAS
from admf_fast.feeds import replay_panel
from admf_fast.parity.compare import Log
from admf_fast.runners.panel_runner import LivePanelRunner, PanelRunner, run_panel
from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.result import RunResult
from admf_kernels.contract import Strategy, on, output_of
from admf_kernels.execution import reasons
from admf_kernels.execution import terms as kinds
from admf_kernels.execution.terms import Account, Entry, Exits, Instrument, Limits, Terms
from admf_kernels.execution.uses import make_terms
from admf_kernels.indicators import atr, shift, sma
from admf_kernels.numeric import nan
from admf_kernels.orders import limit, stop
from admf_kernels.panel_program import Instruments, Rotation
from admf_kernels.registry import get, strategy
from tests.engine.kit import START_NS, config_of, follow_volume

MINUTE_NS = 60_000_000_000
STEPS_NS = tuple(MINUTE_NS * minutes for minutes in (1, 7 * 60, 24 * 60, 3 * 24 * 60))
LEVELS = (0.0, 2.0, 4.0, 4.0, 6.0, 8.0)  # of volume: short to long for `follow_volume`
INPUTS = {"atr": atr(3), "atr_before": shift(1, of=atr(3))}


@strategy(features=lambda p: {"fast": sma(2), "slow": on("5m", sma(2))})
def above_longer(fast: float, slow: float) -> float:
    """Want what is above its average on a longer timeframe."""
    return 1.0 if fast > slow else -0.5


@strategy()
def by_volume(volume: float) -> float:
    """A score of any size; none where there is no volume."""
    return 1000.0 / volume if volume > 0.0 else nan


@strategy(orders=2)
def own_orders(close: float, position: float, volume: float) -> Any:
    """Orders at two prices, of a size that depends on what is held."""
    size = 4.0 if position <= 0.0 else -4.0
    return limit(size, close * 0.99 if size > 0.0 else close * 1.01), stop(volume, close * 1.02)


def _plain(draw: st.DrawFn) -> Terms:
    return make_terms(_account(draw), _instrument(draw))


def _brackets(draw: st.DrawFn) -> Terms:
    exits = Exits(
        stop=1, stop_value=draw(st.sampled_from((0.01, 0.05))), target=3, target_1=1.0,
        target_2=2.0, part_1=0.5, part_2=0.3, trail=1, trail_value=0.03, max_bars=9.0,
    )  # fmt: skip
    entry = Entry(kind=reasons.LIMIT, unit=1, limit=draw(st.sampled_from((-0.01, 0.002))), bars=3.0)
    account = _account(draw)._replace(participation=draw(st.sampled_from((0.2, 0.5))))
    return make_terms(account, _instrument(draw)._replace(ticks=100.0), entry, exits)


def _limits(draw: st.DrawFn) -> Terms:
    account = _account(draw)._replace(
        leverage=2.0, maintenance=0.3, interest_rate=0.05, fill=kinds.SAME_CLOSE
    )
    limits = Limits(
        gross=draw(st.sampled_from((0.7, 1.5))), sector=draw(st.sampled_from((0.5, 1.0))),
        drawdown=draw(st.sampled_from((0.05, 0.3))), day_orders=9.0,
    )  # fmt: skip
    return make_terms(
        account, _instrument(draw)._replace(borrow_rate=0.1), Entry(), Exits(), limits
    )


def _own(draw: st.DrawFn) -> Terms:
    return make_terms(_account(draw), _instrument(draw), requests=2)


ACCOUNTS = {"plain": _plain, "brackets": _brackets, "limits": _limits}


def _account(draw: st.DrawFn) -> Account:
    sizing = draw(st.sampled_from((kinds.FIXED, kinds.PERCENT, kinds.ALL_IN)))
    value = {kinds.FIXED: 20.0, kinds.PERCENT: 0.4, kinds.ALL_IN: 1.0}[sizing]
    cash = draw(st.sampled_from((1e3, 1e5)))
    return Account(cash=cash, sizing=sizing, sizing_value=value)


def _instrument(draw: st.DrawFn) -> Instrument:
    return Instrument(
        lot_value=draw(st.sampled_from((1.0, 2.5))),
        fee_rate=draw(st.sampled_from((0.0, 0.001))),
        fee_fixed=draw(st.sampled_from((0.0, 1.0))),
        slippage_rate=draw(st.sampled_from((0.0, 0.0005))),
    )


def setup_of(
    kernel: str | Strategy, terms: Sequence[Terms], *, rotation: Rotation | None = None,
    fx: Sequence[int] = (), sectors: Sequence[int] = (),
) -> PanelSetup:  # fmt: skip
    """Return a set-up of one instrument per terms, called A, B, C and so on."""
    found = get(kernel) if isinstance(kernel, str) else kernel
    assert isinstance(found, Strategy)
    needs = any(t.uses.atr for t in terms)
    inputs = {name: output_of(f) for name, f in INPUTS.items()} if needs else {}
    legs = [
        Instruments("ABCDEFGH"[k], t, inputs, None, fx[k] if fx else -1, (sectors or range(9))[k])
        for k, t in enumerate(terms)
    ]
    return PanelSetup(config_of(), found, found.checked(), tuple(legs), rotation)


@st.composite
def setups(draw: st.DrawFn, *, accounts: Sequence[str] = (*ACCOUNTS, "own")) -> PanelSetup:
    """One to four instruments of one account; with rotation, another currency, sectors."""
    count = draw(st.integers(1, 4))
    name = draw(st.sampled_from(accounts))
    make = ACCOUNTS.get(name, _own)
    first = make(draw)
    terms = [first, *(_like(first, make(draw)) for _ in range(count - 1))]
    rotates = name == "plain" and draw(st.booleans())
    kernels = {"plain": (follow_volume, above_longer), "own": (own_orders,)}
    kernel = by_volume if rotates else draw(st.sampled_from(kernels.get(name, (follow_volume,))))
    return setup_of(
        kernel,
        terms,
        rotation=draw(rotations()) if rotates else None,
        fx=[-1, *(draw(st.sampled_from((-1, -1, 0))) for _ in range(count - 1))],
        sectors=[draw(st.integers(0, 1)) for _ in range(count)],
    )


def _like(first: Terms, other: Terms) -> Terms:
    """Return the other terms with what all instruments of a run have in common."""
    return other._replace(a=first.a, r=first.r)


@st.composite
def rotations(draw: st.DrawFn) -> Rotation:
    """Any rotation."""
    hold = draw(st.integers(0, 3))
    short = draw(st.integers(0 if hold else 1, 2))
    return Rotation(hold, short, draw(st.integers(0, 3)), draw(st.integers(1, 5)))


@st.composite
def panels(draw: st.DrawFn, count: int, *, min_moments: int = 1, whole: bool = False) -> PanelBlock:
    """Bars of `count` instruments, some of them missing unless `whole`."""
    moments = draw(st.integers(min_moments, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ts_ns = START_NS + draw(st.sampled_from(STEPS_NS)) * np.arange(1, moments + 1)
    there = rng.random((count, moments)) < (1.0 if whole else draw(st.sampled_from((1.0, 0.7))))
    there[0] |= ~there.any(axis=0)
    return panel_of([random_block(rng, ts_ns[there[k]]) for k in range(count)])


def random_block(rng: np.random.Generator, ts_ns: Any) -> BarBlock:
    """Return bars at these times whose volume is one of `LEVELS`."""
    count = len(ts_ns)
    close = np.round(50.0 * np.exp(np.cumsum(0.03 * rng.standard_normal(count))), 2) + 1.0
    open_ = np.round(np.concatenate([close[:1], close[:-1]]) * rng.choice([1.0, 1.02], count), 2)
    high = np.maximum(open_, close) * rng.choice([1.0, 1.03], count)
    low = np.minimum(open_, close) * rng.choice([1.0, 0.97], count)
    # Wanted a while, so that there is something to hold.
    wanted = np.repeat(rng.choice(LEVELS, count), rng.integers(1, 9, count))[:count]
    return BarBlock(np.ascontiguousarray(ts_ns), open_, high, low, close, wanted)


def panel_of(blocks: Sequence[BarBlock]) -> PanelBlock:
    """Return bars of several instruments side by side."""
    return concat_panels(list(merge_blocks([iter([block]) for block in blocks])))


def bars_at(moments: Sequence[int], prices: Sequence[float], volumes: Sequence[float]) -> BarBlock:
    """Return bars without range at minutes, each with its price and volume."""
    ts_ns = START_NS + MINUTE_NS * np.array(moments, np.int64)
    price = np.array(prices, np.float64)
    return BarBlock(
        ts_ns, price, price.copy(), price.copy(), price.copy(), np.array(volumes, float)
    )


def log_of(result: RunResult) -> Log:
    """Return what a run is compared by."""
    return Log(result.tables, result.summary)


def run_of(setup: PanelSetup, panel: PanelBlock) -> Log:
    """Return the log of a run in one block."""
    return log_of(run_panel(setup, [panel]))


def in_parts(setup: PanelSetup, panel: PanelBlock, cuts: Iterable[int]) -> Log:
    """Run moments in parts, blocks and live in turn, each in a new runner from saved bytes."""
    saved, results = None, []
    for k, (first, last) in enumerate(itertools.pairwise([0, *sorted(cuts), len(panel)])):
        runner = LivePanelRunner(setup) if k % 2 else PanelRunner(setup)
        if saved is not None:
            runner.restore(saved)
        part = panel.slice(first, last)
        if isinstance(runner, LivePanelRunner):
            for ts_ns, bars in replay_panel([part]):
                runner.step(ts_ns, bars)
        else:
            runner.feed(part)
        saved = runner.save()
        results.append(runner.finish())
    tables = {n: pa.concat_tables([r.tables[n] for r in results]) for n in PANEL_SCHEMAS}
    return Log(tables, results[-1].summary)
