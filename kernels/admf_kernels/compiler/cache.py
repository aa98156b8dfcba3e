"""The on-disk cache of compiled drivers: one file each, checked before it is used.

A file is a JSON header line and the object code; the header holds the sha256 of what is used,
so a truncated or flipped file is seen and rebuilt. The folder is private because what is
in it is executed.
"""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "ADMF_CACHE_DIR"
MODE_PRIVATE = 0o700


def folder() -> Path | None:
    """Return the private cache folder, made if need be; None when there can be none."""
    chosen = os.environ.get(VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(chosen) if chosen else Path(base) / "admf"
    try:
        path.mkdir(mode=MODE_PRIVATE, parents=True, exist_ok=True)
        found = path.stat()
    except OSError:
        return None
    ours = found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return path if ours else None


def read(key: str) -> tuple[str, bytes] | None:
    """Return (symbol, object code) stored under `key`, or None if absent or damaged."""
    path = _path(key)
    if path is None:
        return None
    try:
        header, _, code = path.read_bytes().partition(b"\n")
        fields = json.loads(header)
        symbol = str(fields["symbol"])
        intact = fields["key"] == key and fields["sha256"] == _digest(symbol, code)
        return (symbol, code) if intact else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(key: str, symbol: str, code: bytes) -> None:
    """Store object code whole or not at all; a cache that cannot be written is no error."""
    path = _path(key)
    if path is None:
        return
    header = {"key": key, "sha256": _digest(symbol, code), "symbol": symbol}
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(header, sort_keys=True).encode() + b"\n" + code)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _digest(symbol: str, code: bytes) -> str:
    """Return the sha256 of all that is used; a wrong symbol would be called at address 0."""
    return hashlib.sha256(symbol.encode() + b"\n" + code).hexdigest()


def _path(key: str) -> Path | None:
    root = folder()
    return None if root is None else root / f"{key}.o"
