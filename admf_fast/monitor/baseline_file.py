"""A baseline on disk: one JSON file with a digest of its content, or a run to make it from."""

import json
from pathlib import Path

import msgspec

from admf_fast.atomic import atomic_file
from admf_fast.config import MonitorSpec
from admf_fast.errors import StateError
from admf_fast.monitor.baseline import FORMAT, Baseline, make_baseline
from admf_fast.monitor.read_run import read_days

SIZE_MAX_BYTES = 10_000_000


def baseline_of_run(folder: Path, spec: MonitorSpec | None = None) -> Baseline:
    """Return the baseline of a run directory, by its own section `monitor` if none is given.

    Raises StateError for a run that cannot be read, DataError for one of too few days.
    """
    run = read_days(folder)
    return make_baseline(
        run.rows, spec or run.config.monitor, run_id=run.manifest["run_id"],
        inputs=run.manifest["inputs"],
    )  # fmt: skip


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline, whole or not at all."""
    content = {"digest": baseline.digest, "baseline": msgspec.to_builtins(baseline)}
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    with atomic_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def load_baseline(path: Path) -> Baseline:
    """Return the baseline of a file; StateError for anything but what `save_baseline` wrote."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_MAX_BYTES + 1)
    except OSError as error:
        raise StateError(
            f"{path}: cannot be read: {error.strerror}; admf baseline RUN --out FILE writes one"
        ) from error
    try:
        if len(content) > SIZE_MAX_BYTES:
            raise ValueError
        data = msgspec.json.decode(content)
        found, digest = msgspec.convert(data["baseline"], Baseline), data["digest"]
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"{path}: expected a file of admf baseline, found something else; write it again"
        ) from error
    if found.format != FORMAT or found.digest != digest:
        raise StateError(
            f"{path}: its content has the digest {found.digest[:16]}, written was "
            f"{str(digest)[:16]}: it was changed, or is of another version; write it again"
        )
    return found


def find_baseline(path: Path, spec: MonitorSpec) -> Baseline:
    """Return the baseline of a file, or of a run directory."""
    return baseline_of_run(path, spec) if path.is_dir() else load_baseline(path)
