"""Files and directories that appear whole or not at all."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from admf_fast.errors import StateError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_REMEDIES = {
    errno.ENOSPC: "free space on that disk, or write elsewhere",
    errno.EDQUOT: "free space within the quota, or write elsewhere",
    errno.EACCES: "make the folder writable, or write elsewhere",
    errno.EPERM: "make the folder writable, or write elsewhere",
    errno.EROFS: "the disk is read-only: write elsewhere",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "the parent is not a folder: write elsewhere",
    errno.ENOTEMPTY: "another process wrote it meanwhile: try again",
}


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it becomes `path`, on disk.

    On any exception the temporary file is removed and the old content of `path` is intact.
    A reader sees the old file or the new one, at any instant, also after a crash.
    Raises StateError, naming the path and a remedy, when the system refuses a step.
    """
    target = Path(path)
    temporary = None
    try:
        temporary = _new_name(target, lambda p: os.close(os.open(p, _CREATE, 0o666)))
        yield temporary
        _sync(temporary)
        os.replace(temporary, target)
        temporary = None
        _sync(target.parent)
    except OSError as error:
        raise _state_error(target, error) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def atomic_directory(
    path: str | os.PathLike[str],
    *,
    replace: bool = False,
    final_name: Callable[[], str] | None = None,
) -> Iterator[Path]:
    """Yield a temporary directory in the same folder; on success it becomes `path`, on disk.

    An existing `path` is refused, or with `replace` exchanged in one step (Linux `renameat2`).
    `final_name` is asked at the end for another last part of `path`, where that is known only
    then. Otherwise as `atomic_file`: nothing is left on an error, and the old content is intact.
    """
    target = Path(path)
    temporary = None
    try:
        if not replace:
            _refuse_existing(target)
        temporary = _new_name(target, os.mkdir)
        yield temporary
        _sync_tree(temporary)
        if final_name is not None:
            target = target.with_name(final_name())
        if replace and target.exists():
            _exchange(temporary, target)  # what is removed below is now the old content
        else:
            _refuse_existing(target)
            os.rename(temporary, target)
            temporary = None
        _sync(target.parent)
    except OSError as error:
        raise _state_error(target, error) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def _new_name(target: Path, create: Callable[[Path], None]) -> Path:
    """Create a hidden name beside `target` that nobody else has."""
    for attempt in itertools.count():
        temporary = target.with_name(f".{target.name}.{os.getpid()}-{attempt}.tmp")
        with suppress(FileExistsError):
            create(temporary)
            return temporary
    raise AssertionError


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise StateError(f"{target}: is already there; remove it, or choose another name")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_tree(root: Path) -> None:
    for folder, _, files in os.walk(root, topdown=False):
        for name in sorted(files):
            _sync(Path(folder, name))
        _sync(Path(folder))


def _exchange(new: Path, old: Path) -> None:
    """Swap two names in one step, so that `old` never is missing."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(new), os.fsencode(old))
    if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(old))


def _state_error(target: Path, error: OSError) -> StateError:
    remedy = _REMEDIES.get(error.errno or 0, "check the disk and the folder's permissions")
    reason = error.strerror or str(error)
    return StateError(f"{target}: could not be written: {reason}; {remedy}; nothing was changed")
