"""Running a sweep: chunks over threads, parts as they are done, one file at the end."""

import gc
import itertools
import json
import os
import resource
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.config import Config, SweepSpec
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep.apart import Apart
from admf_fast.sweep.assemble import METADATA, Assembled, assemble
from admf_fast.sweep.bars import Bars, open_inputs
from admf_fast.sweep.calibration import compile_base, compile_for
from admf_fast.sweep.chunk import Chunk, Stopped, chunks_of
from admf_fast.sweep.dask_cluster import DaskSpec, cores_of
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.engine import Engine, Progress, Running, Watched, run_chunks
from admf_fast.sweep.events import assemble_events, events_path
from admf_fast.sweep.identity import inputs_digests
from admf_fast.sweep.isolation import Isolation
from admf_fast.sweep.parts import PartMaker
from admf_fast.sweep.regroup import ROWS_PER_GROUP
from admf_fast.sweep.replaying import variants_of
from admf_fast.sweep.result import SweepResult
from admf_fast.sweep.scaling import (
    CHUNK_SETS,
    DASK,
    THREADS,
    best_chunk_sets,
    estimate,
    thread_chunk_sets,
)
from admf_fast.sweep.space import Space, too_many
from admf_fast.sweep.table import param_types, result_schema
from admf_fast.sweep.threads import ThreadEngine
from admf_fast.sweep.tiles import tiles_of
from admf_fast.sweep.variants import Variants
from admf_fast.sweep.work import Work, open_work, remove

CANDIDATES_PER_SET = 20


def run_sweep(
    config: Config,
    target: Path,
    data: object | None = None,
    *,
    threads: int | None = None,
    chunk_sets: int | None = None,
    progress: Progress | None = None,
    dask: DaskSpec | None = None,
) -> SweepResult:
    """Run the section ``sweep`` of a configuration and write its results as one Parquet file.

    Parameters
    ----------
    target : Path
        Replaced if it is a sweep's; parts of a stopped sweep beside it are taken up again.
    data : optional
        Bars as an Arrow object, or a mapping of them by symbol, instead of files.
    threads : int, optional
        As many as there are cores for this process.
    chunk_sets : int, optional
        Sets of a chunk; they change no result.
    progress : function of Watched, optional
        Called about ten times a second, from the thread that called this.
    dask : DaskSpec, optional
        Compute on workers of Dask, which share the folders of bars and results with this
        process, instead of threads. Own workers import the main module as `multiprocessing`
        does: a script needs its ``if __name__ == "__main__"``.

    Raises
    ------
    ConfigError, DataError, StateError
        An earlier file of results is intact; finished parts stay in the work folder, also
        after KeyboardInterrupt.
    """
    check_target(target)
    space = space_of(config)
    if space.search is not None:
        from admf_fast.sweep.search import run_search  # which is made of what is here

        return run_search(config, target, data, threads=threads, progress=progress, dask=dask)
    check_size(space, None)
    variants = variants_of(config, space)
    inputs = opened_for(variants, config, data, dask)
    bars = sum(one.count for one in inputs)
    check_size(space, bars)
    sets = space.sets()
    started = time.perf_counter()
    with open_work(target) as work:
        cores = len(os.sched_getaffinity(0))
        sweep = Sweep(
            config, variants, space, sets, inputs, threads or cores, dask, apart=data is None
        )
        digests = sweep.inputs_digests(config)
        chunks, note = sweep.begin(work, digests, chunk_sets)
        with collecting_only_new():
            kept = sweep.run(work, chunks, progress)
        try:
            found = sweep.finish(work, digests, target)
        except ConfigError:  # no set can be run, and none ever will
            remove(work)
            raise
        remove(work)
    seconds = time.perf_counter() - started
    pa.default_memory_pool().release_unused()
    return SweepResult(
        target, len(sets), bars, tuple(b.symbol for b in inputs), sweep.watched.done, seconds,
        sweep.watched.threads, sweep.watched.chunks_total, kept, found, (note,) if note else (),
        sweep.watched.engine, sweep.watched.workers,
    )  # fmt: skip


@contextmanager
def collecting_only_new() -> Iterator[None]:
    """Let the garbage collector look at objects made from here on, and no others.

    Those of the modules of a process take it longer, now and then, than a small sweep takes.
    """
    if gc.get_freeze_count():  # the process has its own ways
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def opened_for(
    variants: Variants, config: Config, data: object | None, dask: DaskSpec | None
) -> list[Bars]:
    """Return the inputs of a sweep, which its sets can be run on; ConfigError, StateError."""
    if dask is not None and data is not None:
        raise ConfigError("expected files of bars for workers to read, found bars in memory")
    inputs = open_inputs(config, data, bars_kept=None if dask is None else 0)
    variants.check_bars(inputs)
    return inputs


def _deadline_s(config: Config) -> float:
    return config.sweep.deadline_s if isinstance(config.sweep, SweepSpec) else 0.0


def _kept(config: Config) -> tuple[str, ...]:
    spec = config.sweep
    return tuple(sorted(set(spec.keep))) if isinstance(spec, SweepSpec) else ()


def peak_memory_bytes() -> int:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def check_target(target: Path, key: str = METADATA, what: str = "the results of a sweep") -> None:
    """Refuse to replace anything but a file with `key` in its metadata; StateError."""
    if not target.exists() and not target.is_symlink():
        return
    try:
        known = key.encode() in (pq.read_metadata(target).metadata or {})
    except (OSError, pa.ArrowException):
        known = False
    if not known:
        raise StateError(
            f"{target}: expected a new name or {what}, found something else; choose another "
            "name, nothing was changed"
        )


def check_size(space: Space, bars: int | None) -> None:
    """Refuse more sets than are allowed, with what they would take."""
    limit = space.sets_max * (CANDIDATES_PER_SET if space.holds and not space.is_drawn else 1)
    if space.size <= limit:
        return
    million = 1_000_000 if bars is None else bars
    of = "a million bars" if bars is None else f"{bars:,} bars"
    found = estimate(space.size, [million], 1, THREADS, CHUNK_SETS)
    cost = (
        f", about {_hours(found.seconds)} of one core over {of} and "
        f"{found.bytes_written / 1e9:,.1f} GB of parts and results"
    )
    raise ConfigError(too_many(space.size, space.sets_max, cost))


def _hours(seconds: float) -> str:
    if seconds < 3600.0 * 48:
        return f"{seconds / 3600.0:,.1f} hours"
    years = seconds / (365.25 * 86_400)
    return f"{years:,.1f} years" if years >= 1.0 else f"{seconds / 86_400:,.0f} days"


def _over() -> None:
    raise Stopped


class _Pulse:
    """What a chunk tells of its progress. It knows nothing of the sweep, nor of an engine that has
    been closed: a ring of references would keep all bars until they are looked for."""

    def __init__(self, watched: Watched) -> None:
        self.beat: Callable[[], None] | None = None
        self._watched, self._counting = watched, Lock()

    def __call__(self, count: int) -> None:
        if self.beat is not None:
            self.beat()
        with self._counting:
            self._watched.done += count


class Sweep:
    """All there is to one sweep while it runs."""

    def __init__(
        self, config: Config, variants: Variants, space: Space, sets: Sequence[Sequence[Any]],
        inputs: list[Bars], threads: int, dask: DaskSpec | None = None, *,
        keep: Collection[str] | None = None, types: Mapping[str, pa.DataType] | None = None,
        apart: bool = True,
    ) -> None:  # fmt: skip
        self.apart = apart  # whether its chunks can be run by other processes
        self.config, self.dask = config, dask
        self.keep = tuple(_kept(config) if keep is None else keep)
        self.space, self.sets, self.inputs = space, sets, inputs
        self.names = [axis.name for axis in space.axes]
        self.types = param_types(space.axes, sets) if types is None else types
        self.chunks: list[Chunk] = []
        # Rows that need not be read again, by the number of their chunk: those of a small sweep.
        self._rows: dict[int, pa.Table] = {}
        self.watched = Watched(len(sets) * sum(one.count for one in inputs), threads=threads)
        self._pulse = _Pulse(self.watched)
        self.maker = PartMaker(variants, self.types, self.keep, done=self._pulse)

    @property
    def chunk_sets(self) -> int:
        """Sets of a chunk."""
        if self.dask is not None:
            bars = [one.count for one in self.inputs]
            return best_chunk_sets(len(self.sets), bars, cores_of(self.dask), DASK)
        return thread_chunk_sets(len(self.sets), len(self.inputs), self.watched.threads)

    def begin(
        self, work: Work, digests: dict[str, Any], chunk_sets: int | None
    ) -> tuple[list[Chunk], str]:
        """Return the chunks, and a note if parts of something else were removed.

        A chunk has at most `chunk_sets`, unless parts of another size are there.
        """
        size, note = work.begin(digests, chunk_sets or self.chunk_sets)
        inputs, variants = len(self.inputs), self.maker.runner.variants
        tiles = tiles_of(self.space, self.sets, variants, size, inputs)
        work.divide(tiles)
        return chunks_of(tiles, inputs), note

    def inputs_digests(self, config: Config) -> dict[str, Any]:
        """Return what decides the results: parts of other inputs are of no use."""
        variants = self.maker.runner.variants
        return inputs_digests(config, variants, self.names, self.sets, self.inputs, self.keep)

    def run(self, work: Work, chunks: list[Chunk], progress: Progress | None) -> int:
        """Run the chunks that have no part yet; returns how many had one."""
        self.chunks = chunks
        missing = [chunk for chunk in chunks if not self.maker.is_there(work, chunk)]
        kept = len(chunks) - len(missing)
        lost = sum(len(c.sets) * self.inputs[c.input].count for c in missing)
        watched = self.watched
        watched.total, watched.chunks_total, watched.chunks = lost, len(chunks), kept
        if not missing:
            return kept
        compile_base(self.maker.runner.variants)
        self.maker.runner.stop.clear()  # set when the engine of chunks before these was closed
        engine = self._engine(work)
        running = Running(engine, watched, progress)
        numbers = itertools.count(1 + max(chunk.number for chunk in chunks))
        isolation = self._isolation(running, work, numbers)
        try:
            # One input after the other, so that a worker has to read few.
            for chunk in run_chunks(running, sorted(missing, key=lambda chunk: chunk.input)):
                isolation.run(chunk)
                self._rows.pop(chunk.number, None)  # a thread that was given up may come to an end
        finally:
            engine.close()
            self._pulse.beat = _over
        return kept

    def _engine(self, work: Work) -> Engine:
        if self.dask is not None:
            from admf_fast.sweep.dask_engine import DaskEngine

            compile_for(self.maker.runner.variants, self.sets, self.inputs[0].symbol)
            return DaskEngine(self.dask, self.config, self.maker, work, self.sets, self.inputs)

        stop, deadline_s = self.maker.runner.stop, _deadline_s(self.config)
        engine = ThreadEngine(self.watched.threads, self._making(work), stop, deadline_s)
        self._pulse.beat = engine.beat
        return engine

    def _making(self, work: Work) -> Callable[[Chunk], None]:
        """Return what makes the part of a chunk in this process."""

        def make(chunk: Chunk) -> None:
            sets = [self.sets[k] for k in chunk.sets]
            rows = self.maker.make(work, chunk, sets, self.inputs[chunk.input])
            self._pulse(0)  # not after it was given up: what others made of it counts then
            if len(self.sets) * len(self.inputs) <= ROWS_PER_GROUP:
                self._rows[chunk.number] = rows

        return make

    def _isolation(
        self, running: Running, work: Work, numbers: "itertools.count[int]"
    ) -> Isolation | Apart:
        if not isinstance(running.engine, ThreadEngine):
            return Isolation(running, self.maker, work, self.sets, self.inputs, numbers)

        def job() -> dict[str, Any]:
            from admf_fast.sweep.dask_engine import job_of

            found: dict[str, Any] = msgspec.to_builtins(
                job_of(self.config, self.maker, work, self.inputs)
            )
            return found

        deadline_s = _deadline_s(self.config)
        return Apart(
            job if self.apart else None,
            self.watched,
            self.maker,
            work,
            self.sets,
            self.inputs,
            numbers,
            deadline_s,
        )

    def finish(self, work: Work, digests: dict[str, Any], target: Path) -> Assembled:
        """Write the results."""
        about = {
            "name": self.maker.runner.variants.config.name,
            "params": [{"name": axis.name, "key": axis.key} for axis in self.space.axes],
            "sets": len(self.sets),
            "bars": {one.symbol: one.count for one in self.inputs},
            **{k: v for k, v in digests.items() if k != "bars"},
            "data": {one.symbol: one.digest for one in self.inputs},
        }
        for name in self.keep:
            path = events_path(target, name)
            assemble_events(work, self.chunks, len(self.inputs), name, path)
        return assemble(
            work, self.chunks, (self.maker.schema, result_schema(self.types)), target, about,
            self.sets, self.names, len(self.inputs), self._rows,
        )  # fmt: skip


def about_of(path: Path) -> dict[str, Any]:
    """Return what a file of results says about its sweep; StateError if it is none."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        return dict(json.loads(metadata[METADATA.encode()]))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise StateError(
            f"{path}: expected the results of admf sweep, found {_found(error)}"
        ) from error


def _found(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, KeyError):
        return "a Parquet file that no sweep has written"
    return str(error) or type(error).__name__


def params_of(path: Path) -> list[str]:
    """Return the names of the parameters of a file of results; StateError if it is none."""
    return [str(param["name"]) for param in about_of(path)["params"]]
