"""A sweep whose sets are proposed while it runs: ask for a batch, run it as lanes, tell.

What is proposed depends on the seed and the figures alone. So a stopped search goes on as a
stopped sweep does: it is gone through again from the start, and finished parts are read
instead of made.
"""

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from admf_fast.config import Config, SearchSpec
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep.chunk import Chunk, chunks_of
from admf_fast.sweep.dask_cluster import DaskSpec
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.engine import Progress, Watched
from admf_fast.sweep.identity import inputs_digests
from admf_fast.sweep.proposals import ORDERED_MAX, Proposals, versions
from admf_fast.sweep.replaying import variants_of
from admf_fast.sweep.result import Best, SweepResult
from admf_fast.sweep.run import Sweep, check_size, check_target, opened_for
from admf_fast.sweep.show import figure_of
from admf_fast.sweep.space import Axis
from admf_fast.sweep.table import param_types, shown
from admf_fast.sweep.work import Work, open_work, remove

# Of a chunk of a batch, whatever the threads: a search goes on with the parts of any other number.
CHUNK_SETS = 32


def run_search(
    config: Config, target: Path, data: object | None = None, *, threads: int | None = None,
    progress: Progress | None = None, dask: DaskSpec | None = None,
) -> SweepResult:  # fmt: skip
    """Search the space of ``sweep`` as ``sweep.search`` says; results are those of a sweep.

    Parameters and errors are those of `run_sweep`. There is a row for each set that was
    proposed, in the order of the proposals.
    """
    check_target(target)
    space = space_of(config)
    assert space.search is not None
    figure_of(space.search.metric)
    proposals = Proposals(space, space.search)
    variants = variants_of(config, space)
    inputs = opened_for(variants, config, data, dask)
    bars = sum(one.count for one in inputs)
    check_size(space, bars)
    started = time.perf_counter()
    types = param_types(space.axes, _some_sets(space.axes))
    cores = threads or len(os.sched_getaffinity(0))
    sweep = Sweep(config, variants, space, [], inputs, cores, dask, types=types, apart=data is None)
    searched = {"search": {**msgspec.to_builtins(space.search), **versions()}}
    asked = [msgspec.json.encode(config.sweep).decode()]
    digests = inputs_digests(config, variants, sweep.names, asked, inputs, sweep.keep) | searched
    with open_work(target) as work:
        _, note = work.begin(digests, CHUNK_SETS)
        search = _Search(sweep, work, proposals, progress)
        search.run()
        digests["search"] |= search.counts
        try:
            found = sweep.finish(work, digests, target)
        except ConfigError:  # no set can be run, and none ever will
            remove(work)
            raise
        remove(work)
    return SweepResult(
        target, len(sweep.sets), bars, tuple(b.symbol for b in inputs), sweep.watched.done,
        time.perf_counter() - started, sweep.watched.threads, len(search.chunks), search.kept,
        found, (note,) if note else (), sweep.watched.engine, sweep.watched.workers,
        search.best(),
    )  # fmt: skip


def _some_sets(axes: Sequence[Axis]) -> list[tuple[Any, ...]]:
    """Return values of every axis that have all types that it can have."""
    columns = []
    for axis in axes:
        count = min(axis.values.count, ORDERED_MAX)
        values = [axis.values.at(k) for k in range(count)] or [0.5]
        columns.append([*values, axis.otherwise])
    longest = max(map(len, columns), default=0)
    return [tuple(column[min(k, len(column) - 1)] for column in columns) for k in range(longest)]


class _Search:
    """The batches of one search, one after the other."""

    def __init__(
        self, sweep: Sweep, work: Work, proposals: Proposals, progress: Progress | None
    ) -> None:
        self.sweep, self.work, self.proposals = sweep, work, proposals
        self.spec: SearchSpec = proposals.spec
        self.sets: list[tuple[Any, ...]] = []
        self.chunks: list[Chunk] = []
        self.figures: list[float | None] = []
        self.kept = 0
        self._progress = progress and (lambda watched: progress(self._whole(watched)))

    def _whole(self, watched: Watched) -> Watched:
        bars = sum(one.count for one in self.sweep.inputs)
        return replace(watched, total=self.spec.trials * bars)

    @property
    def counts(self) -> Mapping[str, int]:
        """What became of the proposals."""
        found = self.proposals
        return {"proposed": found.trials, "repeated": found.repeated, "refused": found.refused}

    def run(self) -> None:
        """Go through all batches; ConfigError when `where` leaves nothing to run."""
        while batch := self.proposals.ask():
            first = len(self.sets)
            self.sets += batch
            self.sweep.sets = self.sets
            chunks = self._chunks(first, len(self.sets))
            self._forget_others(chunks)
            self.kept += self.sweep.run(self.work, chunks, self._progress)
            self.chunks += chunks
            figures = self._figures(chunks, first)
            self.proposals.tell(figures)
            self.figures += figures
        if not self.sets:
            raise ConfigError("sweep: no set that was proposed meets the conditions of sweep.where")
        self.sweep.chunks = self.chunks

    def _chunks(self, first: int, last: int) -> list[Chunk]:
        """Return the chunks of new sets, numbered after those that were."""
        starts = range(first, last, CHUNK_SETS)
        tiles = [range(start, min(start + CHUNK_SETS, last)) for start in starts]
        return chunks_of(tiles, len(self.sweep.inputs), len(self.chunks))

    def _forget_others(self, chunks: Sequence[Chunk]) -> None:
        """Remove parts of other sets than these: figures that differ would lead elsewhere."""
        types = self.sweep.types
        for chunk in chunks:
            table = self.work.read(chunk.number, self.sweep.maker.schema)
            if table is None:
                continue
            for k, (name, kind) in enumerate(types.items()):
                expected = [shown(v[k], kind) for v in map(self.sets.__getitem__, chunk.sets)]
                if table[name].to_pylist() != expected:
                    self.work.part(chunk.number).unlink()
                    break

    def _figures(self, chunks: Sequence[Chunk], first: int) -> list[float | None]:
        """Return the figure of every set of the last batch: the mean of all inputs."""
        found = np.zeros((len(self.sets) - first, len(self.sweep.inputs)))
        for chunk in chunks:
            found[np.array(chunk.sets) - first, chunk.input] = self._column(chunk)
        means = [math.fsum(row) / len(row) for row in found.tolist()]
        return [mean if math.isfinite(mean) else None for mean in means]

    def _column(self, chunk: Chunk) -> list[float]:
        table: pa.Table | None = self.work.read(chunk.number, self.sweep.maker.schema)
        if table is None:
            raise StateError(
                f"{self.work.part(chunk.number)}: was damaged or removed while the sweep ran; "
                "run it again, finished parts are kept"
            )
        values = table[self.spec.metric].to_pylist()
        return [math.nan if value is None else float(value) for value in values]

    def best(self) -> Best | None:
        """Return the best set, the first of equal ones; None where no set has a figure."""
        sign = 1.0 if self.spec.direction == "maximize" else -1.0
        rated = [(sign * f, -k) for k, f in enumerate(self.figures) if f is not None]
        if not rated:
            return None
        place = -max(rated)[1]
        figure = self.figures[place]
        assert figure is not None
        values = dict(zip(self.sweep.names, self.sets[place], strict=True))
        return Best(self.spec.metric, figure, place, values, dict(self.counts))
