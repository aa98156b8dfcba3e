"""The columns of a sweep's results."""

from typing import get_type_hints

import pyarrow as pa

from admf_kernels.execution.summary import Summary

# Of a row: which set on which input it is. The parameters follow, then the figures.
HEAD = (("set", pa.int64()), ("symbol", pa.string()))
FIGURES = tuple(
    (name, pa.int64() if kind is int else pa.float64())
    for name, kind in get_type_hints(Summary).items()
)
# What is said of a row besides its figures. `error` is why a set gave none; `same_signals_as`
# and `same_result_as` name the first set of the same input that gave the same.
TAIL = (
    ("signals_digest", pa.string()),
    ("warnings", pa.list_(pa.string())),
    ("error", pa.string()),
)
COMPARED = (("same_signals_as", pa.int64()), ("same_result_as", pa.int64()))
# Only in the parts of a sweep: a digest of all figures and the signals.
RESULT_DIGEST = ("result_digest", pa.string())
TAKEN = frozenset(name for name, _ in (*HEAD, *FIGURES, *TAIL, *COMPARED, RESULT_DIGEST))
