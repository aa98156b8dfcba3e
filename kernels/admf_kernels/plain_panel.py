"""A panel in plain Python, one moment at a time: the specification of `PanelProgram`."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from admf_kernels.actions import NO_ACTIONS
from admf_kernels.checksum import signed, slot_of
from admf_kernels.contract import Feature
from admf_kernels.execution.actions import price_after
from admf_kernels.execution.bar import (
    BAD_EQUITY,
    BAD_SIGNAL,
    OK,
    close_bar,
    decide,
    open_bar,
    wanted_signal,
)
from admf_kernels.execution.costs import month_of
from admf_kernels.execution.log import PlainLog
from admf_kernels.execution.matching import heed
from admf_kernels.execution.metrics import NO_SUMS, Curve, Sums, mark_bar
from admf_kernels.execution.records import (
    OWN,
    SHARED,
    Bar,
    Desk,
    Exposure,
    Mark,
    Now,
    Order,
    Plain,
    Seen,
    Turn,
)
from admf_kernels.execution.requests import take_requests
from admf_kernels.numeric import is_finite, nan
from admf_kernels.panel_program import PERIODS, Instruments, Rotation
from admf_kernels.plain_features import share_of_checksum
from admf_kernels.plain_reading import PlainReading, events_of

DAY_NS = 86_400_000_000_000


class PlainMoment(NamedTuple):
    """What one moment led to; `positions` and events hold rows without their row number."""

    checksum: int
    sequence: int
    cash: float
    equity: float
    status: int
    positions: Sequence[tuple[Any, ...]] = ()
    events: Mapping[str, Sequence[tuple[Any, ...]]] = MappingProxyType({})


class PlainLeg(PlainReading):
    """One instrument of a panel."""

    def __init__(self, number: int, of: Instruments, panel: "PlainPanel", features: Any) -> None:
        self.number = number
        self.of = of
        self.records = {name: Plain(cls) for name, cls in OWN.items()}
        self.mark = Plain(Mark)
        self.now, self.e = Plain(Now), Plain(Exposure)
        self.last_seen = Plain(Seen)
        self.slot = slot_of(f"{of.symbol}: {panel.strategy.reference}")
        actions = NO_ACTIONS if of.actions is None and of.terms.uses.actions else of.actions
        super().__init__(
            panel.strategy, panel.params, of.terms, inputs=of.inputs, features=features,
            hashed=panel.hashed, clock=of.clock, actions=actions,
        )  # fmt: skip

    def label(self, feature: Feature) -> str:
        """Return the name its state goes by."""
        return f"{self.of.symbol}: {feature.label}"

    def restate(self, bar: Bar) -> None:
        """Bring the last price into the units that a bar's splits and dividends leave."""
        if bar.split != 1.0 or bar.dividend != 0.0:
            self.mark.price = price_after(self.mark.price, bar.split, bar.dividend)

    def close(self, price: float) -> None:
        """Take the close of a bar."""
        mark, seen = self.mark, price
        if self.terms.uses.actions:
            seen = self.last_seen.price = self.columns[self.column_of("close")][-1]
        mark.price = price
        mark.bars += 1
        if mark.bars == 1:
            mark.first_price = seen

    @property
    def level(self) -> float:
        """The last price over the first one, as features see them."""
        price = self.last_seen.price if self.terms.uses.actions else self.mark.price
        return float(price / self.mark.first_price)

    def share(self) -> int:
        """Return the leg's share of the state checksum, its features apart."""
        own = [self.own] if self.strategy.stateful else []
        rest = [self.records[n].value for n in OWN]
        seen = [self.last_seen.value] if self.terms.uses.actions else []
        states = [self.mark.value, *seen, *own, *rest, *(o.value for o in self.slots)]
        return share_of_checksum(self.slot, 0, states)


class PlainPanel:
    """The plain twin of `PanelProgram`; takes the same arguments."""

    def __init__(
        self, strategy: Any, params: Any, instruments: Sequence[Instruments], *,
        rotation: Rotation | None = None, features: Sequence[Any] = (), hashed: bool = True,
    ) -> None:  # fmt: skip
        self.strategy, self.params, self.hashed = strategy, params, hashed
        self.rotation = rotation
        self.legs = [PlainLeg(k, i, self, features) for k, i in enumerate(instruments)]
        self.shared = {name: Plain(cls) for name, cls in SHARED.items()}
        self.terms = instruments[0].terms
        self.shared["wallet"].cash = self.terms.a.cash
        self.turn = Plain(Turn)
        self.curve = Curve()
        self.sums: list[float] = [*NO_SUMS]
        self.seen = 0
        self.slot = slot_of(strategy.reference)

    def step(self, ts_ns: int, bars: Mapping[int, tuple[float, ...]]) -> PlainMoment:
        """Advance by one moment; `bars` has open, high, low, close, volume by instrument."""
        self.seen += 1
        self.log = PlainLog()
        legs = [leg for leg in self.legs if leg.number in bars]
        checksum, made, sequences = 0, {}, {}
        worth = self._worth()
        for leg in legs:
            checksum += leg._advance(ts_ns, *bars[leg.number])
            leg.seen += 1
            made[leg.number] = leg.bar(worth[leg.number], ts_ns, *bars[leg.number])
            desk = self._desk(leg, worth)
            open_bar(leg.terms, desk, made[leg.number])
            leg.restate(made[leg.number])
            sequences[leg.number] = desk.book.bar_sequence
        for leg in legs:
            leg.close(bars[leg.number][3])
        worth = self._worth()
        for leg in legs:
            made[leg.number] = made[leg.number]._replace(worth=worth[leg.number])
        status, signals = self._decide(ts_ns, legs, made, worth)
        for leg in legs:
            desk = self._desk(leg, worth)
            close_bar(leg.terms, desk, made[leg.number])
            heed(leg.terms, desk)
        equity = self._equity(worth)
        held = any(leg.records["q"].lots != 0.0 for leg in self.legs)
        self.curve = mark_bar(
            self.curve, self.sums, self.terms.a.cash, ts_ns, self._index(), equity, held
        )
        if status == OK and not is_finite(equity):
            status = BAD_EQUITY
        positions = [
            (sequences[g.number], g.number, signals[g.number], int(g.records["q"].lots))
            for g in legs
        ]
        return PlainMoment(
            signed(checksum + self._share()), self.shared["book"].sequence,
            self.shared["wallet"].cash, equity, status, positions, events_of(self.log),
        )  # fmt: skip

    def _desk(self, leg: PlainLeg, worth: Sequence[float]) -> Desk:
        """Return what the engine works on for one leg, the account's exposure included."""
        e = leg.e
        e.equity, e.gross, e.net, e.sector = self.shared["wallet"].cash, 0.0, 0.0, 0.0
        e.price = leg.mark.price
        for other in self.legs:
            price = other.mark.price * worth[other.number]
            held, entry = other.records["q"].lots, other.slots[0]
            e.equity += held * price
            towards = other is not leg and entry.id != 0 and entry.to_goal
            lots = entry.goal if towards else held
            e.net += lots * price
            e.gross += abs(lots * price)
            if other.of.sector == leg.of.sector:
                e.sector += abs(lots * price)
        self.log.instrument = leg.number
        return Desk(**self.shared, **leg.records, now=leg.now, e=e, slots=leg.slots, log=self.log)

    def _worth(self) -> list[float]:
        """Return the account currency of each leg's lot at price 1, at the last rates."""
        found = []
        for leg in self.legs:
            value = leg.terms.n.lot_value
            if leg.of.fx >= 0:
                value = value * self.legs[leg.of.fx].mark.price
            found.append(value)
        return found

    def _equity(self, worth: Sequence[float]) -> float:
        equity = self.shared["wallet"].cash
        for leg in self.legs:
            equity += leg.records["q"].lots * worth[leg.number] * leg.mark.price
        return float(equity)

    def _index(self) -> float:
        """Return the market's level: the mean of prices over first prices."""
        total, priced = 0.0, 0
        for leg in self.legs:
            if leg.mark.bars > 0:
                priced += 1
                total += leg.level
        return total / priced if priced else 1.0

    def _decide(
        self, ts_ns: int, legs: Sequence[PlainLeg], made: Mapping[int, Bar],
        worth: Sequence[float],
    ) -> tuple[int, dict[int, float]]:  # fmt: skip
        """Ask the strategy about every leg, and follow what it wants; returns the signals."""
        equity, status, signals = self._equity(worth), OK, {}
        due = self.rotation is not None and self._due(ts_ns)
        answers = {}
        for leg in legs:
            if self.rotation is None:
                wanted, asked = self._ask(leg, equity, 0.0)
                if status == OK and not -1.0 <= wanted <= 1.0:
                    status = BAD_SIGNAL
                signals[leg.number] = self._follow(leg, made, worth, wanted, asked, equity)
            else:
                answers[leg.number] = self._ask(leg, equity, nan)[0]
        if self.rotation is not None:
            ranks = self._ranks(answers) if due else {}
            for leg in legs:
                wanted = ranks[leg.number] if due else leg.records["intent"].signal
                if due:
                    leg.records["intent"].again = True
                signals[leg.number] = self._follow(leg, made, worth, wanted, (), equity)
        return status, signals

    def _ask(self, leg: PlainLeg, equity: float, none: float) -> tuple[float, Sequence[Any]]:
        desk = Desk(**self.shared, **leg.records, now=leg.now, e=Plain(Exposure, *Exposure(equity)),
                    slots=leg.slots, log=self.log)  # fmt: skip
        return leg.answer(desk, none)

    def _follow(
        self, leg: PlainLeg, made: Mapping[int, Bar], worth: Sequence[float], wanted: float,
        asked: Sequence[Any], equity: float,
    ) -> float:  # fmt: skip
        signal = wanted_signal(leg.terms.a, wanted, equity)
        desk = self._desk(leg, worth)
        decide(leg.terms, desk, made[leg.number], signal)
        take_requests(leg.terms, desk, made[leg.number], asked, Plain(Order))
        return signal

    def _due(self, ts_ns: int) -> bool:
        """Return whether the rotation looks at its ranks now."""
        assert self.rotation is not None
        kind, day = PERIODS[self.rotation.period], (ts_ns - 1) // DAY_NS
        self.turn.moments += 1
        if kind == "moments":
            due = self.turn.moments >= self.rotation.moments or self.turn.period < 0
            period = 0 if due else self.turn.period
        else:
            period = {"day": day, "week": (day + 3) // 7, "month": month_of(ts_ns - 1)}[kind]
            due = period != self.turn.period
        if due:
            self.turn.moments = 0
            self.turn.period = period
        return bool(due)

    def _ranks(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return each leg's part: the best are held long, of the rest the worst short."""
        turn = self.rotation
        assert turn is not None
        valid = {k: s for k, s in scores.items() if is_finite(s)}
        best = sorted(valid, key=lambda k: (-valid[k], k))[: turn.hold]
        worst = sorted(valid, key=lambda k: (valid[k], k))[: turn.short]
        part = 1.0 / (turn.hold + turn.short)
        return {k: part if k in best else -part if k in worst else 0.0 for k in scores}

    def _share(self) -> int:
        """Return the state checksum of the account and of all legs, the features apart."""
        account = [record.value for record in self.shared.values()]
        states = [self.curve, self.turn.value, Sums(*self.sums), *account]
        own = share_of_checksum(self.slot, self.seen, states)
        for leg in self.legs:
            own += leg.share()
        return own
