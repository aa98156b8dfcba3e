"""What the sets of a sweep have to do with each other: which gave the same, what changed nothing.

Two sets of one input have the same signals when the digests of their SIGNAL events agree, and
the same result when all figures do too. A parameter is dead when sets that differ in it alone
always have the same result.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGEST = "S32"
NOTHING = b""


def digest_array(texts: Sequence[str | None]) -> NDArray[Any]:
    """Return digests as bytes, empty for a row without one; shape (rows,)."""
    return np.array([(text or "").encode() for text in texts], DIGEST)


def first_equal(digests: NDArray[Any]) -> NDArray[np.int64]:
    """Return, for each row, the first earlier row with an equal digest; -1 for none."""
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    found = first[inverse].astype(np.int64)
    own = np.arange(len(digests))
    found[(found == own) | (digests == NOTHING)] = -1
    return found


def codes_of(sets: Sequence[Sequence[Any]], axes: int) -> NDArray[np.int64]:
    """Return the values of sets as numbers, equal ones alike; shape (sets, axes)."""
    found = np.empty((len(sets), axes), np.int64)
    for k in range(axes):
        column = [values[k] for values in sets]
        whole = set(map(type, column)) <= {int}
        keys = column if whole else [repr(value) for value in column]
        number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
        found[:, k] = [number[key] for key in keys]
    return found


def is_dead(codes: NDArray[np.int64], axis: int, results: Sequence[NDArray[Any]]) -> bool:
    """Whether an axis changed no result on any input, where sets differ in it alone.

    False also where no two sets do: then nothing is known.
    """
    others = np.delete(codes, axis, axis=1)
    order = np.lexsort((*others.T, np.zeros(len(codes))))
    same_others = (others[order][1:] == others[order][:-1]).all(axis=1)
    pairs = 0
    for digests in results:
        sorted_digests = digests[order]
        both = (sorted_digests[1:] != NOTHING) & (sorted_digests[:-1] != NOTHING)
        compared = same_others & both
        if (sorted_digests[1:][compared] != sorted_digests[:-1][compared]).any():
            return False
        pairs += int(np.count_nonzero(compared))
    return pairs > 0
