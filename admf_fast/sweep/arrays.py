"""Arrow arrays from plain values by their buffers.

`pyarrow.array` imports pandas where that is installed, for a quarter of a second.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def array_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return values as an array of integers, floats, truths, texts or lists of texts.

    None is null; it may not stand in a list of texts, nor for one.
    """
    if pa.types.is_list(kind):
        offsets = np.cumsum([0, *(len(value) for value in values)]).astype(np.int32)
        inner = array_of([text for value in values for text in value], pa.string())
        buffers = [None, pa.py_buffer(offsets)]
        return pa.Array.from_buffers(kind, len(values), buffers, children=[inner])
    whole = None not in values
    valid = np.array([whole or value is not None for value in values], np.bool_)
    if pa.types.is_string(kind):
        encoded = [b"" if value is None else value.encode() for value in values]
        offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
        buffers = [_bits(valid), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
        return pa.Array.from_buffers(kind, len(values), buffers)
    if pa.types.is_boolean(kind):
        truths = np.array([bool(value) for value in values], np.bool_)
        return pa.Array.from_buffers(kind, len(values), [_bits(valid), _bits(truths)])
    numbers = np.float64 if pa.types.is_floating(kind) else np.int64
    known = values if whole else [0 if value is None else value for value in values]
    data = np.array(known, numbers)
    return pa.Array.from_buffers(kind, len(values), [_bits(valid), pa.py_buffer(data)])


def integers(values: NDArray[np.int64], valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return int64 numbers as an array; null where not `valid`."""
    data = pa.py_buffer(np.ascontiguousarray(values))
    bits = None if valid is None else _bits(valid)
    return pa.Array.from_buffers(pa.int64(), len(values), [bits, data])


def _bits(truths: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(truths, bitorder="little"))


def numbers_of(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of 64-bit numbers, or of truths, as NumPy values; nulls are anything."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if not len(array):
        return np.zeros(0, np.int64)
    first, last = array.offset, array.offset + len(array)
    data = array.buffers()[1]
    if pa.types.is_boolean(array.type):
        bits: NDArray[Any] = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[first:last]
    kind = np.float64 if pa.types.is_floating(array.type) else np.int64
    values: NDArray[Any] = np.frombuffer(data, kind)
    return values[first:last]
