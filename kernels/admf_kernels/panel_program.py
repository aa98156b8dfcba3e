"""One strategy on several instruments that share one account, moment by moment.

A moment is a close at which at least one instrument has a bar. Each instrument is a *leg*:
a program of its own for its features, over its own bars only; the panel driver joins them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_kernels import checksum, drivers
from admf_kernels.codegen import desk, panel, panel_layout, run_state
from admf_kernels.codegen.engine import Form
from admf_kernels.compiler.load import Native
from admf_kernels.contract import BAR_COLUMNS, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.execution import log, records
from admf_kernels.execution.terms import Uses
from admf_kernels.feature_program import STATUS, Part, constant_words
from admf_kernels.layout import Words, fields_of, to_word
from admf_kernels.panel_leg import Instruments, Leg
from admf_kernels.program import terms_for
from admf_kernels.reading_program import TYPES, event_memory

__all__ = [
    "BLOCK_MOMENTS",
    "PERIODS",
    "Instruments",
    "Leg",
    "PanelProgram",
    "Rotation",
    "block_for",
    "common_uses",
]

BLOCK_MOMENTS = 4096
BLOCK_BARS = 20 * BLOCK_MOMENTS  # of all instruments: there is room for all their events
POSITION_ROWS = 131_072
PERIODS = ("moments", "day", "week", "month")


class Rotation(NamedTuple):
    """Hold the instruments of the highest scores long, of the lowest short, in equal parts.

    The strategy's value is the score then; one that is no number takes no part. Ranks are
    looked at on the first moment of a period, or every so many moments.
    """

    hold: int = 1
    short: int = 0
    period: int = 3  # of PERIODS
    moments: int = 1  # where the period is "moments"


class PanelProgram:
    """A strategy with one account over several instruments.

    Parameters
    ----------
    strategy, params : Strategy and its Params
        The same for all instruments.
    instruments : sequence of Instruments
        In order of rank: of several bars at one moment, the first instrument's comes first.
    rotation : Rotation, optional
        Rank the instruments by the strategy's value instead of taking it as a signal.
    features : sequence of features
        More features to compute on every instrument.

    Attributes
    ----------
    ts_ns, checksum : int64 (moments,)
    per_moment : dict of arrays (moments,)
        ``sequence``, ``cash``, ``equity`` after each moment of the last `feed`.
    position_words : int64 (columns, capacity)
        One row per bar, ``panel_layout.POSITION``: `position_rows` are those of the last
        `feed`. Where there is no room left it is another array; a row is written once.
    """

    def __init__(
        self,
        strategy: Strategy,
        params: Any,
        instruments: Sequence[Instruments],
        *,
        rotation: Rotation | None = None,
        features: Sequence[Any] = (),
        block_moments: int = BLOCK_MOMENTS,
        hashed: bool = True,
        general: bool = False,
    ) -> None:
        if not instruments:
            raise KernelError("a panel needs at least one instrument, found none")
        self.strategy = strategy
        self.params = strategy.checked() if params is None else params
        self.rotation = rotation
        uses = common_uses([terms_for(strategy, i.terms).uses for i in instruments])
        self.form = Form(uses, general)
        self.instruments = [i._replace(terms=i.terms._replace(uses=uses)) for i in instruments]
        self.block_moments = block_moments
        self.hashed = hashed
        self.legs = [
            Leg(strategy, self.params, i, self.form, features, block_moments, hashed, k)
            for k, i in enumerate(self.instruments)
        ]
        self.moments_seen = 0
        self.restored_checksum = 0
        self._last = -1
        self.event_count = 0
        self._kept: list[Any] = []
        self._allocate()
        self._link()

    def _allocate(self) -> None:
        count, legs = self.block_moments, len(self.legs)
        self.state = np.zeros(panel_layout.shared_words(), np.int64)
        at = panel_layout.offsets(panel_layout.SHARED, 1)
        cash = at["wallet"] + records.Wallet._fields.index("cash")
        self.state[cash] = to_word("float", self.instruments[0].terms.a.cash)
        self.state[at["turn"]] = -1
        self.ts_ns = np.zeros(count, np.int64)
        self.checksum = np.zeros(count, np.int64)
        self.per_moment: dict[str, NDArray[Any]] = {
            "sequence": np.zeros(count, np.int64),
            "cash": np.zeros(count),
            "equity": np.zeros(count),
        }
        self.market = np.zeros(count)  # the mean of prices over first prices
        self.position_words = self._position_memory()
        self.position_rows = slice(0, 0)
        self._progress = np.zeros(len(panel_layout.PROGRESS), np.int64)
        self.log = np.zeros(len(log.Log._fields), np.int64)
        self.counts = self.log[log.COUNTS_AT :]
        terms = self.instruments[0].terms
        self.event_words, self.events = event_memory(terms, count * legs, self.log)

    def _position_memory(self) -> Words:
        rows = max(self.block_moments * len(self.legs), POSITION_ROWS)
        return np.empty((len(panel_layout.POSITION), rows), np.int64)

    def _link(self) -> None:
        """Make the tables of the panel driver and of its legs."""
        strategy, form = self.strategy, self.form
        base = int(self.state.ctypes.data)
        at = panel_layout.offsets(panel_layout.SHARED, 1)
        account = base + 8 * at[next(iter(records.SHARED))]
        rows = [self._leg_table(k, leg, account) for k, leg in enumerate(self.legs)]
        self._leg_tables = np.array(rows, np.int64)
        terms = self.instruments[0].terms
        slot = checksum.slot_of(strategy.reference)
        turn = self.rotation or Rotation()
        parts = {
            "strategy": constant_words(strategy, self.params),
            "state": self.state,
            "shared_keys": _keys(panel_layout.kept_shared_places()),
            "leg_keys": _keys(panel_layout.kept_leg_places(strategy, form)),
            "slot": slot,
            "legs": len(self.legs),
            "leg_tables": self._leg_tables,
            "moments": self.ts_ns,
            "rows": 0,  # those of each block
            "stride": 0,
            "execute": drivers.execute_all().address,
            "engine": drivers.engine_for(form.edition, terms.fee_of, terms.size_of).address,
            "checksum": self.checksum,
            "out_sequence": self.per_moment["sequence"],
            "out_cash": self.per_moment["cash"],
            "out_equity": self.per_moment["equity"],
            "out_market": self.market,
            "positions": self.position_words,
            "position_capacity": self.position_words.shape[1],
            "progress": self._progress,
            "rotation": np.array([turn.hold, turn.short, turn.period, turn.moments], np.int64),
        }
        self._words = self._table_of([parts[name] for name in panel_layout.TABLE_NAMES])
        self._table = int(self._words.ctypes.data)
        self.call_through(Native.caller)

    def _leg_table(self, number: int, leg: Leg, account: int) -> Words:
        of = self.instruments[number]
        reads = [*leg.reads.values()]
        columns = [BAR_COLUMNS.index(name) for name in desk.PRICES]  # as traded
        more = [place.column for place in leg._extras()]
        columns += [*more, *(leg.plan.column(o) for o in reads)]
        at = int(leg.columns.ctypes.data)
        parts = {
            **dict.fromkeys(panel_layout.NOTES, 0),
            "ready": leg.ready,
            "engine_table": leg._engine_table(account, leg.own_address(), self.log),
            "program": leg._table,
            "state": leg.trade,
            "slot": checksum.slot_of(f"{of.symbol}: {self.strategy.reference}"),
            "fx": of.fx,
            "sector": of.sector,
            "checksum": leg.checksum,
        }
        return self._table_of([*parts.values(), *(at + 8 * c * leg.rows for c in columns)])

    def _table_of(self, parts: Sequence[Any]) -> Words:
        """Return a table as words; arrays are entered by address and kept alive."""
        words = [int(p.ctypes.data) if isinstance(p, np.ndarray) else int(p) for p in parts]
        table = np.array(words, np.int64)
        self._kept += [table, *parts]
        return table

    def call_through(self, caller: Any) -> None:
        """Call the compiled code through another foreign-function interface."""
        native = drivers.for_panel(
            self.strategy,
            tuple(self.legs[0].reads),
            self.form,
            rotates=self.rotation is not None,
            converts=self.converts,
        )
        self._call = caller(native)

    def feed(
        self, ts_ns: NDArray[np.int64], blocks: Sequence[Sequence[Any]], rows: NDArray[np.int64]
    ) -> slice:
        """Advance over up to `block_moments` moments; returns their rows.

        `blocks` has the columns of every instrument's bars, time first; `rows`
        (instruments, moments) says which of these bars belongs to a moment, -1 for none.
        """
        count = len(ts_ns)
        if count > self.block_moments:
            raise KernelError(f"a block holds at most {self.block_moments} moments, found {count}")
        starts = [
            leg.write(*columns) if len(columns[0]) else leg.cursor
            for leg, columns in zip(self.legs, blocks, strict=True)
        ]
        for name in ("first", "next"):
            self._leg_tables[:, panel_layout.LEG.index(name)] = starts
        self.ts_ns[:count] = ts_ns
        self._advance(count, np.ascontiguousarray(rows, np.int64))
        for leg, columns in zip(self.legs, blocks, strict=True):
            leg.cursor += len(columns[0])
            leg.bars_seen += len(columns[0])
        return slice(0, count)

    def _advance(self, count: int, rows: NDArray[np.int64]) -> None:
        """Run the panel driver over `count` moments whose bars the legs have written.

        Raises KernelError when a kernel gave a number that cannot be used, and whenever it
        is called after that.
        """
        at, words = panel_layout.TABLE_NAMES.index, self._words
        words[at("rows")], words[at("stride")] = rows.ctypes.data, count
        first = int(self._progress[0])
        if first + count * len(self.legs) > self.position_words.shape[1]:
            self.position_words = self._position_memory()
            words[at("positions")] = self.position_words.ctypes.data
            self._progress[0] = first = 0
        self.counts[:] = 0
        status = self._call(self._table, 0, count)
        if status < 0:
            self._refuse_leg(-status)
        elif status:
            self._refuse(status)
        self.position_rows = slice(first, int(self._progress[0]))
        self.event_count = int(np.count_nonzero(self.counts))
        self.moments_seen += count
        self._last = count - 1

    @property
    def positions(self) -> dict[str, NDArray[Any]]:
        """The rows of the last `feed`, by column."""
        words = self.position_words[:, self.position_rows]
        return {n: words[k].view(TYPES[side]) for k, (n, side) in enumerate(panel_layout.POSITION)}

    def notes(self, name: str) -> NDArray[Any]:
        """Return a note of every instrument, such as its ``score`` (of `panel_layout.NOTES`)."""
        words = self._leg_tables[:, panel_layout.LEG.index(name)].copy()
        return words.view(np.float64) if name in panel_layout.REAL_NOTES else words

    @property
    def per_bar(self) -> dict[str, NDArray[Any]]:
        """What is recorded of every moment."""
        return self.per_moment

    @property
    def bars_seen(self) -> int:
        """How many moments there were, as the summary counts bars."""
        return self.moments_seen

    @property
    def last_checksum(self) -> int:
        """The state checksum after the last moment, 0 before the first; a restored one included."""
        return int(self.checksum[self._last]) if self._last >= 0 else self.restored_checksum

    def _refuse(self, status: int) -> None:
        moment = status >> 4
        at = f"moment {self.moments_seen + moment} (ts_ns {self.ts_ns[moment]})"
        self._stop(f"{at}: {STATUS[status & 15]}")

    def _refuse_leg(self, status: int) -> None:
        """Say which bar of which instrument has no features."""
        leg = self.legs[int(self._progress[1])]
        try:
            leg._refuse(status, leg.cursor)
        except KernelError as error:
            self._stop(f"{leg.symbol}: {error}")

    def _stop(self, reason: str) -> None:
        def stopped(table: int, start: int, stop: int) -> int:
            raise KernelError(f"the run has stopped at {reason}")

        self._call = stopped
        raise KernelError(reason)

    @property
    def parts(self) -> list[Part]:
        """The state of every kernel and group, by label."""
        found = _parts("", panel_layout.SHARED, self.state, 1)
        for leg in self.legs:
            found += [Part(p.label, p.cls, p.words) for p in leg.parts]
            groups = panel_layout.leg_groups(self.strategy, self.form)
            names = {(self.strategy.reference if n == "s" else n): c for n, c in groups.items()}
            found += _parts(f"{leg.symbol}: ", names, leg.trade, 0)
            at = panel_layout.offsets(groups)["slots"]
            for k in range((len(leg.trade) - at) // run_state.ORDER_WORDS):
                first = at + k * run_state.ORDER_WORDS
                words = leg.trade[first : first + run_state.ORDER_WORDS]
                found.append(Part(f"{leg.symbol}: order {k}", records.Order, words))
        return found

    def values(self) -> dict[str, Any]:
        """Return the state of every kernel and group by label, as NamedTuples."""
        return {part.label: part.value for part in self.parts}

    @property
    def source(self) -> str:
        """The source of its driver, part of the code that decides what a run does."""
        return panel.source(
            self.strategy,
            tuple(self.legs[0].reads),
            self.form,
            rotates=self.rotation is not None,
            converts=self.converts,
        )

    @property
    def converts(self) -> bool:
        """Whether the price of an instrument converts the currency of another."""
        return any(of.fx >= 0 for of in self.instruments)

    def describe(self) -> str:
        """Return what is computed from what, as text for digests."""
        constants = tuple(self.strategy.prepare(self.params))
        legs = [
            (i.symbol, i.terms[:6], i.fx, i.sector, leg.describe())
            for i, leg in zip(self.instruments, self.legs, strict=True)
        ]
        return f"{self.strategy.reference} {constants} {self.rotation} {legs}"


def block_for(instruments: int) -> int:
    """Return how many moments a block of so many instruments takes."""
    return min(BLOCK_MOMENTS, max(1, BLOCK_BARS // instruments))


def common_uses(each: Sequence[Uses]) -> Uses:
    """Return what all instruments of a panel together use."""
    clocks = {uses.clock for uses in each if uses.sessions}
    if len(clocks) > 1:
        raise KernelError("expected a calendar for every instrument or for none, found both")
    return Uses(*(max(values) for values in zip(*each, strict=True)))


def _keys(places: Sequence[int]) -> Words:
    return np.array([checksum.key_of(place) for place in places], np.int64)


def _parts(prefix: str, groups: Mapping[str, type], words: Words, first: int) -> list[Part]:
    found = []
    for name, cls in groups.items():
        last = first + len(fields_of(cls))
        found.append(Part(f"{prefix}{name}", cls, words[first:last]))
        first = last
    return found
