"""Arrow arrays as numpy, without the detour that imports pandas where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_numpy(array: pa.Array) -> NDArray[Any]:
    """Return the values of an array; a view where it is a number without nulls.

    ``Array.to_numpy`` gives the same but asks pandas for its opinion first, and importing
    that takes a quarter of a second.
    """
    kind = array.type
    if array.null_count or not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return array.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
    values = array.buffers()[1]
    if values is None or len(array) == 0:
        return np.empty(0, kind.to_pandas_dtype())
    found = np.frombuffer(values, kind.to_pandas_dtype(), len(array) + array.offset)
    return found[array.offset :]
