"""One instrument on the engine alone, bar by bar: signals and requests are told, not decided.

The engine is called as its drivers call it, compiled or in plain Python, on every bar and in
every stage. A directed case is written for the long side; mirrored prices make it short.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from admf_kernels import drivers
from admf_kernels.codegen.desk import BLOCKS, COLUMNS, EXTRAS, TABLE, extras
from admf_kernels.codegen.engine import CLOSE, DECIDE, OPEN, STAGE_BITS
from admf_kernels.codegen.run_state import ORDER_WORDS, words_of
from admf_kernels.execution import bar as engine_bar
from admf_kernels.execution import matching as engine_matching
from admf_kernels.execution import requests as engine_requests
from admf_kernels.execution.log import COUNTS_AT, ROWS, Log, PlainLog
from admf_kernels.execution.orders import places
from admf_kernels.execution.reasons import KINDS, LIQUIDITIES, REASONS, ROLES, STATUSES
from admf_kernels.execution.records import (
    OWN,
    SHARED,
    Bar,
    Desk,
    Exposure,
    Now,
    Order,
    Plain,
    Request,
    expose,
)
from admf_kernels.execution.terms import CONSTANTS, Terms
from admf_kernels.execution.uses import edition_of
from admf_kernels.layout import fields_of, pack, to_word, unpack
from admf_kernels.orders import keep

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS
START_NS = 19_723 * DAY_NS + 600 * MINUTE_NS  # ten o'clock on a day
HONEST = {
    "open_bar": engine_bar.open_bar,
    "decide": engine_bar.decide,
    "close_bar": engine_bar.close_bar,
    "take_requests": engine_requests.take_requests,
    "heed": engine_matching.heed,
}
NAMES = {
    "status": STATUSES, "kind": KINDS, "role": ROLES, "liquidity": LIQUIDITIES, "reason": REASONS,
}  # fmt: skip
RECORDS: dict[str, type] = {**SHARED, **OWN}


class Outcome:
    """What happened: events as objects with a `bar`, and what held after every bar."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.events: list[Any] = []
        self.equity: list[float] = []
        self.lots: list[float] = []
        self.cash: list[float] = []
        self.wallets: list[Any] = []
        self.records: dict[str, Any] = {}
        self.working: list[Any] = []

    def __getattr__(self, table: str) -> list[Any]:
        if table not in ROWS:
            raise AttributeError(table)
        return [e.row for e in self.events if e.table == table]

    def pick(self, table: str, *names: str) -> list[tuple]:
        """Return some fields of the events of a table."""
        return [tuple(getattr(row, name) for name in names) for row in getattr(self, table)]


class Event(NamedTuple):
    """An event of the log, its numbers replaced by what they stand for."""

    table: str
    row: Any


class _Row:
    def __init__(self, table: str, bar: int, values: Sequence[Any]) -> None:
        self.table = table
        self.bar = bar
        for field, value in zip(fields_of(ROWS[table])[1:], values, strict=True):
            names = NAMES.get(field.name)
            names = ROLES if (table, field.name) == ("trades", "reason") else names
            self.__dict__[field.name] = names[value] if names else value

    def __repr__(self) -> str:
        return f"{self.__dict__}"


class PlainStage:
    """The engine in plain Python; `calls` may be a faulty one."""

    def __init__(self, terms: Terms, calls: Mapping[str, Any] = HONEST) -> None:
        self.terms, self.calls = terms, calls
        self.records: dict[str, Any] = {n: Plain(cls) for n, cls in RECORDS.items()}
        self.records["wallet"].cash = terms.a.cash
        self.slots = [Plain(Order) for _ in range(places(terms.uses))]
        self.log = PlainLog()

    def step(self, bar: Bar, last_close: float, wanted: float, asked: Sequence[Request]) -> float:
        e, t = Plain(Exposure), self.terms
        self.log = PlainLog()
        d = Desk(**self.records, now=Plain(Now), e=e, slots=self.slots, log=self.log)
        expose(e, d.wallet, d.q, bar.worth, last_close)
        self.calls["open_bar"](t, d, bar)
        expose(e, d.wallet, d.q, bar.worth, bar.close)
        signal = engine_bar.wanted_signal(t.a, wanted, e.equity)
        self.calls["decide"](t, d, bar, signal)
        self.calls["take_requests"](t, d, bar, asked, Plain(Order))
        self.calls["close_bar"](t, d, bar)
        self.calls["heed"](t, d)
        return signal

    def values(self) -> dict[str, Any]:
        return {name: record.value for name, record in self.records.items()}

    def orders(self) -> list[Order]:
        return [o.value for o in self.slots]

    def events(self) -> dict[str, list[tuple]]:
        return {n: [tuple(r.value)[1:] for r in rows] for n, rows in self.log.tables.items()}


class CompiledStage:
    """The compiled engine over memory of our own."""

    def __init__(self, terms: Terms, bars: Sequence[Bar]) -> None:
        self.terms = terms
        self.call = drivers.engine_for(edition_of(terms.uses), terms.fee_of, terms.size_of).caller()
        asked = (max(1, terms.uses.requests), len(Request._fields))
        behind = {"own": places(terms.uses) * ORDER_WORDS, "notes": asked[0] * asked[1]}
        blocks, words = dict[str, Any](), dict[str, Any]()
        for block, groups in BLOCKS.items():
            blocks[block] = np.zeros(words_of(groups) + behind.get(block, 0), np.int64)
            ends = np.cumsum([len(cls._fields) for cls in groups.values()])
            *found, rest = np.split(blocks[block], ends)
            words |= {**dict(zip(groups, found, strict=True)), f"behind {block}": rest}
        for name in CONSTANTS:
            words[name][:] = pack(getattr(terms, name))
        words["slots"] = words["behind own"]
        words["asked"] = words["behind notes"].reshape(asked)
        capacity = 6 * places(terms.uses) + 8
        self.rows = {n: np.zeros((capacity, len(c._fields)), np.int64) for n, c in ROWS.items()}
        for name, memory in self.rows.items():
            words["log"][Log._fields.index(name)] = memory.ctypes.data
        columns = {n: np.array([getattr(b, n) for b in bars]) for n in COLUMNS}
        kept = [blocks[n] for n in TABLE] + [columns[n] for n in COLUMNS]
        self.table = np.array([part.ctypes.data for part in kept], np.int64)
        self.words, self.kept = words, kept
        self._write("wallet", cash=terms.a.cash)

    def _write(self, name: str, **values: Any) -> None:
        for field, value in values.items():
            at = RECORDS.get(name, {"bar": Bar, "log": Log}.get(name))._fields.index(field)
            kind = "float" if isinstance(value, float) else "int"
            self.words[name][at] = to_word(kind, value)

    def _expose(self, worth: float, price: float) -> float:
        found = self.values()
        e = Plain(Exposure)
        expose(e, found["wallet"], found["q"], worth, price)
        self.words["exposure"][:] = pack(e.value)
        return e.equity

    def step(self, bar: Bar, last_close: float, wanted: float, asked: Sequence[Request]) -> float:
        row, table = bar.number - 1, int(self.table.ctypes.data)
        self.words["log"][COUNTS_AT:] = 0
        self._write("bar", number=bar.number, worth=bar.worth)
        self._write("log", row=row)
        self._expose(bar.worth, last_close)
        self.call(table, OPEN + (row << STAGE_BITS), 0)
        equity = self._expose(bar.worth, bar.close)
        signal = engine_bar.wanted_signal(self.terms.a, wanted, equity)
        for k, request in enumerate(asked):
            self.words["asked"][k] = pack(Request(*request))
        self.call(table, DECIDE + (row << STAGE_BITS), to_word("float", signal))
        self.call(table, CLOSE + (row << STAGE_BITS), 0)
        return signal

    def values(self) -> dict[str, Any]:
        return {name: unpack(cls, self.words[name]) for name, cls in RECORDS.items()}

    def orders(self) -> list[Order]:
        return [unpack(Order, w) for w in self.words["slots"].reshape(-1, ORDER_WORDS)]

    def events(self) -> dict[str, list[tuple]]:
        counts = dict(zip(ROWS, self.words["log"][COUNTS_AT:].tolist(), strict=True))
        return {
            n: [tuple(unpack(cls, w))[1:] for w in self.rows[n][: counts[n]]]
            for n, cls in ROWS.items()
        }


def bars_of(terms: Terms, rows: Sequence[Any], extra: Mapping[int, Mapping[str, Any]]) -> list[Bar]:
    """Return bars from (open, high, low, close[, volume]), a minute apart if not said."""
    found = []
    for k, row in enumerate(rows):
        more = dict(extra.get(k, {}))
        ts_ns = more.pop("ts_ns", START_NS + k * MINUTE_NS)
        open_, high, low, close, volume = (*row, 1e6) if len(row) == 4 else row
        assert low <= min(open_, close) <= max(open_, close) <= high, row
        session = float((ts_ns - 1) // DAY_NS)
        prices = (float(p) for p in (open_, high, low, close, volume))
        bar = Bar(k + 1, ts_ns, *prices, terms.n.lot_value, session)
        found.append(bar._replace(**{n: float(v) for n, v in more.items()}))
    return found


def as_seen(terms: Terms, bar: Bar) -> Bar:
    """Return a bar as the engine of these terms sees it: what it does not use is 0."""
    given = extras(terms.uses._replace(clock=True))
    absent = {n: v for n, v in Bar._field_defaults.items() if n in EXTRAS and n not in given}
    if "session" in absent:
        absent["session"] = float((bar.ts_ns - 1) // DAY_NS)
    return bar._replace(**absent)


def play(
    terms: Terms, rows: Sequence[Any], signals: Sequence[float] = (),
    asks: Mapping[int, Sequence[Request]] | None = None,
    extra: Mapping[int, Mapping[str, Any]] | None = None, *, engine: Any = "plain",
) -> Outcome:  # fmt: skip
    """Run the engine over `rows`; the last signal stays, a bar without requests keeps all."""
    nothing = (keep(),) * terms.uses.requests

    def told(k: int, bar: Bar, lots: float) -> tuple[float, Sequence[Request]]:
        wanted = signals[min(k, len(signals) - 1)] if signals else 0.0
        return float(wanted), (asks or {}).get(k, nothing)

    return run(terms, bars_of(terms, rows, extra or {}), told, engine=engine)


def run(
    terms: Terms, bars: Sequence[Bar], decides: Callable[..., Any], *, engine: Any = "compiled"
) -> Outcome:
    """Run the engine over bars; `decides` is asked with number, bar and lots held."""
    bars = [as_seen(terms, bar) for bar in bars]
    if engine == "compiled":
        stage: Any = CompiledStage(terms, bars)
    else:
        stage = PlainStage(terms, HONEST if engine == "plain" else engine)
    made, last_close = Outcome(), 0.0
    made.bars = bars
    for k, bar in enumerate(bars):
        wanted, asked = decides(k, bar, made.lots[-1] if made.lots else 0.0)
        assert len(asked) == terms.uses.requests
        stage.step(bar, last_close, wanted, asked)
        last_close = bar.close
        found = [Event(n, _Row(n, k, v)) for n, rows_ in stage.events().items() for v in rows_]
        made.events += sorted(found, key=lambda e: (e.row.sequence, e.table == "trades"))
        values = stage.values()
        made.wallets.append(values["wallet"])
        made.cash.append(values["wallet"].cash)
        made.lots.append(values["q"].lots)
        made.equity.append(values["wallet"].cash + values["q"].lots * bar.worth * bar.close)
    made.records, made.working = stage.values(), stage.orders()
    return made


class Mirrored:
    """Plays a case that is written for the long side on either side.

    The short side has its prices at ``2 * MIDDLE - price``: what was gained is gained again.
    """

    MIDDLE = 100.0

    def __init__(self, engine: Any, short: bool) -> None:
        self.engine, self.short = engine, short

    def __call__(
        self, terms: Terms, rows: Sequence[Any], signals: Sequence[float] = (),
        asks: Mapping[int, Sequence[Request]] | None = None,
        extra: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> Outcome:  # fmt: skip
        if not self.short:
            return play(terms, rows, signals, asks, extra, engine=self.engine)
        m = self._price
        turned = [(m(o), m(low), m(h), m(c), *v) for o, h, low, c, *v in rows]
        asked = {k: [self._request(r) for r in found] for k, found in (asks or {}).items()}
        made = play(terms, turned, [-s for s in signals], asked, extra, engine=self.engine)
        for _, row in made.events:
            for name, value in row.__dict__.items():
                if name in ("limit", "stop", "price", "entry_price", "exit_price"):
                    row.__dict__[name] = m(value)
                elif name in ("lots", "signal"):
                    row.__dict__[name] = -value
        made.lots = [-lots for lots in made.lots]
        return made

    def _price(self, price: float) -> float:
        return 2 * self.MIDDLE - price if price else 0.0

    def _request(self, r: Request) -> Request:
        m = self._price
        return Request(*r)._replace(
            quantity=-r.quantity, limit=m(r.limit), stop=m(r.stop), stop_loss=m(r.stop_loss),
            take_profit=m(r.take_profit),
        )  # fmt: skip
