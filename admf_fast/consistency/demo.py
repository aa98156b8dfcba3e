"""Nine faults that part research from production, each put into a live run beside its shadow."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from admf_fast.config import parse_config
from admf_fast.consistency.divergence import Divergence, DivergenceMonitor, Family
from admf_fast.consistency.metrics import ConsistencyMonitor
from admf_fast.consistency.sabotage import (
    Altered,
    Flipped,
    PlainSide,
    clock_read_as_utc,
    no_fee_on_closing,
    stop_below_entry,
    twice,
    without,
)
from admf_fast.consistency.shadow import RunnerSide, ShadowModeValidator, Side
from admf_fast.data import SynthSpec, concat_blocks, synth_blocks
from admf_fast.errors import BarError
from admf_fast.explain.stored import rows_of
from admf_fast.feeds import replay
from admf_fast.feeds.replay import Bar
from admf_fast.runners.beside import setup_again
from admf_fast.runners.live import LiveRunner, run_live
from admf_fast.runners.recorder import NoSink
from admf_fast.runners.setup import Setup, prepare

# Ten days of five-minute bars in the sessions of New York, in winter: 14:30 to 21:00 UTC.
SPEC = SynthSpec(bars=780, seed=11, timeframe="5m", session="us", symbol="DEMO")
CONFIG = """\
bars: {timeframe: 5m, stamp: close, symbol: DEMO, calendar: XNYS}
strategy: {kernel: sma_cross, params: {fast: 10, slow: 40}}
sizing: {kind: percent, percent: 50}
exits:
  stop_loss: {percent: 0.5}
  session_end: {minutes: 15}
costs: {fee_bps: 2}
"""
CUT = 300  # bars of history before the live run of the faults that come with a start
FLIPPED = "sma(40)"


class Shown(NamedTuple):
    """A fault, the bar it was put in at, and what the shadow found.

    `injected_ns` is the close of the first bar that the fault acts on, known beforehand from a
    run without it; `layer` and `fields` are where it must be found.
    """

    fault: str
    injected_ns: int | None
    family: Family
    layers: tuple[str, ...]
    bars: int
    divergence: Divergence | None
    metrics: dict[str, Any]
    others: int  # divergences besides the first, and of other families

    @property
    def right(self) -> bool:
        """Whether it was found on its bar, in its layer, and nothing else was."""
        found = self.divergence
        if self.injected_ns is None:
            return found is None and self.others == 0
        if found is None or self.others:
            return False
        named = found.family == self.family and f"{found.layer}.{found.field}" in self.layers
        return named and found.ts_ns == self.injected_ns

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = self.divergence.to_json() if self.divergence else None
        return {
            "fault": self.fault, "injected_ns": self.injected_ns, "caught": self.right,
            "bars": self.bars, "divergence": found, "metrics": self.metrics,
        }  # fmt: skip


class Fault(NamedTuple):
    """How a fault is put in: the live side it makes, and which bar and field it must show on."""

    live: Callable[["Scene"], Side]
    injected_ns: Callable[["Scene"], int]
    layers: tuple[str, ...]
    family: Family = Family.LOGIC
    features: bool = False
    after: int = 0  # bars that the shadow has taken before


class Scene:
    """The bars, the set-up, and what an honest run of them does, to know when faults act."""

    def __init__(self) -> None:
        config = parse_config(CONFIG, name="demo", format="yaml", base_dir="")
        self.setup: Setup = prepare(config)
        self.bars: list[Bar] = list(replay([concat_blocks(list(synth_blocks(SPEC)))]))
        tables = run_live(self.setup, self.bars).tables
        self.orders, self.fills, self.trades = (
            rows_of(tables[name]) for name in ("orders", "fills", "trades")
        )

    def runner(self) -> LiveRunner:
        """Return a fresh live runner."""
        return LiveRunner(self.setup, sink=NoSink())

    def time_of(self, rows: list[dict[str, Any]], after: int = CUT) -> int:
        """Return the time of the first event after some bars."""
        return next(int(r["ts"]) for r in rows if r["ts"] > self.bars[after][0])

    def shadow(self, fault: Fault) -> RunnerSide:
        """Return the shadow: made from the configuration's text, warm where history came before."""
        runner = LiveRunner(setup_again(self.setup), sink=NoSink())
        for bar in self.bars[: fault.after]:
            runner.step(*bar)
        return RunnerSide(runner)


def _late_ns(scene: Scene) -> int:
    return scene.bars[CUT][0]


FAULTS: dict[str, Fault] = {
    "one bit of the state": Fault(
        lambda s: Flipped(s.runner(), s.bars[CUT][0], FLIPPED),
        lambda s: s.bars[CUT][0],
        (f"feature.{FLIPPED}", f"state.{FLIPPED}.total"),
    ),
    "one late bar": Fault(
        lambda s: RunnerSide(s.runner()), _late_ns, ("bar.ts_ns",), Family.INPUT,
    ),
    "one dropped order": Fault(
        lambda s: Altered(s.runner(), s.time_of(s.orders), without("orders")),
        lambda s: s.time_of(s.orders),
        ("orders.rows",),
    ),
    "one duplicate fill": Fault(
        lambda s: Altered(s.runner(), s.time_of(s.fills), twice("fills")),
        lambda s: s.time_of(s.fills),
        ("fills.rows",),
    ),
    "UTC instead of exchange time": Fault(
        lambda s: RunnerSide(LiveRunner(clock_read_as_utc(s.setup), sink=NoSink())),
        lambda s: s.bars[0][0],
        ("feature.minutes_left",),
        features=True,
    ),
    "cold instead of warm indicators": Fault(
        lambda s: RunnerSide(s.runner()),
        lambda s: s.bars[CUT][0],
        ("feature.sma(10)",),
        after=CUT,
    ),
    "no commission on closing": Fault(
        lambda s: PlainSide(s.setup, {"quote": no_fee_on_closing}),
        lambda s: int(s.trades[0]["ts"]),
        ("fills.fee",),
    ),
    "a short's stop on the wrong side": Fault(
        lambda s: PlainSide(s.setup, {"place_exits": stop_below_entry}),
        lambda s: next(int(t["entry_ts"]) for t in s.trades if t["lots"] < 0),
        ("orders.stop",),
    ),
    "doubled events": Fault(
        lambda s: Altered(s.runner(), s.bars[CUT][0], twice("signals", "orders", "fills",
                                                            "trades")),
        lambda s: min(s.time_of(s.orders, CUT - 1), s.time_of(s.fills, CUT - 1)),
        ("signals.rows", "orders.rows", "fills.rows"),
    ),
}  # fmt: skip
NO_FAULT = "no fault"


def show_mismatches() -> list[Shown]:
    """Return what the shadow found: of a run without a fault, then of one for each fault."""
    scene = Scene()
    honest = Fault(lambda s: RunnerSide(s.runner()), lambda s: -1, (), features=True)
    shown = [_shown(NO_FAULT, honest, scene)]
    plain = honest._replace(live=lambda s: PlainSide(s.setup, {}))
    shown.append(_shown("no fault, in plain Python", plain, scene))
    return [*shown, *(_shown(name, fault, scene) for name, fault in FAULTS.items())]


def _shown(name: str, fault: Fault, scene: Scene) -> Shown:
    divergences, monitor = DivergenceMonitor(), ConsistencyMonitor()
    injected_ns = fault.injected_ns(scene)
    validator = ShadowModeValidator(
        fault.live(scene), scene.shadow(fault), name=name, features=fault.features,
        monitor=monitor, divergences=divergences,
    )  # fmt: skip
    bars = scene.bars[fault.after :]
    for live_bar, shadow_bar in _streams(bars, injected_ns if fault.family == Family.INPUT else -1):
        # A bar that comes late is refused: it does not follow the last one.
        try:
            validator.step_each(live_bar, shadow_bar)
        except BarError:
            continue
    found = [d for family in Family for d in divergences.of(family)]
    others = max(sum(divergences.counts.values()) - 1, 0)
    return Shown(
        name, None if injected_ns < 0 else injected_ns, fault.family, fault.layers, len(bars),
        found[0] if found else None, validator.monitor.metrics, others,
    )  # fmt: skip


def _streams(bars: list[Bar], late_ns: int) -> Iterator[tuple[Bar | None, Bar | None]]:
    """Yield the bars of both feeds; on the live one, a bar comes after the next one."""
    held: Bar | None = None
    for bar in bars:
        if bar[0] == late_ns:
            held = bar
            yield None, bar
            continue
        yield bar, bar
        if held is not None:
            yield held, None
            held = None
