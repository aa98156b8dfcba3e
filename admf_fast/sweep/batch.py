"""Many backtests and sweeps over folders of symbols, in one go that can be repeated.

Every task is one configuration over one file of bars. What is done is noted in
``manifest.json`` of the output folder with the digest of what it was made of; a second go does
only what is missing, has failed, or has changed.
"""

import fcntl
import glob
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from admf_fast import __version__
from admf_fast.atomic import atomic_file
from admf_fast.config import Config, SweepSpec, config_digest, load_config
from admf_fast.config.section import Name, Section
from admf_fast.config.toml_reader import read_toml
from admf_fast.config.yaml_reader import read_yaml
from admf_fast.errors import AdmfError, ConfigError, StateError
from admf_fast.sweep.run import run_sweep

MANIFEST = "manifest.json"
SUFFIXES = (".parquet", ".pq", ".csv", ".arrow", ".feather", ".ipc")

Backtest = Callable[[Config, Path], dict[str, Any]]
Progress = Callable[[str], None]


class JobSpec(Section, frozen=True, kw_only=True):
    """One configuration over some files of bars."""

    name: Annotated[Name, Meta(description="Folder of its results.")]
    kind: Annotated[Literal["backtest", "sweep"], Meta(description="What is run.")] = "backtest"
    config: Annotated[str, Meta(description="Path of the configuration.")]
    data: Annotated[
        str | tuple[str, ...],
        Meta(description="Folders, files or globs; the configuration's own bars if left out."),
    ] = ()


class BatchSpec(Section, frozen=True, kw_only=True):
    """What a file of jobs holds."""

    out: Annotated[str, Meta(description="Folder of all results.")]
    jobs: tuple[JobSpec, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One configuration over one file, and where its result goes."""

    job: str
    kind: str
    config: Config
    source: str
    target: Path
    digest: str

    @property
    def key(self) -> str:
        """Its name in the manifest: the path of its result in the output folder."""
        return f"{self.job}/{self.target.name}"


@dataclass(frozen=True, slots=True)
class BatchResult:
    """How many tasks were done now, were done already, and failed; and the manifest."""

    done: int
    kept: int
    failed: int
    manifest: Path
    tasks: dict[str, Any]


def load_batch(path: Path) -> tuple[BatchSpec, Path]:
    """Return the jobs of a file, .yaml or .toml, and its folder; ConfigError with what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    read = read_toml if path.suffix == ".toml" else read_yaml
    data, _ = read(text, str(path))
    try:
        spec = msgspec.convert(data, BatchSpec, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    names = [job.name for job in spec.jobs]
    if len(set(names)) != len(names) or not names:
        raise ConfigError(f"{path}: jobs: expected one or more, each with a name of its own")
    return spec, path.parent


def run_batch(path: Path, backtest: Backtest, progress: Progress | None = None) -> BatchResult:
    """Do what a file of jobs asks for; a task that fails is noted, and the others are done.

    `backtest` runs a configuration into a run directory and returns what to note of it.
    Raises ConfigError for a file that makes no sense, StateError when another batch writes
    the same folder.
    """
    spec, base = load_batch(path)
    out = base / spec.out
    tasks = [task for job in spec.jobs for task in _tasks(job, base, out)]
    keys = [task.key for task in tasks]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise ConfigError(
            f"{path}: two tasks would write {twice}; give the jobs names of their own"
        )
    with _locked(out):
        noted = _noted(out / MANIFEST)
        counts = {"done": 0, "kept": 0, "failed": 0}
        for task in tasks:
            if progress:
                progress(task.key)
            state = _done(task, noted.get(task.key), backtest)
            counts[state.pop("state")] += 1
            noted[task.key] = state
            _note(out / MANIFEST, noted)
    return BatchResult(**counts, manifest=out / MANIFEST, tasks=noted)


def _tasks(job: JobSpec, base: Path, out: Path) -> Iterator[Task]:
    config = load_config(base / job.config)
    given = (job.data,) if isinstance(job.data, str) else job.data
    files = [file for pattern in given for file in _files(base, pattern)]
    listed: list[Path | None] = [*files] or [None]
    for file in listed:
        bars = config.bars
        if file is not None:
            start = config.source.base_dir or "."
            bars = msgspec.structs.replace(bars, path=os.path.relpath(file, start), symbol="")
        changed = msgspec.structs.replace(config, bars=bars)
        if file is not None and isinstance(changed.sweep, SweepSpec):
            sweep = msgspec.structs.replace(changed.sweep, data=())
            changed = msgspec.structs.replace(changed, sweep=sweep)
        stem = file.stem if file is not None else config.name
        name = stem if job.kind == "backtest" else f"{stem}.parquet"
        source = str(file) if file is not None else str(bars.path)
        read = [*(_own_files(config) if file is None else [file]), *_signals(config)]
        target = out / job.name / name
        yield Task(job.name, job.kind, changed, source, target, _digest(changed, read))


def _files(base: Path, pattern: str) -> list[Path]:
    """Return the files of a folder, a glob or a name, in order; ConfigError if there are none."""
    place = base / pattern
    found = [Path(p) for p in sorted(glob.glob(str(place)))]
    files = [p for p in found if p.is_file()]
    for folder in (p for p in found if p.is_dir()):
        files += sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES)
    if not files:
        raise ConfigError(
            f"jobs: {pattern}: expected a folder, a file or a glob of bars; found none"
        )
    return files


def _digest(config: Config, files: Sequence[Path]) -> str:
    """Return the sha256 of what a task is made of: configuration, bars, version."""
    sweep = msgspec.json.encode(config.sweep) if isinstance(config.sweep, msgspec.Struct) else b""
    hashed = hashlib.sha256(f"{__version__} {config_digest(config)}\0".encode() + sweep)
    for file in files:
        with file.open("rb") as content:
            hashed.update(hashlib.file_digest(content, "sha256").digest())
    return hashed.hexdigest()


def _own_files(config: Config) -> list[Path]:
    """Return the files that a configuration reads by itself."""
    spec = config.sweep
    listed = spec.data if isinstance(spec, SweepSpec) else ()
    path = config.bars.path
    paths = listed or ((path,) if isinstance(path, str) else path)
    base = Path(config.source.base_dir or ".")
    return [file for one in paths for file in _files(base, one)]


def _signals(config: Config) -> list[Path]:
    """Return the file of stored signals that a sweep plays, if it does."""
    spec = config.sweep
    name = spec.from_signals if isinstance(spec, SweepSpec) else ""
    return _files(Path(config.source.base_dir or "."), name) if name else []


def _done(task: Task, noted: dict[str, Any] | None, backtest: Backtest) -> dict[str, Any]:
    """Do a task, unless it is done; returns its entry, with its state."""
    same = noted is not None and noted.get("inputs") == task.digest and not noted.get("error")
    if noted is not None and same and task.target.exists():
        return {**noted, "state": "kept"}
    entry: dict[str, Any] = {"kind": task.kind, "data": task.source, "inputs": task.digest}
    task.target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if task.kind == "backtest":
            return entry | backtest(task.config, task.target) | {"error": None, "state": "done"}
        result = run_sweep(task.config, task.target)
        found = {"sets": result.sets, "bars": result.bars, "digest": result.found.digest}
        return entry | found | {"error": None, "state": "done"}
    except AdmfError as error:
        return entry | {"error": f"{type(error).__name__}: {error}", "state": "failed"}


def _noted(path: Path) -> dict[str, Any]:
    """Return the tasks of a manifest; none where it is not there or not one of ours."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    tasks = found.get("tasks") if isinstance(found, dict) else None
    known = tasks if isinstance(tasks, dict) else {}
    return {key: task for key, task in known.items() if isinstance(task, dict)}


def _note(path: Path, tasks: dict[str, Any]) -> None:
    with atomic_file(path) as written:
        text = json.dumps({"format": 1, "tasks": tasks}, indent=1, sort_keys=True)
        written.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StateError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StateError(f"{folder}: another batch writes it; wait for it") from None
    finally:
        os.close(handle)
