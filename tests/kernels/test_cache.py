"""The on-disk cache: never stale, never fatal, never somebody else's."""

import os

import pytest

from admf_kernels import compute, drivers
from admf_kernels.compiler import build, cache
from admf_kernels.errors import RuleError
from admf_kernels.indicators import sma
from tests.kernels.processes import finish, output_of, start

PER_PROCESS = (drivers.for_indicator, drivers.execute_all, drivers.stretch_over_arrays)
CLOSES = [1.0, 2.0, 4.0, 8.0, 16.0]
HELPER = "def helper(x):\n    return x * {factor}\n"
KERNEL = """
from admf_kernels import indicator
from user_package.helper import helper

@indicator(inputs={"x": "close"}, warmup_bars=1)
def mine(x):
    return helper(x) + 1.0
"""
RUN = """
import sys
from admf_kernels import compute, get
print(compute(get("user_package.kernel:mine")(), [1.0, 2.0]).tolist(), "numba" in sys.modules)
"""


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty cache folder, and a process that has compiled nothing."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    monkeypatch.setattr(drivers, "_loaded", {})
    monkeypatch.setattr(drivers, "_failed", {})
    for cached in PER_PROCESS:
        cached.cache_clear()
    yield folder
    for cached in PER_PROCESS:
        cached.cache_clear()


@pytest.fixture
def user_package(tmp_path):
    """A package with a kernel in one module and its helper in another."""
    package = tmp_path / "src" / "user_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text(HELPER.format(factor="10.0"))
    (package / "kernel.py").write_text(KERNEL)
    return package


def restart(monkeypatch):
    """Forget what this process has loaded, as a new process would."""
    monkeypatch.setattr(drivers, "_loaded", {})
    monkeypatch.setattr(drivers, "_failed", {})
    for cached in PER_PROCESS:
        cached.cache_clear()


def test_an_edited_helper_in_another_module_is_seen(tmp_path, user_package):
    where = {"cache": tmp_path / "cache", "paths": [user_package.parent]}
    assert output_of(RUN, **where) == "[11.0, 21.0] True"
    assert output_of(RUN, **where) == "[11.0, 21.0] False"

    (user_package / "helper.py").write_text(HELPER.format(factor="1000.0"))

    assert output_of(RUN, **where) == "[1001.0, 2001.0] True"


def test_two_processes_compile_at_once(tmp_path, user_package):
    where = {"cache": tmp_path / "cache", "paths": [user_package.parent]}
    started = [start(RUN, **where) for _ in range(2)]

    assert {finish(process).split("]")[0] for process in started} == {"[11.0, 21.0"}
    assert output_of(RUN, **where) == "[11.0, 21.0] False"
    assert not [name for name in os.listdir(tmp_path / "cache") if name.startswith(".tmp-")]


@pytest.mark.parametrize("keep", [0, 1, 40, 200, -1])
def test_a_truncated_file_is_rebuilt(fresh, monkeypatch, keep):
    expected = compute(sma(2), CLOSES).tobytes()
    whole = {path: path.read_bytes() for path in fresh.iterdir()}
    assert len(whole) == 3

    for path, content in whole.items():
        path.write_bytes(content[:keep])
    restart(monkeypatch)

    assert compute(sma(2), CLOSES).tobytes() == expected
    assert all(cache.read(path.stem) is not None for path in whole)


def test_a_flipped_bit_anywhere_is_seen(fresh):
    compute(sma(2), CLOSES)
    path = next(p for p in fresh.iterdir())
    content = path.read_bytes()
    key = path.stem
    stored = cache.read(key)
    assert stored is not None
    header = content.index(b"\n")
    for at in (*range(header), header, *range(header + 1, len(content), 257), len(content) - 1):
        for bit in (0, 6):
            broken = bytearray(content)
            broken[at] ^= 1 << bit
            path.write_bytes(broken)
            assert cache.read(key) in (None, stored)


def test_a_flipped_bit_is_rebuilt(fresh, monkeypatch):
    expected = compute(sma(2), CLOSES).tobytes()
    for path in fresh.iterdir():
        broken = bytearray(path.read_bytes())
        broken[len(broken) // 2] ^= 16
        path.write_bytes(broken)
    built = []
    right = build.to_object
    monkeypatch.setattr(build, "to_object", lambda *a: built.append(a[0]) or right(*a))
    restart(monkeypatch)

    assert compute(sma(2), CLOSES).tobytes() == expected
    assert sorted(built) == ["execute", "scan_sma", "stretch"]


def test_a_file_under_another_key_is_not_used(fresh):
    compute(sma(2), CLOSES)
    path = next(p for p in fresh.iterdir())
    other = "0" * 64
    path.rename(path.with_name(f"{other}.o"))

    assert cache.read(other) is None


def test_a_folder_that_cannot_be_made_is_no_error(fresh, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "cache"))

    assert cache.folder() is None
    assert compute(sma(2), CLOSES)[-1] == 12.0


@pytest.mark.parametrize("failing", ["replace", "fdopen"])
def test_a_full_disk_is_no_error(fresh, monkeypatch, failing):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, failing, full)

    assert compute(sma(2), CLOSES)[-1] == 12.0
    assert [path.name for path in fresh.iterdir()] == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
def test_a_folder_others_can_write_is_not_used(fresh, mode):
    """What lies in it would be executed."""
    fresh.mkdir()
    fresh.chmod(mode)

    assert cache.folder() is None
    assert compute(sma(2), CLOSES)[-1] == 12.0
    assert list(fresh.iterdir()) == []


def test_the_folder_is_private(fresh):
    compute(sma(2), CLOSES)

    assert fresh.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in fresh.iterdir()} == {0}


def test_what_cannot_be_compiled_is_tried_once(monkeypatch, tmp_path):
    """A sweep asks again for each of its sets, and a build that fails takes seconds."""
    tries = []

    def refused(*_):
        tries.append(1)
        raise RuleError("it breaks a rule")

    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(drivers, "_failed", {})
    monkeypatch.setattr(build, "to_object", refused)
    for _ in range(3):
        with pytest.raises(RuleError, match="it breaks a rule"):
            drivers.native("mine", "def drive(table, start, stop):\n    return 77\n", [], {})

    assert len(tries) == 1
