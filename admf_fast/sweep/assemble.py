"""From the parts of a sweep to one file: rows in the order of the sets, whatever the parts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from admf_fast.atomic import atomic_file
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep.arrays import integers
from admf_fast.sweep.chunk import Chunk, bands_of
from admf_fast.sweep.digest import TableDigest
from admf_fast.sweep.regroup import ROWS_PER_GROUP, regrouped
from admf_fast.sweep.relations import codes_of, digest_array, first_equal, is_dead
from admf_fast.sweep.work import Work

FORMAT = 1
METADATA = "admf.sweep"


@dataclass(frozen=True, slots=True)
class Assembled:
    """What is said of all rows together.

    Attributes
    ----------
    digest : str
        XXH3-128 of the columns: equal for equal results, whatever file they are in.
    failed, same_signals, same_results : int
        Rows with an error; rows whose signals, or whole result, an earlier set gave already.
    dead : tuple of str
        Parameters that changed no result.
    first_error : str
    """

    rows: int
    digest: str
    failed: int
    same_signals: int
    same_results: int
    dead: tuple[str, ...]
    first_error: str = ""


def assemble(
    work: Work, chunks: Sequence[Chunk], schemas: tuple[pa.Schema, pa.Schema], target: Path,
    about: Mapping[str, Any], sets: Sequence[Sequence[Any]], names: Sequence[str], inputs: int,
    known: Mapping[int, pa.Table] = MappingProxyType({}),
) -> Assembled:  # fmt: skip
    """Write the results of complete parts; `schemas` are those of parts and of results.

    `about` goes into the file's metadata; parts whose rows are `known`, by chunk, are not read.
    The bytes of the file are the same however the sweep was cut, interrupted or spread over
    threads. Raises ConfigError when no set came to anything, StateError for a part that is gone.
    """
    parts = Parts(work, chunks, schemas[0], inputs, known)
    signals, results, error, failed = _digests(parts, len(sets), inputs)
    if failed == len(sets) * inputs:
        raise ConfigError(f"sweep: no set can be run: {error}")
    same = {
        "same_signals_as": [first_equal(d) for d in signals],
        "same_result_as": [first_equal(d) for d in results],
    }
    codes = codes_of(sets, len(names))
    dead = tuple(n for k, n in enumerate(names) if is_dead(codes, k, results))
    counts = {n: sum(int(np.count_nonzero(a >= 0)) for a in found) for n, found in same.items()}
    digest = TableDigest()
    rows = 0
    with (
        atomic_file(target) as path,
        pq.ParquetWriter(
            path,
            schemas[1],
            compression="zstd",
            write_page_checksum=True,
            use_dictionary=_repeated(schemas[1]),
        ) as writer,
    ):
        for table in regrouped(_compared(parts, same, schemas[1])):
            digest.update(table)
            rows += table.num_rows
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)
        made = Assembled(
            rows, digest.hexdigest(), failed, counts["same_signals_as"],
            counts["same_result_as"], dead, error,
        )  # fmt: skip
        said = {"format": FORMAT, **about, "digest": made.digest, "dead": list(dead)}
        writer.add_key_value_metadata({METADATA: json.dumps(said, sort_keys=True)})
    return made


def _repeated(schema: pa.Schema) -> list[str]:
    """Return the columns whose values come again: texts. Figures hardly ever do."""
    return [field.name for field in schema if pa.types.is_string(field.type)]


class Parts:
    """The rows of all parts in the order of the sets, those of a set on all inputs together.

    They are gone through more than once; as many as one row group holds are read once. Going
    through them raises StateError for a part that is gone.
    """

    def __init__(
        self, work: Work, chunks: Sequence[Chunk], schema: pa.Schema, inputs: int,
        known: Mapping[int, pa.Table] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.work, self.chunks, self.schema, self.inputs = work, chunks, schema, inputs
        self._known = known
        self._few = sum(len(c.sets) for c in chunks) <= ROWS_PER_GROUP
        self._held: list[pa.Table] = []

    def __iter__(self) -> Iterator[pa.Table]:
        if self._few and not self._held:
            self._held = [*self._tables()]
        return iter(self._held) if self._few else self._tables()

    def _tables(self) -> Iterator[pa.Table]:
        for band in bands_of(self.chunks, self.inputs):
            tables = [self._read(chunk) for chunk in band]
            if len(tables) == 1:
                yield tables[0]
                continue
            places = [self.inputs * np.array(chunk.sets) + chunk.input for chunk in band]
            order = np.argsort(np.concatenate(places))
            yield pa.concat_tables(tables).take(integers(order))

    def _read(self, chunk: Chunk) -> pa.Table:
        table = self._known.get(chunk.number)
        table = self.work.read(chunk.number, self.schema) if table is None else table
        if table is None or table.num_rows != len(chunk.sets):
            raise StateError(
                f"{self.work.part(chunk.number)}: was damaged or removed while the sweep ran; "
                "run it again, finished parts are kept"
            )
        return table


def _digests(
    parts: Parts, sets: int, inputs: int
) -> tuple[list[NDArray[Any]], list[NDArray[Any]], str, int]:
    """Return the digests of signals and results for each input, the first error, how many."""
    signals: list[str | None] = []
    results: list[str | None] = []
    first_error, failed = "", 0
    for table in parts:
        signals += table["signals_digest"].to_pylist()
        results += table["result_digest"].to_pylist()
        errors = table["error"].drop_null()
        failed += len(errors)
        first_error = first_error or (errors[0].as_py() if len(errors) else "")
    by_input = [
        [digest_array(column[k::inputs]) for k in range(inputs)] for column in (signals, results)
    ]
    assert all(len(a) == sets for found in by_input for a in found)
    return by_input[0], by_input[1], first_error, failed


def _compared(
    parts: Parts, same: Mapping[str, Sequence[NDArray[np.int64]]], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield the rows with the columns that compare them."""
    first = 0
    for table in parts:
        sets = table.num_rows // parts.inputs
        columns = {name: table[name] for name in table.column_names if name in schema.names}
        for name, found in same.items():
            values = np.stack([a[first : first + sets] for a in found], axis=1).ravel()
            columns[name] = integers(np.maximum(values, 0), values >= 0)
        yield pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
        first += sets
