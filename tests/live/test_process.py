"""The loop in this process: commands, holds, refusals, and what is journaled of them."""

import signal

import pytest

from admf_fast.errors import DataError
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.rulings import Delivered, Ruling
from admf_fast.journal.messages import BarInput, Command, Ended, Note
from admf_fast.live.control import Request, Signals, ask
from admf_fast.live.notes import PER_RULE
from admf_fast.live.process import LiveProcess
from admf_fast.live.status import read_status
from tests.live.kit import ToldClock, bar_inputs, opened, setups_of

BARS = [tuple(getattr(b, n) for n in ("ts_ns", "open", "high", "low", "close", "volume"))
        for b in bar_inputs(40, seed=3)]  # fmt: skip
OPERATED = (
    "live: {snapshot_every_bars: 100, sync_ms: 0, status_ms: 0}\n"
    "feed: {off_session: keep, implausible: keep, repeated_bars: 0}\n"
)
SECOND_NS = 1_000_000_000


class Steps(Feed):
    """Delivers one bar at a poll; before some of them something happens."""

    realtime = False

    def __init__(self, bars, happens=None):
        super().__init__(())
        self.bars, self.happens = list(enumerate(bars)), happens or {}

    def poll(self, timeout_s):
        if not self.bars:
            return None
        number, bar = self.bars.pop(0)
        if number in self.happens:
            self.happens[number]()
        return [Delivered("X", bar)]


class Told(FeedGuard):
    """A guard that lets everything through, and rules what it is told at some bars."""

    def __init__(self, config, rules):
        bars = config.bars.__class__(symbol="X", timeframe="1m", stamp="close", off_grid="keep")
        super().__init__((bars,), config.feed, realtime=False)
        self.rules, self.taken = rules, 0

    def take(self, item, now_ns, monotonic_ns):
        self.taken += 1
        return [*self.rules.get(self.taken - 1, []), *super().take(item, now_ns, monotonic_ns)]


def served(folder, happens=None, rules=None, bars=BARS):
    """Run bars through a process; return it and its ending."""
    (folder / "control").mkdir(parents=True, exist_ok=True)
    run = opened(folder, setups_of(OPERATED))
    guard = Told(run.setup.config, rules or {})
    with Signals() as signals:
        process = LiveProcess(run, Steps(bars, happens), guard, ToldClock(SECOND_NS), signals)
        return process, process.serve()


def messages(process, kind):
    return [m for _, m in process.run.records(0) if isinstance(m, kind)]


def commands(process):
    return [(c.action, c.origin, c.reason) for c in messages(process, Command)]


def positions(process, tmp_path):
    """Return the lots after each bar, by a replay of the journal."""
    from admf_fast.live.core import LiveCore
    from admf_fast.live.replaying import INPUTS

    core, lots = LiveCore(process.run.setup), []
    for _, message in process.run.records(0):
        if isinstance(message, INPUTS):
            core.apply(message, 0)
            if isinstance(message, BarInput):
                lots.append(core.position_lots)
    return lots


def test_a_run_ends_with_its_feed(tmp_path):
    process, ending = served(tmp_path)

    assert ending.status == "ended"
    assert len(messages(process, BarInput)) == len(BARS)
    assert messages(process, Ended)[-1].status == "ended"
    assert read_status(tmp_path / "status.json").state == "ended"
    assert any(positions(process, tmp_path))


@pytest.mark.parametrize("how", ["file", "signal", "command"])
def test_o16_every_kill_switch_closes_everything_and_keeps_it_closed(tmp_path, how):
    def kill():
        if how == "file":
            (tmp_path / "kill").write_text("flatten\n")
        elif how == "signal":
            signal.raise_signal(signal.SIGUSR2)
        else:
            ask(tmp_path / "control", Request(action="flatten", reason="enough", ts_ns=1))

    before = positions(served(tmp_path / "free")[0], tmp_path)
    process, _ = served(tmp_path, {12: kill})
    lots = positions(process, tmp_path)

    assert [c[:2] for c in commands(process)] == [("flatten", how)]
    assert lots[:12] == before[:12]
    assert any(before[14:])
    assert lots[11] != 0
    assert not any(lots[14:])  # the order of the bar after the command has filled
    assert read_status(tmp_path / "status.json").holds == (how,)


def test_a_frozen_run_makes_no_new_entries_until_it_is_told_to(tmp_path):
    control = tmp_path / "control"
    process, _ = served(tmp_path, {
        2: lambda: ask(control, Request(action="freeze", reason="news", ts_ns=1)),
        12: lambda: ask(control, Request(action="resume", reason="over", ts_ns=2)),
    })  # fmt: skip
    lots = positions(process, tmp_path)

    assert commands(process) == [("freeze", "command", "news"), ("resume", "command", "over")]
    assert not any(lots[3:13])
    assert any(lots[13:])  # from the next change of the signal on


def test_a_command_that_waited_while_nobody_ran_comes_before_the_first_bar(tmp_path):
    (tmp_path / "control").mkdir()
    ask(tmp_path / "control", Request(action="freeze", reason="overnight", ts_ns=1))
    process, _ = served(tmp_path)
    kinds = [type(m) for _, m in process.run.records(0)]

    assert kinds.index(Command) < kinds.index(BarInput)
    assert not any(positions(process, tmp_path))
    assert not list((tmp_path / "control").iterdir())


def test_the_feed_lifts_only_its_own_hold(tmp_path):
    hold, resume = Ruling("hold", "L09", "silent"), Ruling("resume", "L09", "back")
    control = tmp_path / "control"
    process, _ = served(
        tmp_path,
        {4: lambda: ask(control, Request(action="freeze", reason="news", ts_ns=1))},
        {3: [hold], 20: [resume]},
    )

    assert [c[:2] for c in commands(process)] == [
        ("freeze", "feed"), ("freeze", "command"), ("resume", "feed"),
    ]  # fmt: skip
    assert process.run.core.holds == ("command",)
    assert not any(positions(process, tmp_path)[5:])


def test_resume_is_refused_while_the_kill_file_is_there(tmp_path):
    (tmp_path / "kill").touch()
    control = tmp_path / "control"
    process, _ = served(
        tmp_path, {9: lambda: ask(control, Request(action="resume", reason="go", ts_ns=1))}
    )

    assert [c[:2] for c in commands(process)] == [("freeze", "file")]
    assert "not while kill is there" in messages(process, Note)[-1].text


def test_what_is_no_command_is_noted_and_removed(tmp_path):
    control = tmp_path / "control"
    control.mkdir()
    (control / "00000000000000000001-1-0.json").write_text('{"action": "buy"}')
    process, _ = served(tmp_path)

    assert "expected action, reason and ts_ns" in messages(process, Note)[0].text
    assert not list(control.iterdir())


def test_a_command_stops_the_process(tmp_path):
    control = tmp_path / "control"
    process, ending = served(
        tmp_path, {9: lambda: ask(control, Request(action="stop", reason="lunch", ts_ns=1))}
    )

    assert (ending.status, ending.text) == ("stopped", "command: lunch")
    assert len(messages(process, BarInput)) < 15
    assert served(tmp_path, bars=BARS)[1].status == "ended"


def test_what_the_guard_refuses_ends_the_run_and_is_journaled(tmp_path):
    with pytest.raises(DataError, match="L13: no feed"):
        served(tmp_path, rules={7: [Ruling("refuse", "L13", "no feed")]})
    from admf_fast.journal.reading import read_journal

    last = list(read_journal(str(tmp_path / "journal")))[-1][1]
    assert (last.status, last.text) == ("failed", "L13: no feed")
    assert read_status(tmp_path / "status.json").state == "failed"


def test_p13_notes_of_a_feed_gone_mad_are_counted(tmp_path):
    many = [Ruling("drop", "L02", f"copy {k}") for k in range(1000)]
    process, _ = served(tmp_path, rules={5: many})
    texts = [n.text for n in messages(process, Note)]

    assert texts[:PER_RULE] == [f"drop: copy {k}" for k in range(PER_RULE)]
    assert texts[PER_RULE] == f"{1000 - PER_RULE} more of these within a minute"
