"""P01, P03, P09, P10, P12, P17: the journal on this machine's disk, in real processes."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from admf_fast.errors import JournalError, StateError
from admf_fast.journal import Journal, RealDisk, StateLock, check_folder, read_journal, read_records
from admf_fast.journal.messages import BarInput, Outcome, encode
from tests.journal.kit import payload

SEGMENT = 64 * 1024
WRITER = """
import sys
from admf_fast.journal import Journal
from tests.journal.kit import payload
journal = Journal(sys.argv[1], segment_bytes=65536)
while True:
    sequence = journal.append(payload(journal.last_sequence + 1))
    if sequence % 50 == 0:
        journal.sync()
    print(sequence, flush=True)
"""


def fill(folder, count, **options):
    with Journal(str(folder), segment_bytes=SEGMENT, **options) as journal:
        for _ in range(count):
            journal.append(payload(journal.last_sequence + 1))


def test_records_come_back_over_many_segments(tmp_path):
    for _ in range(3):
        fill(tmp_path, 400)

    found = list(read_records(str(tmp_path)))

    assert found == [(k, payload(k)) for k in range(1, 1201)]
    assert sum(name.suffix == ".segment" for name in tmp_path.iterdir()) > 3


@pytest.mark.parametrize("since", [0, 1, 399, 400, 1000, 1199, 1200, 5000])
def test_a_tail_is_read_as_of_the_whole(tmp_path, since):
    fill(tmp_path, 1200)

    found = list(read_records(str(tmp_path), since=since))

    assert found == [(k, payload(k)) for k in range(since + 1, 1201)]


def test_a_run_under_way_can_be_read(tmp_path):
    with Journal(str(tmp_path), segment_bytes=SEGMENT) as journal:
        for count in range(1, 500):
            journal.append(payload(count))
            if count % 70 == 0:
                assert len(list(read_records(str(tmp_path)))) == count
                journal.sync()


def test_messages_come_back(tmp_path):
    bar = BarInput(ts_ns=1, symbol="A", open=0.1, high=0.2, low=0.1, close=0.15, volume=-0.0)
    outcome = Outcome(input_sequence=1, checksum=2**64 - 1, events=0, last_event=0)
    with Journal(str(tmp_path), segment_bytes=SEGMENT) as journal:
        for message in (bar, outcome):
            journal.append(encode(message))

    assert list(read_journal(str(tmp_path))) == [(1, bar), (2, outcome)]


def test_a_record_that_is_no_message_is_named(tmp_path):
    fill(tmp_path, 3)

    with pytest.raises(JournalError, match="record 1 is whole but no message"):
        list(read_journal(str(tmp_path)))


def test_a_record_too_long_for_a_segment_is_refused_and_nothing_written(tmp_path):
    with Journal(str(tmp_path), segment_bytes=4096) as journal:
        journal.append(b"x" * 4000)
        with pytest.raises(
            JournalError, match="does not fit into a segment; expected at most 4000"
        ):
            journal.append(b"x" * 4001)
        journal.append(b"y" * 4000)
    assert [s for s, _ in read_records(str(tmp_path))] == [1, 2]


def test_p01_sigkill_loses_nothing_that_was_appended(tmp_path):
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        told = [int(line) for line in child.communicate()[0].splitlines()]

        found = list(read_records(str(tmp_path)))
        assert found == [(k, payload(k)) for k in range(1, len(found) + 1)]
        assert len(found) >= max(told[:-1], default=0)  # the last line may be cut short


def test_p12_short_writes_are_finished(tmp_path, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda d, content, at: real(d, bytes(content[:7]), at))
    fill(tmp_path, 20)
    monkeypatch.undo()

    assert list(read_records(str(tmp_path))) == [(k, payload(k)) for k in range(1, 21)]


def test_p12_no_descriptor_left_is_one_clear_error(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    fill(tmp_path, 3)
    monkeypatch.setattr(RealDisk, "open", refuse)
    with pytest.raises(StateError, match="Too many open files"):
        Journal(str(tmp_path))


def test_p09_the_second_process_is_refused_with_the_first_one_named(tmp_path):
    code = "import sys; from admf_fast.journal import StateLock; StateLock(sys.argv[1])"
    with StateLock(str(tmp_path)):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
        with pytest.raises(StateError, match=rf"is in use by process {os.getpid()} of boot"):
            StateLock(str(tmp_path))
    assert "is in use by process" in done.stderr

    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    with StateLock(str(tmp_path)) as lock:  # the text of a dead holder is no obstacle
        assert lock.is_held


def test_p09_the_lock_of_a_killed_process_is_free(tmp_path):
    code = (
        "import sys, time; from admf_fast.journal import StateLock\n"
        "lock = StateLock(sys.argv[1]); print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(StateError, match=f"process {child.pid} of boot"):
        StateLock(str(tmp_path))
    child.kill()
    child.communicate()

    with StateLock(str(tmp_path)) as lock:
        assert lock.is_held


@pytest.mark.parametrize("step", ["fsync", "fdatasync", "replace", "open"])
def test_p10_a_folder_that_cannot_keep_files_is_refused_at_once(tmp_path, monkeypatch, step):
    def refuse(*args, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(StateError, match=r"Read-only file system \(EROFS\)"):
        check_folder(RealDisk(), str(tmp_path))
    monkeypatch.undo()

    check_folder(RealDisk(), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def in_child(journal, lock, answers):
    """What a forked child finds."""
    try:
        journal.append(b"from the child")
    except JournalError as error:
        answers.put(str(error))
    answers.put(lock.is_held)


def test_p17_a_forked_child_cannot_write_nor_keep_the_lock(tmp_path):
    context = multiprocessing.get_context("fork")
    lock = StateLock(str(tmp_path))
    journal = Journal(str(tmp_path / "journal"), segment_bytes=SEGMENT)
    journal.append(payload(1))
    answers = context.SimpleQueue()
    child = context.Process(target=in_child, args=(journal, lock, answers))
    child.start()
    child.join()

    assert "is a fork of the one that opened it" in answers.get()
    assert answers.get() is False
    assert lock.is_held
    with pytest.raises(StateError):  # the parent's lock is still there
        StateLock(str(tmp_path))
    journal.append(payload(2))
    journal.close()
    lock.release()
    assert list(read_records(str(tmp_path / "journal"))) == [(1, payload(1)), (2, payload(2))]


def test_a_link_is_not_followed(tmp_path):
    fill(tmp_path / "a", 3)
    segment = next((tmp_path / "a").glob("*.segment"))
    segment.rename(tmp_path / "elsewhere")
    segment.symlink_to(tmp_path / "elsewhere")

    with pytest.raises((StateError, OSError)):
        Journal(str(tmp_path / "a"), segment_bytes=SEGMENT)
