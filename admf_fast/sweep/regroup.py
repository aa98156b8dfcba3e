"""Rows in groups of one size, however they come: a file then has the same bytes."""

from collections.abc import Iterator

import pyarrow as pa

ROWS_PER_GROUP = 65_536


def regrouped(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows in tables of `ROWS_PER_GROUP`."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        while rows >= ROWS_PER_GROUP:
            whole = pa.concat_tables(held).combine_chunks()
            yield whole.slice(0, ROWS_PER_GROUP)
            held = [whole.slice(ROWS_PER_GROUP)]
            rows -= ROWS_PER_GROUP
    if rows or not held:
        yield pa.concat_tables(held).combine_chunks()
