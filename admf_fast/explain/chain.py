"""The chain of one trade: decision, order, fills, what moved, exit, result."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from admf_fast.errors import DivergenceError
from admf_fast.explain.rulings import RULES, Asked, both_reached, ruling
from admf_fast.explain.seeing import BarRow, Ranked, Seen
from admf_fast.explain.sizing import Sized, sized
from admf_fast.explain.stored import Row, StoredRun
from admf_fast.explain.sums import RoundTrip, round_trips
from admf_kernels.execution.terms import SAME_CLOSE, Terms


class Decision(NamedTuple):
    """The bar that led to the entry order, and what the strategy saw on it."""

    ts_ns: int
    bar: BarRow | None
    reads: dict[str, float]
    signal_before: float | None  # None for a strategy that makes its orders itself
    signal: float | None
    signal_ts_ns: int
    sized: Sized | None
    ranking: list[Ranked] | None = None  # of a rotation that ranked on this bar, best first


class Step(NamedTuple):
    """One event of the chain; `event` is its row, the rest what it means."""

    what: str  # signal, order, fill, adjustment, or level: a stop that moved, which is no event
    event: Row
    bar: BarRow | None = None
    rule: str = ""
    note: str = ""
    price_before: float | None = None  # before slippage
    closes: int = 0  # lots of a fill through zero that close the position before it


class Result(NamedTuple):
    """What came of it; ``pnl = gross - fees`` to the bit, and all from the fills."""

    entry_value: float
    exit_value: float
    gross: float
    fees: float
    pnl: float
    trade_return: float
    adjustments: float  # cash by corporate actions, which is not in the pnl
    bars: int
    mae: float
    mfe: float
    reason: str


class Chain(NamedTuple):
    """One trade, `number` counting from 1; `missing` says what could not be told, and why."""

    number: int
    of: int
    trade: Row
    decision: Decision
    steps: list[Step]
    result: Result
    missing: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the chain as plain data."""
        found = _plain(self)
        assert isinstance(found, dict)
        return found


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


class Parts(NamedTuple):
    """The events that belong to one trade, before anything is said about them."""

    number: int
    trade: Row
    made: RoundTrip
    orders: list[Row]
    signals: list[Row]  # after the decision, up to the exit

    @property
    def opening(self) -> Row:
        """The fill that opened the position."""
        return next(row for table, row in self.made.rows if table == "fills")

    @property
    def times(self) -> set[int]:
        """The bars on which something of it happened."""
        return {row["ts"] for row in [*self.orders, *(row for _, row in self.made.rows)]}

    @property
    def decided_ns(self) -> int:
        """The close of the bar that made the entry order."""
        return _decided_ns(self.orders, self.opening)


def _decided_ns(orders: list[Row], opening: Row) -> int:
    ts_ns: int = opening["ts"]
    return next((o["ts"] for o in orders if o["order_id"] == opening["order_id"]), ts_ns)


class Log:
    """The events of one instrument, ready to be asked for those of a trade."""

    def __init__(
        self, run: StoredRun, symbol: str, worth_of: Callable[[Row, Row | None], float]
    ) -> None:
        """`worth_of` is given a fill and the event by which its order was made."""
        self.symbol = symbol
        own = {t: [r for r in rows if r["symbol"] == symbol] for t, rows in run.events.items()}
        self.signals = own["signals"]
        self.signal_times = [row["ts"] for row in self.signals]
        self.orders: dict[int, list[Row]] = {}
        for row in own["orders"]:
            self.orders.setdefault(row["order_id"], []).append(row)
        self.ids = sorted(self.orders)

        def worth(fill: Row) -> float:
            return worth_of(fill, next(iter(self.orders.get(fill["order_id"], [])), None))

        trips = round_trips(own["fills"], own["adjustments"], worth)
        self.trips = {trip.rows[-1][1]["sequence"]: trip for trip in trips}
        self._fills = run.events["fills"]  # of all instruments
        self._filled = [row["sequence"] for row in self._fills]
        changes = sorted([*own["fills"], *own["adjustments"]], key=lambda r: r["sequence"])
        self._changed = [row["sequence"] for row in changes]
        self._held = [0]
        for row in changes:
            split = "split" in row
            self._held.append(row["lots"] if split else self._held[-1] + row["lots"])

    def held_before(self, sequence: int) -> int:
        """Return the lots held when an event happened."""
        return self._held[bisect_left(self._changed, sequence)]

    def fills_after(self, sequence: int) -> Iterator[Row]:
        """Yield the fills after an event, of all instruments."""
        for k in range(bisect_right(self._filled, sequence), len(self._fills)):
            yield self._fills[k]

    def parts(self, number: int, trade: Row) -> Parts:
        """Return what belongs to a trade.

        That are the events of the entry order, and of all orders made while the position
        was open, up to the bar on which it was closed.
        """
        made = self.trips.get(trade["sequence"])
        if made is None:
            raise DivergenceError(
                f"trade {number}: expected a fill with sequence {trade['sequence']} that closes "
                "the position; found none"
            )
        fills = [row for table, row in made.rows if table == "fills"]
        first, last = fills[0], fills[-1]
        between = self.ids[
            bisect_left(self.ids, first["sequence"]) : bisect_left(self.ids, last["sequence"])
        ]
        chosen = {*between, *(f["order_id"] for f in fills)} & self.orders.keys()
        rows = [o for k in sorted(chosen) for o in self.orders[k] if o["ts"] <= trade["ts"]]
        rows.sort(key=lambda o: o["sequence"])
        decided = _decided_ns(rows, first)
        signals = self.signals[
            bisect_right(self.signal_times, decided) : bisect_left(self.signal_times, trade["ts"])
        ]
        return Parts(number, trade, made, rows, signals)


def chain_of(
    run: StoredRun, log: Log, parts: Parts, terms: Terms, seen: Mapping[str, Seen] | None,
    equity: dict[int, Row], missing: list[str],
) -> Chain:  # fmt: skip
    """Return the chain of a trade; without `seen` it has no bars, features or moves of stops.

    What was seen is by symbol.
    """
    look = seen[log.symbol] if seen else Seen()
    told = _Teller(run, log, parts, terms, look)
    steps = told.steps()
    said = list(missing)
    if seen and any(s.what == "fill" and not s.rule for s in steps):
        said.append("a fill's price is none that a rule gives for the stored order and bar")
    decision = _decision(run, log, parts, terms, seen or {log.symbol: look}, equity)
    # At the same close the equity is had back from that after the fills: to its last bits.
    spare = 1 if terms.a.fill == SAME_CLOSE else 0
    if decision.sized and abs(decision.sized.lots - told.goal()) > spare:
        said.append(
            f"the size: for these numbers the rule gives {decision.sized.lots} lots, the order "
            f"led to {told.goal()}"
        )
    return Chain(
        parts.number, len(run.events["trades"]), parts.trade, decision, steps,
        _result(parts), said,
    )  # fmt: skip


class _Teller:
    """Says of every event of a trade what it means."""

    def __init__(self, run: StoredRun, log: Log, parts: Parts, terms: Terms, seen: Seen) -> None:
        self.run, self.log, self.parts, self.terms, self.seen = run, log, parts, terms, seen
        self.made = {o["order_id"]: o for o in reversed(parts.orders)}

    def goal(self) -> int:
        """Return the position that the entry order led to."""
        order = self.made.get(self.parts.opening["order_id"])
        return self.log.held_before(order["sequence"]) + order["lots"] if order else 0

    def steps(self) -> list[Step]:
        """Return all events in order, moves of stops among them."""
        rows = [("order", o) for o in self.parts.orders]
        rows += [("signal", s) for s in self.parts.signals]
        rows += [(table[:-1], row) for table, row in self.parts.made.rows]
        steps = [
            self._step(what, row) for what, row in sorted(rows, key=lambda r: r[1]["sequence"])
        ]
        levels = [level for k in self.made for level in self.seen.levels.get(k, [])]
        steps += [s for level in levels if (s := self._moved(level))]
        # A stop moves after its bar has been matched, so it is told after the bar's events.
        return sorted(steps, key=lambda s: (s.event["ts"], s.event.get("sequence", LAST)))

    def _moved(self, level: Any) -> Step | None:
        order = self.made[level.order_id]
        closed = level.ts_ns >= self.parts.trade["ts"]
        if closed or (order["ts"] == level.ts_ns and order["stop"] == level.stop):
            return None
        event = level._asdict()
        event["ts"] = event.pop("ts_ns")
        return Step("level", event, self.seen.bars.get(level.ts_ns))

    def _step(self, what: str, row: Row) -> Step:
        bar = self.seen.bars.get(row["ts"])
        order = self.made.get(row.get("order_id", 0))
        if what != "fill":
            return Step(what, row, bar, note=self._ranked(row) if what == "order" else "")
        held = self.log.held_before(row["sequence"])
        closes = abs(held) if held * row["lots"] < 0 and abs(row["lots"]) > abs(held) else 0
        if bar is None or order is None:
            return Step(what, row, bar, closes=closes)
        asked = self._asked(order, row)
        found = ruling(asked, row["price"], bar, self.terms, self._entered_at(row))
        if found is None:
            return Step(what, row, bar, closes=closes)
        others = [self._asked(o, row) for o in self._working(row) if o is not order]
        both = self.run.config.execution.both_hit
        note = both_reached(asked, others, bar, both) if found.rule in _INSIDE else ""
        return Step(what, row, bar, found.rule, note or RULES[found.rule], found.price, closes)

    def _ranked(self, order: Row) -> str:
        """Return where a rotation ranked the instrument when it made an order."""
        if order["role"] != "signal" or order["status"] not in ("accepted", "denied"):
            return ""
        ranking = self.seen.rankings.get(order["ts"], [])
        own = next((r for r in ranking if r.symbol == self.log.symbol), None)
        if own is None:
            return ""
        among = sum(r.rank > 0 for r in ranking)
        place = f"rank {own.rank} of {among}" if own.rank else f"no rank among {among}"
        return f"{place}: score {own.score!r} → {own.signal!r}"

    def _entered_at(self, row: Row) -> float:
        opening = self.parts.opening
        return opening["price"] if opening["ts"] == row["ts"] and opening is not row else 0.0

    def _asked(self, order: Row, fill: Row) -> Asked:
        """Return an order as it stood before a fill, in the units of that bar."""
        levels = self.seen.levels.get(order["order_id"], [])
        before = [level for level in levels if level.ts_ns < fill["ts"]]
        limit, stop = order["limit"], order["stop"]
        for table, row in self.parts.made.rows:
            if table == "adjustments" and order["sequence"] < row["sequence"] < fill["sequence"]:
                limit, stop = limit / row["split"], stop / row["split"]
        if before:
            stop = before[-1].stop
            for table, row in self.parts.made.rows:
                if table == "adjustments" and row["ts"] == fill["ts"]:
                    stop /= row["split"]
        role = fill["role"] if fill["order_id"] == order["order_id"] else order["role"]
        return Asked(order["kind"], fill["lots"] * 1.0, limit, stop, role, order["ts"])

    def _working(self, fill: Row) -> list[Row]:
        """Return the exits of the position that worked when a fill happened."""
        done = {
            row["order_id"]
            for row in [*self.parts.orders, *(r for t, r in self.parts.made.rows if t == "fills")]
            if row["sequence"] < fill["sequence"] and row["status"] not in _WORKING
        }
        return [
            o for o in self.made.values()
            if o["role"] in _EXITS and o["sequence"] < fill["sequence"]
            and o["order_id"] not in done
        ]  # fmt: skip


LAST = 2**62
_WORKING = ("accepted", "replaced", "partially_filled")
_EXITS = ("stop_loss", "trailing_stop", "break_even", "take_profit")
_INSIDE = ("stop", "limit", "stop on the entry's bar", "target on the entry's bar")


def _decision(
    run: StoredRun, log: Log, parts: Parts, terms: Terms, all_seen: Mapping[str, Seen],
    equity: dict[int, Row],
) -> Decision:  # fmt: skip
    seen = all_seen[log.symbol]
    ts_ns = parts.decided_ns
    signals = log.signals[: bisect_right(log.signal_times, ts_ns)][-2:]
    bar = seen.bars.get(ts_ns)
    reads = seen.reads.get(ts_ns, {})
    if terms.uses.requests or not signals:
        return Decision(ts_ns, bar, reads, None, None, 0, None)
    now = signals[-1]
    before = signals[-2]["signal"] if len(signals) > 1 else 0.0
    size = None
    if bar is not None:
        money = seen.exposures[ts_ns].equity
        if terms.a.fill == SAME_CLOSE:
            money = _equity_then(log, parts, all_seen, equity[ts_ns], ts_ns)
        given = seen.inputs[ts_ns], seen.ledgers[ts_ns], seen.worths[ts_ns]
        size = sized(run.config, terms, now["signal"], money, bar, *given)
    ranking = seen.rankings.get(ts_ns)
    return Decision(ts_ns, bar, reads, before, now["signal"], now["ts"], size, ranking)


def _equity_then(log: Log, parts: Parts, seen: Mapping[str, Seen], after: Row, ts_ns: int) -> float:
    """Return the equity that the order was sized by: before what then filled at this close."""
    money: float = after["equity"]
    for fill in log.fills_after(parts.opening["order_id"]):
        if fill["ts"] != ts_ns:
            break
        own = seen[fill["symbol"]]
        gain = fill["price"] - own.bars[ts_ns].close
        money += fill["fee"] + fill["lots"] * own.worths[ts_ns] * gain
    return money


def _result(parts: Parts) -> Result:
    trade, made = parts.trade, parts.made
    gross = made.exit_value - made.entry_value
    paid = [row["amount"] for table, row in made.rows if table == "adjustments"]
    total = 0.0
    for amount in paid:
        total += amount
    return Result(
        made.entry_value, made.exit_value, gross if trade["lots"] > 0 else -gross,
        trade["fees"], trade["pnl"], trade["pnl"] / made.entry_value if made.entry_value else 0.0,
        total, trade["bars"], trade["mae"], trade["mfe"], trade["reason"],
    )  # fmt: skip
