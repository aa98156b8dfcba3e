"""The manifest of a folder of bars: which files belong to it, and their digests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from admf_fast.data.regular import RegularFile
from admf_fast.errors import DataFileError

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_NAME: Final = "manifest.json"
MANIFEST_FORMAT: Final = "admf-bars/1"
_BYTES_MAX: Final = 1 << 26


class ManifestFile(msgspec.Struct, frozen=True):
    """One file of the manifest; further fields (rows, source, licence) are for people."""

    path: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """The part of manifest.json that reading needs."""

    format: str
    files: tuple[ManifestFile, ...]


class _Marked(msgspec.Struct, frozen=True):
    format: str = ""


def load_manifest(folder: Path, label: str) -> Manifest | None:
    """Return the manifest of `folder`; None when it has none, or one of another tool.

    Raises DataFileError when it is no valid JSON or lacks what it must have.
    """
    path = folder / MANIFEST_NAME
    if not os.path.exists(path):
        return None
    file = RegularFile(path, f"{label}/{MANIFEST_NAME}")
    if file.size_bytes > _BYTES_MAX:
        raise DataFileError(f"{file.label}: too large for a manifest; write it again")
    with file.opened() as handle:
        text = handle.read()
    try:
        if msgspec.json.decode(text, type=_Marked).format != MANIFEST_FORMAT:
            return None
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataFileError(f"{file.label}: no valid manifest: {error}; write it again") from None


def verify(manifest: Manifest, file: RegularFile, *, required: bool) -> None:
    """Check the digest of `file`; `required` says that it must be listed."""
    expected = {entry.path: entry.sha256 for entry in manifest.files}.get(file.path.name)
    if expected is None:
        if required:
            raise DataFileError(
                f"{file.label}: is not in the {MANIFEST_NAME} of its folder; "
                "add it there, move it away, or name the files you want"
            )
        return
    if file.sha256() != expected:
        raise DataFileError(
            f"{file.label}: its sha256 is {file.sha256()}, the {MANIFEST_NAME} of its folder says "
            f"{expected}; fetch or write the file again"
        )
    file.verified = True


def refuse_missing(manifest: Manifest, found: set[str], label: str) -> None:
    """Raise DataFileError when a listed file is not among the names `found`."""
    missing = sorted({entry.path for entry in manifest.files} - found)
    if missing:
        raise DataFileError(
            f"{label}: {MANIFEST_NAME} lists {missing[0]}, which is missing"
            f"{f' with {len(missing) - 1} more' if len(missing) > 1 else ''}; "
            "fetch the folder again"
        )
