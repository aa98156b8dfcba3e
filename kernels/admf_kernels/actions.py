"""Splits and dividends of one instrument, and the columns made of them.

Prices come in as they were traded. An action takes effect on the first bar that closes after
its time and whose predecessor did not: before the open of that bar. Positions and orders are
restated there (`execution.actions`), and from there on the prices that features and
strategies see are carried **forward**: multiplied by a factor that grows with every action.
What was seen before never changes, whatever comes later.

=================  ======================================================================
``split``          new units for one old, 1.0 on a bar without
``dividend``       price units per unit held before the bar's open, 0.0 on a bar without
``adjustment``     factor of the prices: 1.0 before the first action of the table, then times
                   ``split * reference / (reference - dividend)`` at each
``units``          product of the splits: what volumes are divided by
``adjusted_open``  the price times ``adjustment``; high, low and close alike
``adjusted_volume``  the volume divided by ``units``
=================  ======================================================================

The reference is the last price before the action. Where the table does not say it, it is the
close of the bar before; the dividends before a run's first bar then have no part in its
factor.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_kernels.codegen.text import indent
from admf_kernels.contract import PRICE_COLUMNS
from admf_kernels.errors import KernelError

BAD_DIVIDEND = 5  # status of the driver on a bar before which more is paid than the price was
SPLIT_MAX = 1e4
FACTOR_MAX = 1e9
ADJUSTED = {name: f"adjusted_{name}" for name in PRICE_COLUMNS}
ACTION_COLUMNS = ("split", "dividend", "adjustment", "units", *ADJUSTED.values())

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Actions:
    """The splits and dividends of one instrument, in order of time.

    Attributes
    ----------
    ts_ns : int64 (actions,)
        When each takes effect, UTC, rising.
    split : float64 (actions,)
        New units for one old; 1.0 for none.
    dividend : float64 (actions,)
        Price units per old unit, paid to who holds before it; 0.0 for none.
    reference : float64 (actions,)
        The last price before it, per old unit; 0.0 where the close of the bar before counts.
    """

    ts_ns: Longs
    split: Floats
    dividend: Floats
    reference: Floats

    def __post_init__(self) -> None:
        for field in fields(self):
            kind = np.int64 if field.name == "ts_ns" else np.float64
            kept = np.ascontiguousarray(getattr(self, field.name), kind).copy()
            kept.flags.writeable = False
            object.__setattr__(self, field.name, kept)
        shapes = {getattr(self, f.name).shape for f in fields(self)}
        if len(shapes) != 1 or self.ts_ns.ndim != 1 or not (np.diff(self.ts_ns) > 0).all():
            raise KernelError("actions: expected columns of one length, their times rising")
        paid, before = self.dividend, self.reference
        usable = (self.split >= 1.0 / SPLIT_MAX) & (self.split <= SPLIT_MAX)
        usable &= (paid >= 0.0) & (before >= 0.0) & np.isfinite(before)
        usable &= (before == 0.0) | (paid < before)
        if usable.all():
            factors = self.factors
            usable = (factors > 1.0 / FACTOR_MAX) & (factors < FACTOR_MAX)
        if not usable.all():
            raise KernelError(
                f"actions: expected splits up to {SPLIT_MAX:g} for one, dividends from 0 to below "
                f"the reference price, and factors up to {FACTOR_MAX:g}"
            )

    def __len__(self) -> int:
        return len(self.ts_ns)

    @property
    def growth(self) -> Floats:
        """By what each action multiplies the factor; 0.0 where only the bar before says it."""
        known = (self.dividend == 0.0) | (self.reference > 0.0)
        before = np.where(self.reference > 0.0, self.reference, 1.0)
        paid = np.where(known, self.dividend, 0.0)
        made: Floats = np.where(known, self.split * (before / (before - paid)), 0.0)
        return made

    @property
    def factors(self) -> Floats:
        """The factor before each action and after the last, dividends without price left out."""
        growth = self.growth
        return _products(np.where(growth > 0.0, growth, self.split))

    @property
    def units(self) -> Floats:
        """The product of the splits before each action and after the last."""
        return _products(self.split)

    @property
    def digest(self) -> str:
        """The sha256 of all columns."""
        return self.digest_until(None)

    def digest_until(self, ts_ns: int | None) -> str:
        """Return the sha256 of what has taken effect on bars that close up to a time."""
        count = len(self) if ts_ns is None else int(np.searchsorted(self.ts_ns, ts_ns))
        hashed = hashlib.sha256(b"actions")
        for field in fields(self):
            kind = "<i8" if field.name == "ts_ns" else "<f8"
            hashed.update(getattr(self, field.name)[:count].astype(kind).tobytes())
        return hashed.hexdigest()

    def table(self) -> list[Any]:
        """Return what the driver's table holds between the bar and the outputs."""
        made = [self.growth, self.factors, self.units]
        return [len(self), self.ts_ns, self.split, self.dividend, *made]


def actions_of(rows: Iterable[tuple[int, float, float, float]]) -> Actions:
    """Return a table from rows of (ts_ns, split, dividend, reference), in order of time."""
    found = [*rows]
    columns = [np.array([row[k] for row in found]) for k in range(4)]
    return Actions(columns[0].astype(np.int64), *columns[1:])


def _products(growth: Floats) -> Floats:
    """Return the running product from 1.0 on, multiplied one after the other."""
    made = np.ones(len(growth) + 1)
    for k, value in enumerate(growth.tolist()):
        made[k + 1] = made[k] * value
    return made


NO_ACTIONS = actions_of([])


def describe() -> str:
    """Return what the columns are made by, for digests."""
    return f"\nactions {hashlib.sha256(SOURCE.encode()).hexdigest()}"


NAMES = ("open", "high", "low", "close", "volume")
EVENTS = ("at", "splits", "paid", "growth", "factors", "products")
# Of the first row: the actions before it. A row before that one is known by its factor.
FIND = """\
known = adjustment[start - 1] == adjustment[start - 1]
since = times[start - 1] if known else times[start]
low = 0
high = count
while low < high:
    middle = (low + high) // 2
    if at[middle] < since:
        low = middle + 1
    else:
        high = middle
k = low
factor = adjustment[start - 1] if known else factors[k]
unit = units[start - 1] if known else products[k]
"""
# Several actions before one bar: each is in the units that the ones before it have left.
APPLY = f"""\
ratio = 1.0
total = 0.0
before = close[t - 1]
while k < count and at[k] < times[t]:
    if growth[k] > 0.0:
        factor *= growth[k]
    elif paid[k] < before:
        factor *= splits[k] * (before / (before - paid[k]))
    else:
        return {BAD_DIVIDEND} + 16 * t
    total += ratio * paid[k]
    before = (before - paid[k]) / splits[k]
    ratio *= splits[k]
    unit *= splits[k]
    k += 1
split[t] = ratio
dividend[t] = total
edge = t + 1
while edge < stop and (k == count or times[edge] <= at[k]):
    split[edge] = 1.0
    dividend[edge] = 0.0
    edge += 1
for row in range(t, edge):
    adjustment[row] = factor
    units[row] = unit
    adjusted_open[row] = open[row] * factor
    adjusted_high[row] = high_price[row] * factor
    adjusted_low[row] = low_price[row] * factor
    adjusted_close[row] = close[row] * factor
    adjusted_volume[row] = volume[row] / unit
t = edge
"""


def _source() -> str:
    bar = ("open", "high_price", "low_price", "close", "volume")
    outputs = len(NAMES) + 2 + len(EVENTS)
    lines = [
        "times = words_at(table[0])",
        *(f"{name} = floats_at(table[{1 + k}])" for k, name in enumerate(bar)),
        "count = table[6]",
        "at = words_at(table[7])",
        *(f"{name} = floats_at(table[{8 + k}])" for k, name in enumerate(EVENTS[1:])),
        *(f"{name} = floats_at(table[{outputs + k}])" for k, name in enumerate(ACTION_COLUMNS)),
        *("if start >= stop:", "    return 0"),
        *FIND.splitlines(),
        "t = start",
        "while t < stop:",
        *indent(APPLY.splitlines()),
        "return 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(lines)]) + "\n"


# Table: the bar columns, how many actions, their columns, growth, factors and products, then
# one pointer per output. It keeps no state of its own: the row before the first says it all.
SOURCE = _source()
