"""A strategy in plain Python: what it and the engine read of one instrument, and its answer."""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

from admf_kernels import layout
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.contract import (
    ADJUSTMENT,
    BAR_COLUMNS,
    Feature,
    Output,
    Strategy,
    output_of,
)
from admf_kernels.execution.log import TABLES, PlainLog
from admf_kernels.execution.orders import places
from admf_kernels.execution.records import (
    Bar,
    Desk,
    Order,
    Plain,
)
from admf_kernels.execution.terms import Terms
from admf_kernels.orders import keep
from admf_kernels.plain_features import (
    PlainFeatures,
    coerced,
    computed,
    held_by,
)

NEVER = 2**62


class PlainReading(PlainFeatures):
    """A strategy with what it and the engine read of one instrument."""

    def __init__(
        self,
        strategy: Strategy,
        params: Any,
        terms: Terms,
        *,
        inputs: Mapping[str, Any] | None = None,
        features: Iterable[Any] = (),
        hashed: bool = True,
        clock: Clock | None = None,
        actions: Actions | None = None,
    ) -> None:
        self.strategy = strategy
        self.terms = terms
        params = strategy.checked() if params is None else params
        self.constants = strategy.prepare(params)
        self.reads = strategy.columns_for(params, adjusted=actions is not None)
        self.adjusted = ADJUSTMENT in self.reads
        self.given_actions = actions
        self.inputs = {name: output_of(o) for name, o in (inputs or {}).items()}
        read = [*self.reads.values(), *self.inputs.values()]
        by_clock = terms.uses.sessions and terms.uses.clock
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
        self.slots = [Plain(Order) for _ in range(places(terms.uses))]

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

    def bar(self, worth: float, ts_ns: int, *prices: float) -> Bar:
        """Return the bar as the engine sees it."""
        uses = self.terms.uses
        extra = {n: self.columns[self.inputs[n]][-1] for n in self.inputs}
        extra |= {n: self.columns[n][-1] for n in self.needs}
        if self.given_actions is not None:
            extra |= {n: self.columns[n][-1] for n in ("split", "dividend")}
        if not (uses.sessions and uses.clock):
            extra["session"] = float((ts_ns - 1) // 86_400_000_000_000)
        open_, high, low, close, volume = prices
        return Bar(self.seen, ts_ns, open_, high, low, close, volume, worth, **extra)

    def answer(self, desk: Desk, none: float = 0.0) -> tuple[float, Sequence[Any]]:
        """Call the strategy with what its arguments name; returns its signal and requests.

        `none` is its signal before all it reads is valid.
        """
        if self.first_bar == NEVER and all(not isnan(self.columns[o][-1]) for o in self.waits_for):
            self.first_bar = max(self.seen, self.at_least)
        if self.seen < self.first_bar:
            return none, (keep(),) * self.strategy.orders
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


def events_of(log: PlainLog) -> dict[str, list[tuple[Any, ...]]]:
    """Return the events of one bar by table, without their row numbers."""
    return {name: [tuple(row.value)[1:] for row in log.tables[name]] for name in TABLES}
