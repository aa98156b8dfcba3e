"""Arrow batches to raw numpy columns: views where the types allow, loss-free casts elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from admf_fast.data.arrow import as_numpy
from admf_fast.data.block import VALUE_COLUMNS, BarBlock
from admf_fast.data.place import Place
from admf_fast.data.times import TimeReader
from admf_fast.errors import BarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from admf_fast.data.spec import BarSpec

_EXACT_INTEGER_MAX: Final = 2**53  # beyond it float64 skips integers


@dataclass(slots=True)
class RawBlock:
    """Columns before validation.

    Attributes
    ----------
    bars : BarBlock
        Converted to ns of the close and to float64; a null is 0 in `ts_ns`, NaN elsewhere.
    place : Place
        The input, for errors.
    row : int
        Number in the input of the first row, counted from 0 as in a data frame.
    nulls : dict[str, bool[n]]
        Where a standard column was null; no entry for a column without nulls.
    """

    bars: BarBlock
    place: Place
    row: int
    nulls: dict[str, NDArray[np.bool_]] = field(default_factory=dict)


class BatchReader:
    """Converts the batches of one input, in order.

    Parameters
    ----------
    place
        The input, for errors, and where its columns are.
    spec, timeframe_ns
        What its times mean.
    """

    def __init__(self, place: Place, spec: BarSpec, timeframe_ns: int) -> None:
        self._place = place
        self._names = place.columns
        self._times = TimeReader(place, spec)
        self._shift_ns = timeframe_ns if spec.stamp == "open" else 0
        self.row = 0

    def read(self, batch: pa.RecordBatch) -> RawBlock:
        """Return the columns of `batch`; BarError when a value cannot be converted exactly."""
        nulls: dict[str, NDArray[np.bool_]] = {}
        ts_ns, null_times = self._times.read(batch.column(self._names["timestamp"]), self.row)
        if null_times is not None:
            nulls["timestamp"] = null_times
        if self._shift_ns:
            ts_ns = self._shifted(ts_ns)
        values = [self._values(batch, name, nulls) for name in VALUE_COLUMNS]
        raw = RawBlock(BarBlock(ts_ns, *values), self._place, self.row, nulls)
        self.row += batch.num_rows
        return raw

    def _shifted(self, ts_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        limit = np.iinfo(np.int64).max - self._shift_ns
        if len(ts_ns) and int(ts_ns.max()) > limit:
            row = self.row + int(np.argmax(ts_ns > limit))
            raise BarError(
                f"{self._place.cell(row, 'timestamp')}: the bar closes after 2262; check its unit"
            )
        return ts_ns + self._shift_ns

    def _values(
        self, batch: pa.RecordBatch, name: str, nulls: dict[str, NDArray[np.bool_]]
    ) -> NDArray[np.float64]:
        if name not in self._names:
            return np.zeros(batch.num_rows)
        array = batch.column(self._names[name])
        if array.null_count:
            nulls[name] = array.is_null().to_numpy(zero_copy_only=False)
        if pa.types.is_integer(array.type):
            return self._from_integers(array, name, nulls.get(name))
        # Zero-copy for float64 without nulls; a null becomes NaN, told apart by `nulls`.
        values = as_numpy(array)
        # Copies only what is narrower, or what a foreign producer left unaligned.
        return np.require(values, np.float64, ["C", "A"])

    def _from_integers(
        self, array: pa.Array, name: str, null: NDArray[np.bool_] | None
    ) -> NDArray[np.float64]:
        values = as_numpy(array if null is None else array.fill_null(0))
        inexact = (values > _EXACT_INTEGER_MAX) | (values < -_EXACT_INTEGER_MAX)
        if values.itemsize == 8 and inexact.any():
            at = int(np.argmax(inexact))
            raise BarError(
                f"{self._place.cell(self.row + at, name)}: {values[at]} cannot be "
                "a float64 without loss (more than 2**53); rescale the column"
            )
        result = values.astype(np.float64)
        if null is not None:
            result[null] = np.nan
        return result
