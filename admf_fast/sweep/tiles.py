"""Which sets are computed beside each other: those that share features.

The sets of a chunk compute each distinct feature once. A row of a grid of two moving averages
has nearly as many features as sets, a square of it few. So a grid is gone through in tubes: some
values of each axis but one, along which the tube runs, back and forth; and what is gone through is
cut into chunks of one size, wherever conditions have left sets out. How wide the tubes are follows
from which axes change which columns. Sets are put in order again band by band.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_fast.sweep.relations import codes_of
from admf_fast.sweep.space import Space
from admf_fast.sweep.variants import Variants

# Of a band: rows that are put in order in memory, and parts that are open at once.
BAND_ROWS, BAND_PARTS = 65_536, 256

Sets = Sequence[Sequence[Any]]
Groups = Sequence[Sequence[int]]


def tiles_of(
    space: Space, sets: Sets, variants: Variants, size: int, inputs: int = 1
) -> list[list[int]]:
    """Return the numbers of the sets of each chunk, at most `size`, each in rising order.

    They follow from the arguments alone. On each of the `inputs` there are such chunks.
    """
    if len(sets) <= size or space.is_drawn:
        return in_rows(len(sets), size)
    groups = space.groups or tuple((k,) for k in range(len(space.axes)))
    ranks = _ranks(sets, len(space.axes), groups)
    counts = [int(count) for count in ranks.max(axis=0) + 1]
    most = max(size, min(BAND_ROWS // inputs, BAND_PARTS // inputs * size))
    box = box_of(counts, _columns(variants, sets, ranks), size, most)
    return [tile for band in _bands(ranks, box, most) for tile in _cut(ranks, box, band, size)]


def in_rows(count: int, size: int) -> list[list[int]]:
    """Return consecutive numbers, `size` at a time."""
    return [[*range(first, min(first + size, count))] for first in range(0, count, size)]


def box_of(counts: Sequence[int], columns: Sequence[set[int]], size: int, most: int) -> list[int]:
    """Return how many values of each axis a box has: at most `size` sets, in few columns.

    Its sets lie among at most so many consecutive ones.

    Parameters
    ----------
    counts : sequence of int
        Values of each axis, the last of which moves fastest.
    columns : sequence of set of int
        For each column that a set reads, the axes that make it another.
    """
    box = [1] * len(counts)
    while True:
        larger = [_grown(box, counts, axis) for axis in range(len(box)) if box[axis] < counts[axis]]
        fitting = [b for b in larger if math.prod(b) <= size and _span(b, counts) <= most]
        if not fitting:
            return box
        # Of equal ones that which grows along the fastest axis.
        box = min(reversed(fitting), key=lambda b: _columns_per_set(b, columns))


def _grown(box: Sequence[int], counts: Sequence[int], axis: int) -> list[int]:
    """Return the box with an axis cut into one piece less, all about equal."""
    pieces = -(-counts[axis] // box[axis]) - 1
    return [-(-counts[k] // pieces) if k == axis else b for k, b in enumerate(box)]


def _span(box: Sequence[int], counts: Sequence[int]) -> int:
    """Return among how many consecutive sets those of a box lie."""
    wide = _first_wide(box)
    return math.prod(counts[wide + 1 :]) * box[wide]


def _columns_per_set(box: Sequence[int], columns: Sequence[set[int]]) -> float:
    return sum(math.prod(box[axis] for axis in axes) for axes in columns) / math.prod(box)


def _ranks(sets: Sets, axes: int, groups: Groups) -> NDArray[np.int64]:
    """Return the place of each set on the axis of each group, (sets, groups)."""
    codes = codes_of(sets, axes)
    alone = [codes[:, group[0]] for group in groups if len(group) == 1]
    if len(alone) == len(groups):
        return np.stack(alone, axis=1)
    rows = [np.unique(codes[:, list(g)], axis=0, return_inverse=True)[1].ravel() for g in groups]
    return np.stack(rows, axis=1)


def _columns(variants: Variants, sets: Sets, ranks: NDArray[np.int64]) -> list[set[int]]:
    """Return for each column that a set reads, which axes make it another."""
    found: list[set[int]] = [set() for _ in _sources(variants, sets[0])]
    for axis in range(ranks.shape[1]):
        one, other = (_sources(variants, sets[k]) for k in _pair(ranks, axis))
        for k, axes in enumerate(found):
            # Nothing is known where no two sets differ in it alone, or they read other columns.
            if len(one) != len(found) or len(other) != len(found) or one[k] != other[k]:
                axes.add(axis)
    return found


def _pair(ranks: NDArray[np.int64], axis: int) -> tuple[int, int]:
    """Return two sets that differ in an axis alone; the first and the last if there are none."""
    others = np.delete(ranks, axis, axis=1)
    order = np.lexsort((*others.T, np.zeros(len(ranks))))
    same = np.flatnonzero((others[order][1:] == others[order][:-1]).all(axis=1))
    places = order[same[0] : same[0] + 2] if len(same) else (0, len(ranks) - 1)
    return int(places[0]), int(places[1])


def _sources(variants: Variants, values: Sequence[Any]) -> list[Any]:
    """Return the columns that a set reads; none of one that is refused."""
    variant = variants.at(values)
    if variant.setup is None:
        return []
    setup = variant.setup
    reads = setup.strategy.columns_for(variant.params, adjusted=setup.actions is not None)
    return [*reads.values(), *setup.inputs.values()]


def _bands(ranks: NDArray[np.int64], box: Sequence[int], most: int) -> Iterator[range]:
    """Yield consecutive sets, at most so many, that no tube leaves."""
    wide = _first_wide(box)
    shared = ranks[:, : wide + 1] // np.array(box[: wide + 1])
    ends = [*(np.flatnonzero((shared[1:] != shared[:-1]).any(axis=1)) + 1).tolist(), len(ranks)]
    first = last = 0
    for end in ends:
        if end - first > most and last > first:
            yield range(first, last)
            first = last
        last = end
    yield range(first, last)


def _first_wide(box: Sequence[int]) -> int:
    """Return the slowest axis of which a box has several values."""
    return next((k for k, b in enumerate(box) if b > 1), len(box) - 1)


def _cut(
    ranks: NDArray[np.int64], box: Sequence[int], band: range, size: int
) -> Iterator[list[int]]:
    """Yield the sets of the chunks of a band, all about equally many."""
    own = ranks[band.start : band.stop]
    along = max((k for k, b in enumerate(box) if b > 1), default=len(box) - 1)
    tubes = own // np.array([1 if k == along else b for k, b in enumerate(box)])
    tubes[:, along] = 0
    number = np.unique(tubes, axis=0, return_inverse=True)[1].ravel()
    back_and_forth = np.where(number % 2 == 0, own[:, along], -own[:, along])
    order = np.lexsort((np.arange(len(own)), back_and_forth, number))
    for piece in np.array_split(order, -(-len(own) // size)):
        yield sorted((band.start + piece).tolist())
