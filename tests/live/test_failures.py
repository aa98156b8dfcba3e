"""P06, P09: whatever goes wrong is journaled and told, and leaves nothing locked or doubled."""

import os

import pytest

from admf_fast.cli.main import main
from admf_fast.errors import JournalError, VenueError
from admf_fast.feeds.guard import FeedGuard
from admf_fast.journal.lock import StateLock
from admf_fast.journal.messages import Ended, Intent, Note, Sent
from admf_fast.journal.reading import read_journal
from admf_fast.live import service
from admf_fast.live.control import Signals
from admf_fast.live.process import LiveProcess
from admf_fast.live.run import LiveRun
from admf_fast.live.status import read_status
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.gateway import Gateway
from tests.live.kit import CONFIG, ToldClock, config_of, opened, setups_of
from tests.live.test_process import BARS as ROWS
from tests.live.test_process import OPERATED, Steps, Told
from tests.live.venue_world import BARS, FREE, VenueWorld, venue_setups


class OddError(Exception):
    """One that nobody thought of."""


def fail(*_, **__):
    raise OddError("of all things")


def process_of(run, happens=None, guard=None):
    guard = guard or Told(run.setup.config, {})
    return LiveProcess(run, Steps(ROWS, happens), guard, ToldClock(10**9), Signals())


def ended(folder):
    return [m for _, m in read_journal(str(folder / "journal"))][-1]


def files_open(folder):
    links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    found = [os.readlink(link) for link in links if os.path.lexists(link)]
    return [path for path in found if path.startswith(str(folder))]


@pytest.mark.parametrize("where", ["feed", "core", "observer", "status", "memory"])
def test_p06_any_error_is_journaled_and_told_and_goes_on_to_who_called(
    tmp_path, monkeypatch, where
):
    folder = tmp_path / "run"
    (folder / "control").mkdir(parents=True)
    run = opened(folder, setups_of(OPERATED))
    process = process_of(run, {12: fail} if where == "feed" else None)
    if where == "core":
        monkeypatch.setattr(run.core, "apply", fail)
    elif where == "observer":
        run.watch(fail)
    elif where == "status":
        process._on_status = fail
    elif where == "memory":
        monkeypatch.setattr(
            run.core, "apply", lambda *_: (_ for _ in ()).throw(MemoryError("full"))
        )
    kind = MemoryError if where == "memory" else OddError
    with pytest.raises(kind):
        process.serve()

    text = f"unexpected {kind.__name__}: {'full' if where == 'memory' else 'of all things'}"
    assert ended(folder) == Ended(status="failed", text=text)
    assert files_open(folder) == []
    if where != "status":
        status = read_status(folder / "status.json")
        assert (status.state, status.text) == ("failed", text)
    again = opened(folder, setups_of(OPERATED))
    assert process_of(again).serve().status == "ended"


def test_p06_a_failure_of_the_failing_hides_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    (folder / "control").mkdir(parents=True)
    run = opened(folder, setups_of(OPERATED))

    def all_fails():
        monkeypatch.setattr(run, "end", lambda *_: 1 / 0)
        monkeypatch.setattr(process, "tell", lambda *_: 1 / 0)
        fail()

    process = process_of(run, {5: all_fails})
    with pytest.raises(OddError):
        process.serve()
    assert files_open(folder) == []


def test_p06_a_venue_that_breaks_its_protocol_ends_the_run_and_doubles_no_order():
    world = VenueWorld()
    world.start()
    submit, asked = world.exchange.submit, []

    def taken_and_broken(intent, now_ns):
        submit(intent, now_ns)
        asked.append(intent.client_id)
        raise OddError("of all things")

    world.exchange.submit = taken_and_broken
    with pytest.raises(OddError):
        world.trade(len(BARS))
    world.run.end("failed")
    assert world.told(Sent) == []
    world.exchange.submit = submit
    world.start()
    world.settle()
    world.trade(len(BARS))

    orders = [i.client_id for i in world.told(Intent) if i.action == "submit"]
    assert asked == orders[:1]
    assert not world.exchange.past
    assert sorted(world.exchange.orders) == sorted(set(orders))
    assert world.exchange.held.get("X", 0) == world.run.core.position_lots


@pytest.mark.parametrize("error", [VenueError("another account"), OddError("of all things")])
def test_p09_a_start_that_the_venue_ends_closes_the_journal(tmp_path, error):
    class Refusing(Gateway):
        def start(self, now_ns):
            raise error

    setups = venue_setups()
    for _ in range(2):
        gateway = Refusing(Exchange(setups.current.terms), FREE)
        run = LiveRun(tmp_path / "run", setups, clock=ToldClock(), gateway=gateway, lineage="L")
        with pytest.raises(type(error)):
            run.open()
        with pytest.raises(JournalError):
            run.journal.append(b"more")
        assert files_open(tmp_path) == []
        assert ended(tmp_path / "run") == Ended(status="failed", text=str(error))


def test_p09_an_unexpected_error_of_the_command_has_exit_code_1_and_frees_the_folder(
    tmp_path, monkeypatch, capsys
):
    path, folder = tmp_path / "c.yaml", tmp_path / "run"
    text = CONFIG.replace("stamp: close", "stamp: close, off_grid: keep")
    path.write_text(text + "feed: {warmup: none, implausible: keep}\n")

    def broken(*_, **__):
        feed = Steps(ROWS, {3: fail})
        feed.instruments = (config_of(text=text).bars,)
        return feed

    monkeypatch.setattr(service, "open_feed", broken)
    monkeypatch.setattr(service, "guard_of", lambda feed, spec: FeedGuard(feed.instruments, spec))
    code = main(["live", str(path), "--feed", "follow:bars", "--run", str(folder), "--json"])

    assert code == 1
    err = capsys.readouterr().err
    assert "unexpected OddError in test_failures.py" in err
    assert ended(folder).status == "failed"
    notes = [m for _, m in read_journal(str(folder / "journal")) if isinstance(m, Note)]
    assert not notes
    StateLock(str(folder)).release()
