"""P04, P05, P10: a disk that is full, fails or can only be read, under the real process."""

import json
import os
import resource
import subprocess
import sys
from datetime import timedelta

import pytest

from admf_fast.journal.messages import BarInput
from admf_fast.journal.reading import read_journal
from tests.live import small_disk
from tests.live.followed import FIRST, PATIENCE_S, ROOT, Followed, environment_of

NAMESPACE = ["unshare", "-Urm"]


def closes(count):
    return [
        round((FIRST + timedelta(minutes=k)).timestamp()) * 10**9 for k in range(count)
    ]  # fmt: skip


def can_mount(folder):
    """Return whether a disk can be mounted here where nobody else sees it."""
    mount = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    try:
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    if not can_mount(folder):
        pytest.skip("no disk can be mounted here without privileges")
    script = [*NAMESPACE, sys.executable, "-m", "tests.live.small_disk", str(folder)]
    ran = subprocess.run(
        script, capture_output=True, text=True, cwd=ROOT, env=environment_of(), check=False,
        timeout=3 * PATIENCE_S,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_p05_a_full_disk_freezes_then_ends_the_run_and_keeps_every_bar_that_it_took(told):
    full = told["full"]
    assert full["code"] == 4
    assert "no room for another segment" in full["err"]
    assert full["err"].count("admf: error:") == 1
    assert full["commands"] == [["freeze", "disk"]]
    count = len(full["bars"])
    assert 1000 < count < small_disk.BARS
    assert full["bars"] == closes(count)


def test_p05_with_room_again_the_same_command_goes_on_with_the_next_bar(told):
    freed = told["freed"]
    assert freed["code"] == 0, freed["err"]
    assert freed["bars"] == closes(small_disk.BARS + 10)
    assert freed["commands"] == [["freeze", "disk"], ["resume", "command"]]


def test_p10_a_disk_that_can_only_be_read_is_refused_at_the_start(told):
    locked = told["locked"]
    assert locked["code"] == 4
    assert "Read-only file system" in locked["err"]
    assert locked["err"].count("admf: error:") == 1
    assert locked["bars"] == told["freed"]["bars"]


def test_p04_a_disk_that_fails_under_a_running_process_ends_it_and_nothing_is_lost(tmp_path):
    """Writing is forbidden to the process from outside, as a quota or a broken disk does it."""
    run = Followed(tmp_path, environment_of(), quiet=True)
    try:
        run.write(0, 30)
        run.wait_for(bars=30, state="armed")
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        run.write(30, 60)
        _, err = run.process.communicate(timeout=PATIENCE_S)
    finally:
        run.end()
    assert run.process.returncode == 4, err
    assert os.strerror(27) in err, "File too large"
    assert err.count("admf: error:") == 1
    bars = [
        m.ts_ns for _, m in read_journal(str(run.folder / "journal")) if isinstance(m, BarInput)
    ]
    assert bars == closes(30)

    again = Followed(tmp_path, environment_of(), quiet=True)
    try:
        again.wait_for(bars=60, state="armed", starts=2)
    finally:
        again.end()
