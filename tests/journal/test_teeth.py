"""Journals with one rule left out: the tests that hold the rules must catch each of them."""

from __future__ import annotations

import pytest

from admf_fast.errors import JournalError
from admf_fast.journal import frames, journal, opening, scan
from admf_fast.journal.journal import Journal
from admf_fast.journal.mark import Mark
from tests.journal import test_crashes, test_damage


def no_sync_of_records(self):
    self._marks.write(Mark(self._last, self._chain))
    self._acknowledged = self._last
    self._offset = frames.page_after(self._offset)


def mark_first(self):
    if self._stopped:
        self._refuse()
    self._marks.write(Mark(self._last, self._chain))
    self._file.sync()
    self._acknowledged = self._last
    self._offset = frames.page_after(self._offset)


def no_mark(self):
    if not self._stopped:
        self._file.sync()
        self._acknowledged = self._last
        self._offset = frames.page_after(self._offset)


def same_page(offset):
    return (offset + 7) & ~7


POWER = test_crashes.test_p03_power_lost_at_every_call_nothing_acknowledged_is_lost
CACHE = test_crashes.test_p04_records_that_only_the_page_cache_held_are_written_again_on_restart
BYTES = test_damage.test_every_byte_changed_is_told_or_harmless
MIDDLE = test_damage.test_damage_in_the_middle_is_put_aside_named_and_never_trimmed

BROKEN = {
    "records not synced": (Journal, "sync", no_sync_of_records, POWER),
    "mark before the records": (Journal, "sync", mark_first, POWER),
    "no mark": (Journal, "sync", no_mark, BYTES),
    "written into a page that was promised": (journal, "page_after", same_page, POWER),
    "not written again on restart": (Journal, "_secure", lambda *_: None, CACHE),
    "damage taken for a torn tail": (scan.Scan, "lost", lambda *_: None, MIDDLE),
    "tail not trimmed": (opening, "_trim", lambda *_: 0, POWER),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_journal_is_caught(name, monkeypatch):
    owner, attribute, broken, test = BROKEN[name]
    monkeypatch.setattr(owner, attribute, broken)

    with pytest.raises((AssertionError, JournalError)):
        test()
