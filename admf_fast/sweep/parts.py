"""The part of a chunk: its sets are run, and their rows and events written."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from admf_fast.sweep.bars import Bars
from admf_fast.sweep.chunk import Chunk, ChunkRun, Done
from admf_fast.sweep.events import events_schema, events_tables
from admf_fast.sweep.lanes import LaneResult
from admf_fast.sweep.table import Row, part_schema, row_of, shown, table_of
from admf_fast.sweep.variants import Variants
from admf_fast.sweep.work import Work

Sets = Sequence[Sequence[Any]]


class PartMaker:
    """Makes the parts of a sweep, whichever process it is in.

    Parameters
    ----------
    variants : Variants
    types : dict of DataType
        Of the parameters' columns, by name, in the order of a set's values.
    keep : collection of str
        Tables of events to write besides the rows.
    done : function of int, optional
        Called with bars times sets while a part is made.
    """

    def __init__(
        self, variants: Variants, types: Mapping[str, pa.DataType], keep: Collection[str],
        done: Done = lambda count: None,
    ) -> None:  # fmt: skip
        self.types, self.keep = types, tuple(keep)
        self.schema = part_schema(types)
        self.runner = ChunkRun(variants, keep, done=done)

    @property
    def schemas(self) -> dict[str, pa.Schema]:
        """The schemas of all tables of a part."""
        return {"rows": self.schema} | {name: events_schema(name) for name in self.keep}

    def is_there(self, work: Work, chunk: Chunk) -> bool:
        """Whether a chunk has a part, whole and undamaged."""
        return all(
            work.is_whole(chunk.number, schema, name) for name, schema in self.schemas.items()
        )

    def make(self, work: Work, chunk: Chunk, sets: Sets, bars: Bars) -> pa.Table:
        """Run the sets of a chunk and write its part; returns its rows."""
        self.runner.folder = work.folder
        return self._write(work, chunk, sets, bars, self.runner.results(sets, bars))

    def refuse(self, work: Work, chunk: Chunk, sets: Sets, bars: Bars, reason: str) -> None:
        """Write the part of a chunk that cannot be run, with the reason in every row."""
        self._write(work, chunk, sets, bars, [reason] * len(sets))

    def join(self, work: Work, pieces: Sequence[Chunk], chunk: Chunk) -> None:
        """Write the part of a chunk from those of its pieces, which are removed."""
        for name, schema in sorted(self.schemas.items(), reverse=True):  # rows come last
            tables = (t for piece in pieces for t in work.tables(piece.number, schema, name))
            work.write_all(chunk.number, tables, schema, name)
        for piece in pieces:
            for name in self.schemas:
                work.part(piece.number, name).unlink(missing_ok=True)

    def _write(
        self, work: Work, chunk: Chunk, sets: Sets, bars: Bars,
        results: Sequence[LaneResult | str],
    ) -> pa.Table:  # fmt: skip
        rows: list[Row] = []
        for k, (values, result) in enumerate(zip(sets, results, strict=True)):
            pairs = zip(self.types.values(), values, strict=True)
            params = [shown(value, kind) for kind, value in pairs]
            rows.append(row_of(chunk.sets[k], bars.symbol, params, bars.count, result))
        for name in self.keep:
            events = events_tables(name, chunk.sets, bars.symbol, results)
            work.write_all(chunk.number, events, self.schemas[name], name)
        # The rows come last: where they are, all is.
        table = table_of(rows, self.schema)
        work.write(chunk.number, table)
        return table
