"""The drivers' work in plain Python, one bar at a time: slow, and meant to be read.

This is the specification the compiled drivers are held to, bit for bit. It calls the same
kernel functions, uncompiled, and shares no generated code: how inputs are bound, when a
kernel is called, what is recorded and what the checksum covers are written out here a second
time.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from admf_kernels import layout
from admf_kernels.actions import Actions
from admf_kernels.checksum import signed, slot_of
from admf_kernels.clock import Clock
from admf_kernels.contract import (
    ADJUSTMENT,
    BAR_COLUMNS,
    Feature,
    Output,
    Strategy,
    output_of,
)
from admf_kernels.execution.bar import (
    BAD_EQUITY,
    BAD_SIGNAL,
    OK,
    close_bar,
    decide,
    open_bar,
    wanted_signal,
)
from admf_kernels.execution.log import TABLES, PlainLog
from admf_kernels.execution.metrics import Curve, mark_bar
from admf_kernels.execution.orders import places
from admf_kernels.execution.records import (
    OWN,
    SHARED,
    Bar,
    Desk,
    Exposure,
    Now,
    Order,
    Plain,
    expose,
)
from admf_kernels.execution.requests import take_requests
from admf_kernels.execution.terms import Terms
from admf_kernels.execution.uses import make_terms
from admf_kernels.numeric import is_finite
from admf_kernels.orders import keep
from admf_kernels.plain_features import (
    PlainBar,
    PlainFeatures,
    coerced,
    computed,
    held_by,
    share_of_checksum,
    unpacked,
)

if TYPE_CHECKING:
    from admf_kernels.program import Program

NEVER = 2**62


class PlainProgram(PlainFeatures):
    """A strategy with its features and execution; the plain twin of `Program`."""

    def __init__(
        self,
        strategy: Strategy,
        params: Any = None,
        terms: Terms | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        features: Iterable[Any] = (),
        hashed: bool = True,
        clock: Clock | None = None,
        actions: Actions | None = None,
    ) -> None:
        self.strategy = strategy
        self.terms = make_terms(requests=strategy.orders) if terms is None else terms
        params = strategy.checked() if params is None else params
        self.constants = strategy.prepare(params)
        self.reads = strategy.columns_for(params, adjusted=actions is not None)
        self.adjusted = ADJUSTMENT in self.reads
        self.given_actions = actions
        self.inputs = {name: output_of(o) for name, o in (inputs or {}).items()}
        self.slot = slot_of(strategy.reference)
        read = [*self.reads.values(), *self.inputs.values()]
        by_clock = self.terms.uses.sessions and self.terms.uses.clock
        self.needs = ("session", "minutes_left") if by_clock else ()
        sources = [*read, *self.needs, *features]
        super().__init__(sources, hashed=hashed, clock=clock, actions=actions)
        # Features that only the caller asked for are no part of the checksum.
        self.covered = computed(read)
        self.at_least = max((self.ready_bars[o] for o in read), default=1)
        # Unknown while the features of longer timeframes have no value yet.
        self.waits_for = [o for o in read if o in self.waiting]
        self.first_bar = NEVER if self.waits_for else self.at_least
        self.seen = 0
        self.own = layout.zeros(strategy.state)
        self.curve = Curve()
        self.records = {n: Plain(cls) for n, cls in {**SHARED, **OWN}.items()}
        self.records["wallet"].cash = self.terms.a.cash
        self.slots = [Plain(Order) for _ in range(places(self.terms.uses))]

    def _is_hashed(self, feature: Feature) -> bool:
        return self.hashed and feature in self.covered

    def _covered_on(self, timeframe: str) -> list[Feature]:
        read: list[Feature] = [
            f
            for source in (*self.reads.values(), *self.inputs.values())
            for f in held_by(source)
            if f.timeframe == timeframe
        ]
        return computed([Output(f._replace(timeframe=""), 0) for f in read])

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> PlainBar:
        """Advance by one closed bar: fill, features, strategy, order, mark."""
        checksum = self._advance(ts_ns, open, high, low, close, volume)
        self.seen += 1
        terms, log = self.terms, PlainLog()
        e = Plain(Exposure)
        desk = Desk(**self.records, now=Plain(Now), e=e, slots=self.slots, log=log)
        bar = self._bar(ts_ns, open, high, low, close, volume)
        last = self.columns["close"][-2] if self.adjusted else self.curve.last_close
        expose(e, desk.wallet, desk.q, bar.worth, last if self.seen > 1 else 0.0)
        open_bar(terms, desk, bar)
        expose(e, desk.wallet, desk.q, bar.worth, close)
        if self.first_bar == NEVER and all(not isnan(self.columns[o][-1]) for o in self.waits_for):
            self.first_bar = max(self.seen, self.at_least)
        wanted, asked = self._answer(desk)
        signal = wanted_signal(terms.a, wanted, e.equity)
        decide(terms, desk, bar, signal)
        take_requests(terms, desk, bar, asked, Plain(Order))
        close_bar(terms, desk, bar)
        equity = desk.wallet.cash + desk.q.lots * bar.worth * close
        cash = terms.a.cash
        market = self.columns[self.column_of("close")][-1] if self.adjusted else close
        self.curve = mark_bar(self.curve, cash, ts_ns, market, equity, desk.q.lots != 0.0)
        status = OK if -1.0 <= wanted <= 1.0 else BAD_SIGNAL
        own = share_of_checksum(self.slot, self.seen, self._states().values())
        return PlainBar(
            features=self._values(),
            checksum=signed(checksum + own) if self.hashed else 0,
            signal=signal,
            sequence=desk.book.bar_sequence,
            lots=int(desk.q.lots),
            cash=desk.wallet.cash,
            equity=equity,
            status=status if status or is_finite(equity) else BAD_EQUITY,
            events=_events(log),
        )

    def _bar(self, ts_ns: int, *prices: float) -> Bar:
        """Return the bar as the engine sees it."""
        uses = self.terms.uses
        extra = {n: self.columns[self.inputs[n]][-1] for n in self.inputs}
        extra |= {n: self.columns[n][-1] for n in self.needs}
        if self.given_actions is not None:
            extra |= {n: self.columns[n][-1] for n in ("split", "dividend")}
        if not (uses.sessions and uses.clock):
            extra["session"] = float((ts_ns - 1) // 86_400_000_000_000)
        return Bar(self.seen, ts_ns, *prices, self.terms.n.lot_value, **extra)

    def _answer(self, desk: Desk) -> tuple[float, Sequence[Any]]:
        """Call the strategy with what its arguments name; returns its signal and requests."""
        if self.seen < self.first_bar:
            return 0.0, (keep(),) * self.strategy.orders
        factor = self.columns[ADJUSTMENT][-1] if self.adjusted else 1.0
        values = {
            "c": self.constants,
            "s": self.own,
            "position": desk.q.lots * self.terms.n.lot_size,
            "cash": desk.wallet.cash,
            "equity": desk.e.equity,
            "entry_price": desk.q.entry_price * factor,
            **{name: self.columns[name][-1] for name in BAR_COLUMNS},
            **{n: self.columns[self.column_of(s)][-1] for n, s in self.reads.items()},
        }
        result = self.strategy.step(*(values[name] for name in self.strategy.arguments))
        if self.strategy.stateful:
            state, result = result
            self.own = coerced(self.strategy.state, state)
        if not self.strategy.orders:
            return float(result), ()
        # Prices are asked for as they are seen.
        priced = ("limit", "stop", "trail", "stop_loss", "take_profit")
        return 0.0, [r._replace(**{n: getattr(r, n) / factor for n in priced}) for r in result]

    def _states(self) -> dict[str, Any]:
        """Return the strategy's own state and the engine's, in memory order."""
        own = {self.strategy.reference: self.own} if self.strategy.stateful else {}
        found = {name: record.value for name, record in self.records.items()}
        every = {"curve": self.curve, "book": found.pop("book"), "span": found.pop("span")}
        orders = {f"order {k}": o.value for k, o in enumerate(self.slots)}
        return {**own, **every, **found, **orders}

    def state(self) -> dict[str, Any]:
        """Return the state of every kernel by label."""
        return {**super().state(), **self._states()}

    @classmethod
    def resumed(cls, program: "Program") -> "PlainProgram":
        """Return the plain twin of a compiled program, standing where that one stands."""
        extra = [Output(feature, 0) for feature in program.plan.features]
        twin = cls(
            program.strategy,
            program.params,
            program.terms,
            inputs=program.inputs,
            features=extra,
            hashed=program.hashed,
            clock=program.clock,
            actions=program.actions if program.terms.uses.actions else None,
        )
        twin.resume(program)
        return twin

    def _resume_states(self, words: layout.Words) -> layout.Words:
        words = super()._resume_states(words)
        if self.waits_for:
            self.first_bar = int(words[1])
            words = words[2:]
        self.seen = int(words[0])
        words = words[1:]
        if self.strategy.stateful:
            self.own, words = unpacked(self.strategy.state, words)
        self.curve, words = unpacked(Curve, words)
        kinds: dict[str, type] = {**SHARED, **OWN}
        for name in ("book", "span", *(n for n in kinds if n not in ("book", "span"))):
            value, words = unpacked(kinds[name], words)
            self.records[name] = Plain(kinds[name], *value)
        for k in range(len(self.slots)):
            value, words = unpacked(Order, words)
            self.slots[k] = Plain(Order, *value)
        return words


def _events(log: PlainLog) -> dict[str, list[tuple[Any, ...]]]:
    """Return the events of one bar by table, without their row numbers."""
    return {name: [tuple(row.value)[1:] for row in log.tables[name]] for name in TABLES}
