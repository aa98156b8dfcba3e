"""What a file says about itself before its rows are read."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class FileShape:
    """Schema (with its metadata) and number of rows, None when only reading tells."""

    schema: pa.Schema
    rows: int | None

    def __post_init__(self) -> None:
        # Arrow decodes names lazily: a damaged one should fail here, where the file is known.
        for field in self.schema:
            _ = field.name, getattr(field.type, "tz", None)
