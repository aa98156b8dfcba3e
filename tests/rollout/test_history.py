"""The history of a rollout: durable, and every damage noticed."""

import fcntl
import json
import os
import subprocess
import sys

import pytest

from admf_fast.errors import StateError
from admf_fast.rollout import history as module
from tests.rollout.kit import MODES, OURS, WHO, climb, evidence, migration_of, plan_of


@pytest.fixture
def rolled(tmp_path):
    migration = climb(migration_of(plan_of(tmp_path)), 3)
    migration.demote(**WHO)
    return migration


def again(migration):
    return migration_of(migration.plan)


def test_state_and_history_survive_a_restart(rolled):
    found = again(rolled)
    assert found.history == rolled.history
    assert found.status() == rolled.status()
    assert [s.sequence for s in found.history] == [1, 2, 3, 4]


def test_every_flipped_byte_is_noticed(rolled):
    path = rolled.plan.state_folder / module.HISTORY
    content = path.read_bytes()
    for k in range(0, len(content), 7):
        path.write_bytes(content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :])
        with pytest.raises(StateError, match="damaged"):
            again(rolled).status()
    path.write_bytes(content)
    assert again(rolled).history == rolled.history


def test_lines_cut_off_exchanged_or_left_out_are_noticed(rolled):
    path = rolled.plan.state_folder / module.HISTORY
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in (lines[:-1], lines[:1], [], lines[1:], [lines[1], lines[0], *lines[2:]],
                 [*lines, lines[-1]], lines[:1] + lines[2:]):  # fmt: skip
        path.write_bytes(b"".join(kept))
        with pytest.raises(StateError, match="damaged"):
            again(rolled)
    path.unlink()
    with pytest.raises(StateError, match="damaged"):
        again(rolled)


def test_a_line_that_was_never_finished_is_cut_off(rolled):
    path = rolled.plan.state_folder / module.HISTORY
    content = path.read_bytes()
    path.write_bytes(content + b'{"step":{"sequence":5,"acti')
    found = again(rolled)
    assert found.history == rolled.history
    found.demote(**WHO)
    assert again(rolled).history == found.history
    assert path.read_bytes().startswith(content)


def test_a_crash_between_history_and_head_keeps_the_step(rolled):
    """The line is on disk, the head is not: as if the process had died between both."""
    head = rolled.plan.state_folder / module.HEAD
    before = head.read_bytes()
    rolled.demote(**WHO)
    head.write_bytes(before)
    found = again(rolled)
    assert found.history == rolled.history
    found.demote(**WHO)
    assert len(again(rolled).history) == 6


@pytest.mark.parametrize("call", ["open", "ftruncate", "pwrite", "fsync", "replace"])
def test_a_disk_that_refuses_leaves_all_as_it_was(rolled, monkeypatch, call):
    before = rolled.history
    stage = rolled.stage.name

    def refuse(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"os.{call}", refuse)
    with pytest.raises(StateError):
        rolled.demote(**WHO)
    monkeypatch.undo()
    assert (rolled.history, rolled.stage.name) == (before, stage)
    assert again(rolled).history == before
    again(rolled).demote(**WHO)
    assert len(again(rolled).history) == len(before) + 1


def test_a_part_of_a_line_that_fits_is_taken_back(rolled, monkeypatch):
    before = rolled.history
    whole = os.pwrite
    monkeypatch.setattr("os.pwrite", lambda f, content, at: whole(f, content[:10], at))
    with pytest.raises(StateError, match="only a part could be written"):
        rolled.demote(**WHO)
    monkeypatch.undo()
    assert again(rolled).history == before


def test_one_process_at_a_time(rolled):
    with open(rolled.plan.state_folder / module.LOCK) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StateError, match="another process is changing this rollout"):
            rolled.demote(**WHO)
    rolled.demote(**WHO)


def test_two_that_hold_the_same_rollout_do_not_overwrite_each_other(rolled):
    other = again(rolled)
    rolled.demote(**WHO)
    other.promote(evidence(MODES[1], 10**6), current=OURS, **WHO)  # from what is on disk now
    assert [s.action for s in again(rolled).history[-2:]] == ["demote", "promote"]
    assert other.stage.name == "paper"


def test_a_killed_process_leaves_a_whole_history(tmp_path):
    plan_of(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tests.rollout.kit import *\n"
        "m = climb(migration_of(load_plan(Path(sys.argv[1]) / 'plan.yaml')), 3)\n"
        "print('up', flush=True)\n"
        "while True:\n"
        "    m.demote(**WHO)\n"
        "    climb(m, 3)\n"
    )
    for k in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "up\n"
        try:
            process.wait(0.05 + 0.07 * k)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        process.stdout.close()
        found = migration_of(plan_of(tmp_path))
        assert [s.sequence for s in found.history] == list(range(1, len(found.history) + 1))
        assert len(found.history) >= 3


def test_the_history_can_be_read_by_a_person(rolled):
    path = rolled.plan.state_folder / module.HISTORY
    steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
    assert [(s["action"], s["stage"], s["operator"]) for s in steps] == [
        ("promote", "paper-40", "Ada L."), ("promote", "paper", "Ada L."),
        ("promote", "live-1", "Ada L."), ("demote", "paper", "Ada L."),
    ]  # fmt: skip
