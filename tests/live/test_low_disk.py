"""P05: a disk that fills stops new orders before it stops the journal."""

import errno

from admf_fast.journal.messages import Command
from admf_fast.journal.reading import read_journal
from tests.live.kit import bar_inputs, opened, setups_of


def test_p05_no_room_for_another_segment_freezes_entries_before_the_next_bar(tmp_path, monkeypatch):
    run = opened(tmp_path / "run", setups_of())
    bars = bar_inputs(40)
    for bar in bars[:3]:
        run.take(bar)
    run.journal._spare.close()
    run.journal._spare = None

    def full(path):
        raise OSError(errno.ENOSPC, "no space left on device", path)

    monkeypatch.setattr(run.journal, "_reserve", full)
    assert run.journal.is_low
    for bar in bars[3:]:
        run.take(bar)
    assert run.core.holds == ("disk",)
    assert run.core.position_lots == 0
    run.end("stopped")
    commands = [m for _, m in read_journal(str(tmp_path / "run" / "journal"))]
    commands = [m for m in commands if isinstance(m, Command)]
    assert [(c.action, c.origin, c.ts_ns) for c in commands] == [("freeze", "disk", bars[3].ts_ns)]

    again = opened(tmp_path / "run", setups_of())
    assert again.core.holds == ("disk",), "a restart does not thaw it"
    assert not again.journal.is_low
    again.take(Command(action="resume", origin="command"))
    assert again.core.holds == ()
    again.close()
