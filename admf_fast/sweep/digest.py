"""A digest of a table that depends on its rows alone."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from admf_fast.sweep.arrays import numbers_of


class TableDigest:
    """XXH3-128 over the columns of a table, whatever the cuts and the file."""

    def __init__(self) -> None:
        self._hashers: dict[str, Any] = {}

    def update(self, table: pa.Table) -> None:
        """Append rows."""
        for name in table.column_names:
            hasher = self._hashers.setdefault(name, xxhash.xxh3_128())
            column = table[name]
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.int64())
            if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
                valid = numbers_of(column.is_valid())
                hasher.update(valid.tobytes())
                hasher.update(np.where(valid != 0, numbers_of(column), 0).tobytes())
            else:
                hasher.update(json.dumps(column.to_pylist()).encode())

    def hexdigest(self) -> str:
        """Return the digest of all rows so far."""
        total = xxhash.xxh3_128()
        for name, hasher in sorted(self._hashers.items()):
            total.update(name.encode() + b"\0" + hasher.digest())
        return total.hexdigest()
