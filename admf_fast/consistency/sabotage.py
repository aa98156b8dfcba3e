"""Faults for demonstrations and tests, put into copies: the engine itself is never touched."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np

from admf_fast.calendars import Calendar
from admf_fast.consistency.picture import VALUES, Events, Picture
from admf_fast.consistency.shadow import RunnerSide
from admf_fast.runners.between import Step
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.recorder import EVENT_RANK
from admf_fast.runners.setup import Setup
from admf_kernels import plain
from admf_kernels.clock import Clock
from admf_kernels.codegen import run_state
from admf_kernels.contract import BAR_COLUMNS
from admf_kernels.execution.brackets import distance
from admf_kernels.execution.costs import quote
from admf_kernels.execution.orders import accept, make, order_at, stop_place
from admf_kernels.execution.reasons import GTC, STOP, STOP_LOSS
from admf_kernels.plain import PlainProgram

PACKAGE = "admf_kernels.execution"
MODULES = (
    "orders", "portfolio", "costs", "brackets", "sizing", "risk", "matching", "fills", "entries",
    "requests", "actions", "aging", "bar",
)  # fmt: skip
STAGES = ("open_bar", "decide", "take_requests", "close_bar", "heed")
DAY_NS = 86_400_000_000_000

Function = Callable[..., Any]


def engine_copy(faults: Mapping[str, Function]) -> dict[str, Function]:
    """Return the stages of a copy of the engine in which functions are replaced by name.

    The copy runs in plain Python: its functions are those of the engine, bound to each other
    anew, so that every call of a replaced one meets the fault.
    """
    modules = [importlib.import_module(f"{PACKAGE}.{name}") for name in MODULES]
    names = {module.__name__: dict(vars(module)) for module in modules}
    copies: dict[Function, Function] = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                made = FunctionType(value.__code__, names[module.__name__], name,
                                    value.__defaults__, value.__closure__)  # fmt: skip
                copies[value] = faults.get(name, made)
    for own in names.values():
        own.update({n: copies[v] for n, v in own.items() if _known(v, copies)})
    honest = vars(plain)
    return {name: copies[honest[name]] for name in STAGES}


def _known(value: object, copies: Mapping[Function, Function]) -> bool:
    return isinstance(value, FunctionType) and value in copies


class PlainSide:
    """A side in plain Python, on a copy of the engine with faults."""

    def __init__(self, setup: Setup, faults: Mapping[str, Function]) -> None:
        self._plan = setup.program(1).plan
        self.program = PlainProgram(
            setup.strategy, setup.params, setup.terms, inputs=setup.inputs, clock=setup.clock
        )
        stages = {**vars(plain), **engine_copy(faults)}
        step = FunctionType(PlainProgram.step.__code__, stages, "step")
        self._step: Function = step.__get__(self.program)
        self._bar: tuple[int, ...] = ()
        self._account: dict[str, float] = {}

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> Step:
        """Take a closed bar and return what it led to."""
        made = self._step(ts_ns, open, high, low, close, volume)
        self._bar = ts_ns, open, high, low, close, volume  # type: ignore[assignment]
        self._account = {"lots": made.lots, "cash": made.cash, "equity": made.equity}
        rows = [(table, (0, *row)) for table, found in made.events.items() for row in found]
        rows.sort(key=lambda e: (e[1][1], EVENT_RANK[e[0]]))
        return Step(rows, made.checksum)

    def picture(self) -> Picture:
        """Return what is held after the last bar."""
        state = self.program.state()
        own = [n for n in state if n in run_state.STATE or n.startswith("order ")]
        columns = self.program.columns
        return Picture(
            self._bar[0],
            dict(zip(VALUES, self._bar[1:], strict=True)),
            {
                **{name: columns[name][-1] for name in self._plan.clock_columns},
                **{str(getattr(s, "label", s)): c[-1] for s, c in columns.items()
                   if not isinstance(s, str)},
            },
            {label: value for label, value in state.items() if label not in own},
            self._account,
            {label: state[label] for label in own},
        )  # fmt: skip

    def columns(self) -> bytes:
        """Return the bytes of bar, clock and features of the last bar."""
        row = np.zeros(self._plan.column_count)
        for source, column in self.program.columns.items():
            row[self._plan.column(source)] = column[-1]
        row[:1].view(np.int64)[0] = self._bar[BAR_COLUMNS.index("ts_ns")]
        return row.tobytes()

    def last_sequence(self) -> int:
        """Return the sequence number of the last event so far."""
        return int(self.program.records["book"].sequence)


def no_fee_on_closing(t: Any, d: Any, bar: Any, lots: float, *rest: Any) -> tuple[float, float]:
    """Return price and fee of a fill; what closes a position costs nothing."""
    at, fee = quote(t, d, bar, lots, *rest)
    return at, 0.0 if d.q.lots * lots < 0.0 else fee


def stop_below_entry(t: Any, d: Any, bar: Any, stop_loss: float, take_profit: float) -> None:
    """Place the protective stop below the entry, on whichever side the position is."""
    q = d.q
    q.stop = q.entry_price - distance(t.x.stop, t.x.stop_value, q.entry_price, q.entry_atr)
    q.stop_role = STOP_LOSS
    order = order_at(d.slots, stop_place(t.uses))
    make(d, bar, order, STOP, GTC, STOP_LOSS, -q.lots)
    order.to_goal = True
    order.stop = q.stop
    accept(t, d, order)
    d.now.stop_in_reach = bar.low <= q.stop <= bar.high


class Altered(RunnerSide):
    """A live runner whose events are changed on their way out, from a bar on."""

    def __init__(self, runner: LiveRunner, from_ns: int, change: Callable[[Events], Any]) -> None:
        super().__init__(runner)
        self._from_ns, self._change = from_ns, change
        self.step = self._altered

    def _altered(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> Step:
        made = self.runner.step(ts_ns, open, high, low, close, volume)
        return made if ts_ns < self._from_ns else Step(self._change(made.events), made.checksum)


def without(table: str) -> Callable[[Events], Any]:
    """Return the change that loses the first event of a table."""

    def change(events: Events) -> Any:
        place = next((k for k, (name, _) in enumerate(events) if name == table), None)
        return [e for k, e in enumerate(events) if k != place]

    return change


def twice(*tables: str) -> Callable[[Events], Any]:
    """Return the change that tells every event of these tables twice."""

    def change(events: Events) -> Any:
        return [e for e in events for _ in range(2 if e[0] in tables else 1)]

    return change


class Flipped(RunnerSide):
    """A live runner in whose memory the last bit of a number of the state flips before a bar."""

    def __init__(self, runner: LiveRunner, at_ns: int, label: str) -> None:
        super().__init__(runner)
        self._at_ns = at_ns
        self._words = next(p.words for p in runner.program.parts if p.label == label)
        self.step = self._flipped

    def _flipped(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> Step:
        if ts_ns == self._at_ns:
            self._words[0] ^= 1
        return self.runner.step(ts_ns, open, high, low, close, volume)


def clock_read_as_utc(setup: Setup) -> Setup:
    """Return a set-up whose sessions stand on the clock of UTC where the exchange's was meant."""
    calendar = setup.calendar
    assert calendar is not None, "expected a calendar"
    right = calendar.clock
    places = np.searchsorted(right.offset_from_ns, right.open_ns, "right") - 1
    offsets = right.offset_ns[places]
    wrong = Clock(
        right.name, right.open_ns + offsets, right.close_ns + offsets, right.day,
        np.array([int(right.open_ns[0]) - DAY_NS], np.int64), np.array([0], np.int64),
    )  # fmt: skip
    made: Calendar = replace(calendar, clock=wrong)
    return replace(setup, calendar=made)
