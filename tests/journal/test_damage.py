"""P03: bytes that changed, files cut short, zeros, files lost: told from a torn tail."""

from __future__ import annotations

from random import Random
from zlib import crc32

import pytest

from admf_fast.errors import JournalError
from admf_fast.journal import Journal, read_records
from admf_fast.journal.frames import PAGE_BYTES
from admf_fast.simulator.disk import SimulatedDisk
from tests.journal.kit import FOLDER, check_records, error_of, payload, written


def small(records=9, acknowledged=6):
    """Return a disk with a journal of two segments, of which the last records are not synced."""
    disk = SimulatedDisk()
    journal = Journal(FOLDER, disk=disk, segment_bytes=2 * PAGE_BYTES)
    for sequence in range(1, records + 1):
        journal.append(payload(sequence))
        if sequence in (3, acknowledged):
            journal.sync()
    return disk.copy()


def segments(disk):
    return [name for name in disk.names(FOLDER) if name.endswith(".segment")]


def files(disk):
    return {name: disk.read(f"{FOLDER}/{name}") for name in disk.names(FOLDER)}


def judge(disk, acknowledged):
    """Open a journal; assert it kept every promise or refused with its files unchanged."""
    before = files(disk)
    error = error_of(Journal, FOLDER, disk=disk, segment_bytes=2 * PAGE_BYTES)
    if error is None:
        assert check_records(disk) >= acknowledged
        return "used"
    changed = [n for n, content in files(disk).items() if before.get(n) != content]
    assert not changed, f"{changed} changed although {error}"
    assert error_of(lambda: list(read_records(FOLDER, disk=disk))) is not None
    return "refused"


def used_bytes(disk):
    """Yield file and offset of every byte up to a little past the last that is not zero."""
    for name, content in files(disk).items():
        if name != "spare":
            yield from (
                (name, k) for k in range(min(len(content.rstrip(b"\0")) + 16, len(content)))
            )


def test_every_byte_changed_is_told_or_harmless():
    disk = small()
    outcomes = {"used": 0, "refused": 0}
    for name, offset in used_bytes(disk):
        if offset % PAGE_BYTES > 2048 and offset % 16:
            continue  # the zeros between pages: one in 16
        spoilt = disk.copy()
        spoilt.spoil(f"{FOLDER}/{name}", offset, 1 << offset % 8)
        outcomes[judge(spoilt, 6)] += 1
    assert outcomes["refused"] > 500
    assert outcomes["used"] > 500


def test_every_prefix_of_every_file_is_told_or_harmless():
    disk = small()
    outcomes = {"used": 0, "refused": 0}
    for name, offset in used_bytes(disk):
        if offset % 5 and offset % PAGE_BYTES > 64:
            continue
        short = disk.copy()
        short.cut(f"{FOLDER}/{name}", offset)
        outcomes[judge(short, 6)] += 1
    assert outcomes["refused"] > 100
    assert outcomes["used"] > 100


@pytest.mark.parametrize("tail", ["zeros", "noise"])
def test_a_tail_that_nobody_was_promised_is_trimmed(tail):
    disk = small()
    name = segments(disk)[-1]
    content = disk.read(f"{FOLDER}/{name}")
    end = len(content.rstrip(b"\0"))
    for offset in range(end - 150, end):
        mask = content[offset] if tail == "zeros" else Random(offset).randrange(1, 256)
        disk.spoil(f"{FOLDER}/{name}", offset, mask)

    journal = Journal(FOLDER, disk=disk, segment_bytes=2 * PAGE_BYTES)

    assert 6 <= journal.last_sequence < 9
    assert journal.opened.trimmed_bytes > 0
    assert journal.append(payload(journal.last_sequence + 1))
    assert check_records(disk) == journal.last_sequence


def test_damage_in_the_middle_is_put_aside_named_and_never_trimmed():
    disk, _ = written(records=30)
    name = segments(disk)[1]
    disk.spoil(f"{FOLDER}/{name}", 64 + 40, 1)
    damaged = disk.read(f"{FOLDER}/{name}")

    errors = [error_of(Journal, FOLDER, disk=disk, segment_bytes=PAGE_BYTES) for _ in range(2)]

    first = int(name.split(".")[0])
    for text in map(str, errors):
        assert f"{name}: damaged at byte 64: expected record {first}, and 30 were promised" in text
        assert f"record {first + 1} is whole again" in text
        assert "a copy is in run/journal/quarantine" in text
    assert disk.read(f"{FOLDER}/{name}") == damaged
    copies = [n for n in disk.names(f"{FOLDER}/quarantine") if n.startswith(name)]
    assert [disk.read(f"{FOLDER}/quarantine/{n}") for n in copies] == [damaged]


def test_what_precedes_the_damage_can_be_read():
    disk, _ = written(records=30)
    name = segments(disk)[1]
    disk.spoil(f"{FOLDER}/{name}", 64 + 40, 1)
    found = []
    with pytest.raises(JournalError):
        collect(disk, found)
    assert [s for s, _ in found] == list(range(1, int(name.split(".")[0])))


def collect(disk, found):
    for record in read_records(FOLDER, disk=disk):
        found.append(record)


@pytest.mark.parametrize("which", ["first", "middle", "last", "mark"])
def test_a_lost_file_is_noticed(which):
    disk, _ = written(records=30)
    names = segments(disk)
    middle = names[len(names) // 2]
    lost = {"first": names[0], "middle": middle, "last": names[-1], "mark": "acknowledged"}
    disk.remove(f"{FOLDER}/{lost[which]}")

    error = error_of(Journal, FOLDER, disk=disk, segment_bytes=PAGE_BYTES)

    assert error is not None
    assert error.exit_code == 4


def test_segments_of_another_journal_are_noticed():
    disk, _ = written(records=30)
    other = SimulatedDisk()
    journal = Journal(FOLDER, disk=other, segment_bytes=PAGE_BYTES)
    for sequence in range(1, 31):
        journal.append(b"other" + payload(sequence)[5:])
        if sequence % 4 == 0:
            journal.sync()
    journal.close()
    content = other.read(f"{FOLDER}/acknowledged")
    disk.open(f"{FOLDER}/acknowledged").pwrite(content, 0)

    error = error_of(Journal, FOLDER, disk=disk, segment_bytes=PAGE_BYTES)

    assert "record 30 is not the one that was acknowledged" in str(error)


def test_p08_a_newer_version_is_refused_by_its_name():
    disk, _ = written(records=30)
    name = segments(disk)[0]
    content = bytearray(disk.read(f"{FOLDER}/{name}"))
    content[8] = 2
    content[44:48] = crc32(content[:44]).to_bytes(4, "little")
    disk.open(f"{FOLDER}/{name}").pwrite(bytes(content), 0)

    error = error_of(Journal, FOLDER, disk=disk, segment_bytes=PAGE_BYTES)

    assert "expected a segment of version 1, found 2" in str(error)
