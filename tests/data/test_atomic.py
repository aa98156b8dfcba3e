"""Files and directories appear whole or not at all, whichever step fails."""

from __future__ import annotations

import errno
import os

import pytest

from admf_fast.atomic import atomic_directory, atomic_file
from admf_fast.errors import StateError

STEPS = ("open", "fsync", "replace", "rename", "mkdir")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def fail_at(monkeypatch, step, number, code):
    """Let the `number`-th call of os.`step` fail; return the calls made."""
    real, calls = getattr(os, step), []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) == number:
            raise OSError(code, os.strerror(code))
        return real(*args, **kwargs)

    monkeypatch.setattr(os, step, failing)
    return calls


def message_of(action, *args):
    """Return the message of the StateError that `action` raises, or nothing."""
    try:
        action(*args)
    except StateError as error:
        return str(error)
    return ""


def break_off(context, name, error):
    with context as temporary:
        (temporary / name).write_bytes(b"half")
        raise error


def write_file(path):
    with atomic_file(path) as temporary:
        temporary.write_bytes(b"new")


def write_directory(path, **options):
    with atomic_directory(path, **options) as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "a").write_bytes(b"new")


def test_file_is_replaced(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    write_file(path)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("old", [False, True])
def test_d21_d22_any_failing_step_of_a_file(tmp_path, monkeypatch, step, number, old):
    path = tmp_path / "x"
    if old:
        path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        calls = fail_at(patch, step, number, errno.ENOSPC)
        message = message_of(write_file, path)
    failed = bool(message)
    assert failed == (len(calls) >= number)
    assert not failed or (str(path) in message and "free space" in message)
    # Only the last sync comes after the exchange: then the new content is there, whole.
    after = failed and step in ("fsync", "open") and path.exists() and path.read_bytes() == b"new"
    if failed and not after:
        assert names(tmp_path) == (["x"] if old else [])
        assert not old or path.read_bytes() == b"old"
    else:
        assert path.read_bytes() == b"new"
    assert names(tmp_path) in (["x"], [])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("old", [False, True])
def test_d21_d22_any_failing_step_of_a_directory(tmp_path, monkeypatch, step, number, old):
    path = tmp_path / "run"
    if old:
        path.mkdir()
        (path / "old").write_bytes(b"old")
    with monkeypatch.context() as patch:
        fail_at(patch, step, number, errno.EIO)
        message = message_of(lambda: write_directory(path, replace=old))
    assert not message or str(path) in message
    found = names(path) if path.exists() else None
    assert found in ((["old"], ["sub"]) if old else (None, ["sub"]))
    assert names(tmp_path) in (["run"], [])


@pytest.mark.parametrize("write", [write_file, write_directory])
def test_d22_content_is_on_disk_before_its_name_and_the_name_before_the_end(
    tmp_path, monkeypatch, write
):
    steps = []
    for step in ("fsync", "replace", "rename"):
        real = getattr(os, step)

        def noted(*args, _real=real, _step=step):
            where = os.readlink(f"/proc/self/fd/{args[0]}") if _step == "fsync" else str(args[0])
            steps.append((_step, os.path.basename(where)))
            return _real(*args)

        monkeypatch.setattr(os, step, noted)
    write(tmp_path / "x")
    temporary = f".x.{os.getpid()}-0.tmp"
    inside = [("fsync", "a"), ("fsync", "sub")] if write is write_directory else []
    named = ("rename" if write is write_directory else "replace", temporary)
    assert steps == [*inside, ("fsync", temporary), named, ("fsync", tmp_path.name)]


def test_d21_an_exception_inside_leaves_nothing(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            break_off(atomic_file(path), "", error)
        with pytest.raises(error):
            break_off(atomic_directory(tmp_path / "run"), "a", error)
    assert names(tmp_path) == ["x"]
    assert path.read_bytes() == b"old"


def test_d21_disk_full_while_writing(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(StateError, match=r"x: could not be written: No space left.*free space"):
        break_off(atomic_file(tmp_path / "x"), "", full)
    assert names(tmp_path) == []


def test_an_existing_directory_is_refused_or_exchanged(tmp_path):
    path = tmp_path / "run"
    write_directory(path)
    with pytest.raises(StateError, match="run: is already there"):
        write_directory(path)
    (path / "stale").write_bytes(b"old")
    write_directory(path, replace=True)
    assert names(path) == ["sub"]
    assert names(tmp_path) == ["run"]


def test_leftovers_of_a_dead_process_do_not_matter(tmp_path):
    (tmp_path / f".x.{os.getpid()}-0.tmp").write_bytes(b"left")
    write_file(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"new"


def test_files_have_ordinary_permissions(tmp_path):
    write_file(tmp_path / "x")
    (tmp_path / "y").touch()
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "y").stat().st_mode
