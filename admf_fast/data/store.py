"""Bars out: the schema and the options of the Parquet files this package writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from admf_fast.data.block import VALUE_COLUMNS, BarBlock
from admf_fast.data.declared import metadata_of

if TYPE_CHECKING:
    from admf_fast.data.spec import BarSpec


def bars_schema(spec: BarSpec, symbol: str, source: str) -> pa.Schema:
    """Return timestamp[ns, UTC] and five float64, with metadata that declares `spec`."""
    fields = [pa.field("timestamp", pa.timestamp("ns", "UTC"), nullable=False)]
    fields += [pa.field(name, pa.float64(), nullable=False) for name in VALUE_COLUMNS]
    return pa.schema(fields, metadata_of(spec, symbol, source))


def to_batch(block: BarBlock, schema: pa.Schema, shift_ns: int = 0) -> pa.RecordBatch:
    """Return `block` as a batch of `bars_schema`, its times moved back by `shift_ns`."""
    times = pa.array(block.ts_ns - shift_ns).view(schema.field("timestamp").type)
    values = [pa.array(column) for column in block.columns()[1:]]
    return pa.RecordBatch.from_arrays([times, *values], schema=schema)


def writer_options() -> dict[str, Any]:
    """Return ParquetWriter options: fast to decode, checked by page, the same bytes every time."""
    return {
        "compression": "lz4",
        "use_dictionary": False,
        "column_encoding": {
            "timestamp": "DELTA_BINARY_PACKED",
            **dict.fromkeys(VALUE_COLUMNS, "PLAIN"),
        },
        "write_page_checksum": True,
        "store_schema": True,
    }
