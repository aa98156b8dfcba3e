"""What a worker in another process does: one chunk of a sweep, from plain data.

A worker is sent texts and numbers, and reads bars by their paths. Before it works it looks
whether it would compute the same: version, code and bars must be the driver's.
"""

import os
import platform
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import UNSET

from admf_fast import __version__
from admf_fast.config import config_digest, parse_config
from admf_fast.errors import ConfigError, DataError, StateError
from admf_fast.sweep.bars import BARS_KEPT, Bars, reopened
from admf_fast.sweep.calibration import compile_for
from admf_fast.sweep.chunk import Chunk, Stopped
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.identity import code_digests
from admf_fast.sweep.parts import PartMaker, Sets
from admf_fast.sweep.replaying import variants_of
from admf_fast.sweep.work import Work

RUNS_KEPT = 2  # of sweeps, for which a worker stays ready
TYPES = {str(kind): kind for kind in (pa.int64(), pa.float64(), pa.bool_(), pa.string())}


class Job(msgspec.Struct, frozen=True):
    """What all chunks of a sweep have in common; texts and numbers only.

    Attributes
    ----------
    run : str
        Of this go alone, so that it can be stopped.
    version, config_digest, code
        Those of the driver.
    config, name, base_dir : str
        The configuration as YAML, what it is called, and where its paths start.
    types : list of (name, type)
        Columns of the parameters.
    bars : list of (symbol, count, digest)
    work, key : str
        The folder of the parts, and what their names end with.
    """

    run: str
    version: str
    config: str
    config_digest: str
    name: str
    base_dir: str
    code: dict[str, str]
    types: list[tuple[str, str]]
    keep: list[str]
    bars: list[tuple[str, int, str]]
    work: str
    key: str


def text_of(sets: Sets) -> str:
    """Return parameter sets as JSON; ConfigError for values that would not come back the same."""
    places = [{str(k): v for k, v in enumerate(values) if v is not UNSET} for values in sets]
    try:
        text = msgspec.json.encode(places).decode()
        same = repr(sets_of(text, len(sets[0]))) == repr([tuple(values) for values in sets])
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ConfigError(
            "sweep: expected numbers, texts, lists and sections as values of keys, found others; "
            "they cannot be sent to workers: use --engine threads"
        )
    return text


def sets_of(text: str, axes: int) -> list[tuple[Any, ...]]:
    """Return the parameter sets of a text."""
    found = msgspec.json.decode(text, type=list[dict[str, Any]])
    return [tuple(values.get(str(k), UNSET) for k in range(axes)) for values in found]


Place = tuple[int, int, Sequence[int]]  # the fields of a chunk


def run_chunk(job: dict[str, Any], chunk: Place, sets: str) -> int:
    """Compute a chunk and write its part; returns bars times sets.

    Raises StateError or DataError where this worker would compute something else.
    """
    if job.get("version") != __version__:
        raise StateError(
            f"{_here()}: expected admf-fast {job.get('version')} as the driver has, found "
            f"{__version__}; install one version everywhere and start the workers again"
        )
    ready = _ready_for(msgspec.convert(job, Job))
    number, place, numbers = chunk
    return ready.run(Chunk(number, place, tuple(numbers)), sets_of(sets, len(ready.job.types)))


def make_ready(job: dict[str, Any], chunks: Sequence[tuple[Place, str]]) -> None:
    """Do all that comes before the first of some chunks, compiling too.

    Raises what `run_chunk` does.
    """
    ready = _ready_for(msgspec.convert(job, Job))
    for (_, place, _), sets in chunks:
        ready.compile(place, sets_of(sets, len(ready.job.types)))


def stop(run: str) -> None:
    """Stop what this worker computes of a run; what comes later stops at once."""
    with _lock:
        ready = _ready.get(run)
    if ready is not None:
        ready.maker.runner.stop.set()


_lock = threading.Lock()
_ready: dict[str, "_Ready"] = {}


def _ready_for(job: Job) -> "_Ready":
    with _lock:
        if job.run not in _ready:
            while len(_ready) >= RUNS_KEPT:
                del _ready[next(iter(_ready))]
            _ready[job.run] = _Ready(job)
        return _ready[job.run]


class _Ready:
    """A worker that has looked whether it would compute what the driver would."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config = parse_config(job.config, name=job.name, format="yaml", base_dir=job.base_dir)
        space = space_of(self.config)
        names = [axis.name for axis in space.axes]
        variants = variants_of(self.config, space)
        found = {"config": config_digest(self.config), "names": names, **code_digests(variants)}
        expected = {"config": job.config_digest, "names": [n for n, _ in job.types], **job.code}
        for what, one in expected.items():
            if found[what] != one:
                raise StateError(
                    f"{_here()}: expected the {what} of the driver ({one}), found {found[what]}; "
                    "give all workers the same files, and start them again after a change"
                )
        types = {name: TYPES[kind] for name, kind in job.types}
        self.maker = PartMaker(variants, types, job.keep)
        self.work = Work(Path(job.work), job.key)
        self._kept: dict[int, Bars] = {}
        self._kinds: set[Any] = set()
        self._reading = threading.Lock()

    def compile(self, place: int, sets: Sets) -> None:
        """Compile what sets need, each kind once."""
        symbol = self.job.bars[place][0]
        variants = self.maker.runner.variants
        for values in sets:
            variant = variants.at(values, symbol)
            if variant.setup is not None and variant.kind not in self._kinds:
                self._kinds.add(variant.kind)
                compile_for(variants, [values], symbol)

    def run(self, chunk: Chunk, sets: Sets) -> int:
        """Compute a chunk, write its part, and return its bars times sets."""
        if self.maker.runner.stop.is_set():
            raise Stopped
        bars = self._bars(chunk.input)
        self.maker.make(self.work, chunk, sets, bars)
        return bars.count * len(sets)

    def _bars(self, place: int) -> Bars:
        """Return an input, in memory if it is short; those used before make room for it."""
        with self._reading:
            if place in self._kept:
                return self._kept[place]
            symbol, count, digest = self.job.bars[place]
            try:
                bars = reopened(self.config, place, symbol, count, digest)
                if count <= BARS_KEPT:
                    bars.keep()
            except DataError as error:
                raise type(error)(f"{_here()}, in {self.job.base_dir}: {error}") from error
            while self._kept and sum(b.count for b in self._kept.values()) + count > BARS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[place] = bars
            return bars


def _here() -> str:
    return f"worker on {platform.node()} (process {os.getpid()})"
