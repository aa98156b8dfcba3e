"""What one side of a comparison holds after a bar, and the first field in which two differ.

The order is that of cause: the bar, features, the state of kernels, SIGNAL, ORDER, FILL, TRADE,
the account, then the state of the engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from admf_fast.consistency.divergence import Divergence, Family, between, differs
from admf_fast.events.schemas import NAMES
from admf_kernels.codegen import run_state
from admf_kernels.contract import Output
from admf_kernels.execution.log import TABLES
from admf_kernels.program import TradingProgram

Events = Sequence[tuple[str, tuple[Any, ...]]]
VALUES = ("open", "high", "low", "close", "volume")
ACCOUNT = ("lots", "cash", "equity")
FIELDS = {table: tuple(name for name, _ in columns[1:]) for table, columns in TABLES.items()}


class Words(str):
    """A text that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


NOTHING = Words("nothing")


class Picture(NamedTuple):
    """What a side holds after a bar; `states` by kernel, those of the engine apart."""

    ts_ns: int
    bar: Mapping[str, float]
    features: Mapping[str, float]
    states: Mapping[str, Any]
    account: Mapping[str, float]
    engine: Mapping[str, Any]


def picture_of(program: TradingProgram) -> Picture:
    """Return what a program holds after its last bar."""
    row, plan = program.cursor - 1, program.plan
    outputs = [Output(f, k) for f in plan.features for k in range(len(f.indicator.outputs))]
    places = {name: plan.column(name) for name in plan.clock_columns}
    places |= {output.label: plan.column(output) for output in outputs}
    own = engine_labels(program)
    values = program.values()
    return Picture(
        int(program.ts_ns[row]),
        {name: float(program.columns[k, row]) for k, name in enumerate(VALUES, 1)},
        {name: float(program.columns[k, row]) for name, k in places.items()},
        {label: state for label, state in values.items() if label not in own},
        {name: program.per_bar[name][row].item() for name in ACCOUNT},
        {label: state for label, state in values.items() if label in own},
    )


def engine_labels(program: TradingProgram) -> frozenset[str]:
    """Return the labels of the state that is the engine's, not a kernel's."""
    orders = (part.label for part in program.parts if part.label.startswith("order "))
    return frozenset([*run_state.STATE, *orders])


class Sight(NamedTuple):
    """One side of a comparison on one bar: what it holds, what the bar led to, its checksum."""

    picture: Picture
    events: Events
    checksum: int


def first_divergence(run: str, bar: int, expected: Sight, found: Sight) -> Divergence:
    """Return the first field, in order of cause, in which two sides differ after a bar.

    A difference that no field shows is named by the checksums.
    """
    ts_ns = expected.picture.ts_ns
    for family, layer, field, a, b in _differences(expected, found):
        return between(family, run, (layer, bar, ts_ns, field), a, b)
    place = ("state", bar, ts_ns, "checksum")
    return between(Family.LOGIC, run, place, expected.checksum, found.checksum)


Found = tuple[Family, str, str, object, object]


def _differences(a: Sight, b: Sight) -> Iterator[Found]:
    ours, theirs = a.picture, b.picture
    bars = ({"ts_ns": p.ts_ns, **p.bar} for p in (ours, theirs))
    yield from _of_values(Family.INPUT, "bar", *bars)
    yield from _of_values(Family.LOGIC, "feature", ours.features, theirs.features)
    yield from _of_states(ours.states, theirs.states)
    yield from _of_events(a.events, b.events)
    yield from _of_values(Family.LOGIC, "equity", ours.account, theirs.account)
    yield from _of_states(ours.engine, theirs.engine)


def _of_values(
    family: Family, layer: str, a: Mapping[str, Any], b: Mapping[str, Any]
) -> Iterator[Found]:
    for name in [*a, *(n for n in b if n not in a)]:
        ours, theirs = a.get(name, NOTHING), b.get(name, NOTHING)
        if differs(ours, theirs):
            yield family, layer, name, ours, theirs


def _of_states(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Found]:
    for label in a:
        ours, theirs = (
            {f"{label}.{name}": value for name, value in states[label]._asdict().items()}
            if label in states else {}
            for states in (a, b)
        )  # fmt: skip
        yield from _of_values(Family.LOGIC, "state", ours, theirs)


def _of_events(a: Events, b: Events) -> Iterator[Found]:
    for table, fields in FIELDS.items():
        ours, theirs = ([values[1:] for name, values in e if name == table] for e in (a, b))
        if len(ours) != len(theirs):
            yield Family.LOGIC, table, "rows", _rows_text(ours), _rows_text(theirs)
            return
        for row, other in zip(ours, theirs, strict=True):
            for name, x, y in zip(fields, row, other, strict=True):
                if differs(x, y):
                    names = NAMES.get((table, name))
                    shown = (names[x], names[y]) if names else (x, y)
                    yield Family.LOGIC, table, name, *shown


def _rows_text(rows: Sequence[tuple[Any, ...]]) -> Words:
    """Return how many events there are, and their sequence numbers."""
    if not rows:
        return Words("no event")
    return Words(f"{len(rows)}: sequence {', '.join(str(row[0]) for row in rows)}")
