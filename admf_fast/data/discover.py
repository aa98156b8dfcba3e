"""From what the user wrote as `path` to the regular files it means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from admf_fast.data.manifest import MANIFEST_NAME, load_manifest, refuse_missing, verify
from admf_fast.data.regular import RegularFile
from admf_fast.data.spec import BarSpec
from admf_fast.errors import ConfigError, DataFileError

SUFFIXES: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "ipc",
    ".arrows": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
    ".csv": "csv",
}
_FILES_MAX: Final = 10_000
_GLOB_MARKS: Final = frozenset("*?[")


def find_files(spec: BarSpec, base_dir: Path | None) -> list[RegularFile]:
    """Return the files of `spec.path`, each opened once and checked against its manifest.

    Relative paths start at `base_dir`, or at the working directory. In folders and globs, names
    that start with `.` or `_` or end in `.tmp` are passed over, and links must stay in the folder.
    """
    base = base_dir or Path()
    written = [spec.path] if isinstance(spec.path, str) else list(spec.path)
    if not any(written):
        raise ConfigError("bars.path: expected a file, folder or glob, found nothing; declare it")
    files: list[RegularFile] = []
    for path in written:
        if "\0" in path:
            raise ConfigError("bars.path: contains a NUL character; write a plain path")
        files += _find_one(path, base)
    _refuse_same(files)
    return files


def format_of(file: RegularFile, spec: BarSpec) -> str:
    """Return parquet, ipc or csv: as declared, or by the suffix."""
    if spec.format != "auto":
        return spec.format
    suffix = file.path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{file.label}: cannot tell the format from the suffix {suffix!r}; "
            "declare bars.format: parquet, ipc or csv"
        )
    return SUFFIXES[suffix]


def _find_one(path: str, base: Path) -> list[RegularFile]:
    full = base / path
    # os.path answers False where pathlib raises: a name too long, no permission.
    if os.path.isdir(full) and not full.name.endswith(tuple(SUFFIXES)):
        return _find_in_folder(full, path)
    if _GLOB_MARKS & set(path) and not os.path.exists(full):
        return _find_by_glob(path, base)
    file = RegularFile(full, path)
    manifest = load_manifest(full.parent, os.path.dirname(path) or ".")
    if manifest is not None:
        verify(manifest, file, required=False)
    return [file]


def _find_in_folder(folder: Path, label: str) -> list[RegularFile]:
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if _counts(e.name) and Path(e.name).suffix in SUFFIXES]
    if not names:
        raise DataFileError(
            f"{label}: no file of bars in this folder (expected {' '.join(SUFFIXES)}); "
            "check the path"
        )
    manifest = load_manifest(folder, label)
    if manifest is not None:
        refuse_missing(manifest, set(names), label)
    return _open_all(folder, sorted(names), label)


def _find_by_glob(path: str, base: Path) -> list[RegularFile]:
    import glob

    found = sorted(glob.glob(path, root_dir=base, recursive=True))
    found = [p for p in found if _counts(os.path.basename(p)) and not (base / p).is_dir()]
    if not found:
        raise DataFileError(f"{path}: no file matches; check the path")
    files: list[RegularFile] = []
    for folder in sorted({os.path.dirname(p) for p in found}):
        names = [os.path.basename(p) for p in found if os.path.dirname(p) == folder]
        files += _open_all(base / folder, names, folder)
    return files


def _open_all(folder: Path, names: list[str], label: str) -> list[RegularFile]:
    if len(names) > _FILES_MAX:
        raise DataFileError(
            f"{label}: {len(names)} files, expected at most {_FILES_MAX}; merge them into fewer"
        )
    manifest = load_manifest(folder, label or ".")
    root = folder.resolve()
    files = []
    for name in names:
        path = folder / name
        named = os.path.join(label, name)
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise DataFileError(
                f"{named}: is a link that leaves its folder; name its target in bars.path instead"
            )
        # What is no link now must not become one before it is opened.
        file = RegularFile(path, named, follow=path.is_symlink())
        if manifest is not None:
            verify(manifest, file, required=True)
        files.append(file)
    return files


def _counts(name: str) -> bool:
    return not name.startswith((".", "_")) and not name.endswith(".tmp") and name != MANIFEST_NAME


def _refuse_same(files: list[RegularFile]) -> None:
    seen: dict[Path, str] = {}
    for file in files:
        path = file.path.resolve()
        if path in seen:
            raise ConfigError(
                f"bars.path: {file.label} and {seen[path]} are the same file; name it once"
            )
        seen[path] = file.label
