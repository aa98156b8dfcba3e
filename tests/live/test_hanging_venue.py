"""O14, P02: an adapter that hangs holds up neither bars and commands nor the end of the run."""

import contextlib
import functools
import os
import signal
import socket
import threading
import time

import pytest

from admf_fast.feeds.feed import Feed
from admf_fast.feeds.rulings import Delivered
from admf_fast.journal.messages import Command, Ended, Note
from admf_fast.journal.reading import read_journal
from admf_fast.live import arming, service
from admf_fast.live.control import Request, ask
from admf_fast.live.service import serve
from admf_fast.venues import bridge
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.lines import encode_line
from admf_fast.venues.server import Desk
from tests.live.kit import CONFIG, bar_inputs, config_of, setup_of

BARS = bar_inputs(12, seed=11)
MARKET = CONFIG.replace("stamp: close", "stamp: close, off_grid: keep") + (
    "feed: {implausible: keep, repeated_bars: 0, warmup: none}\n"
)
STOP_S = 2.0


class Adapter(threading.Thread):
    """Answers one connection after the other, and from some moment on hangs without a word."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.desk = Desk(Exchange(setup_of().terms))
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.hangs = threading.Event()
        self.asked = threading.Event()  # since it hangs
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        with contextlib.suppress(OSError), client, client.makefile("rb") as lines:
            for line in lines:
                if self.hangs.is_set():
                    self.asked.set()
                    continue
                client.sendall(encode_line(self.desk.answer(line)))


class Paced(Feed):
    """Delivers a bar at a poll, without end: afterwards it waits as a feed does."""

    realtime = False

    def __init__(self, specs, on_poll):
        super().__init__(specs)
        self.left, self.on_poll, self.polls = list(BARS), on_poll, []

    def poll(self, timeout_s):
        self.polls.append(time.monotonic())
        self.on_poll(self)
        if not self.left:
            time.sleep(timeout_s)
            return []
        b = self.left.pop(0)
        return [Delivered("X", (b.ts_ns, b.open, b.high, b.low, b.close, b.volume))]


@pytest.fixture
def adapter(tmp_path):
    made = Adapter(tmp_path / "s")
    yield made
    made.listener.close()


def hung(tmp_path, adapter, monkeypatch, interrupt):
    """Run until the adapter hangs and was asked in vain; return when that was, and the end."""
    feeds, asked = [], []

    def on_poll(feed):
        if len(feed.left) == len(BARS) // 2:
            adapter.hangs.set()

    def opened(_, specs, **__):
        feeds.append(Paced(specs, on_poll))
        return feeds[0]

    def watch():
        assert adapter.asked.wait(30.0)
        time.sleep(0.1)  # in the midst of a call that waits
        asked.append(time.monotonic())
        interrupt()

    monkeypatch.setattr(service, "open_feed", opened)
    watcher = threading.Thread(target=watch)
    watcher.start()
    live = f"live: {{mode: live, venue: 'unix:{tmp_path / 's'}', account: simulated}}\n"
    served = serve(config_of(live, MARKET), "follow:bars", tmp_path / "run", armed=True)
    watcher.join()
    return served, asked[0], time.monotonic(), feeds[0]


def term():
    os.kill(os.getpid(), signal.SIGTERM)


def test_p02_a_process_whose_venue_hangs_stops_in_time(tmp_path, adapter, monkeypatch):
    served, asked_s, ended_s, _ = hung(tmp_path, adapter, monkeypatch, term)
    messages = [m for _, m in read_journal(str(tmp_path / "run" / "journal"))]

    assert served.ending.text == "SIGTERM"
    assert ended_s - asked_s < STOP_S
    assert isinstance(messages[-1], Ended)
    told = [m.text for m in messages if isinstance(m, Note) and m.rule == "O14"]
    assert "the venue does not answer (" in told[0]


def test_p02_a_bridge_that_knows_no_hurry_is_caught(tmp_path, adapter, monkeypatch):
    monkeypatch.setattr(bridge, "HURRY_S", 9.0)
    patient = functools.partial(bridge.BridgeVenue, timeout_s=3.0)
    monkeypatch.setattr(arming, "BridgeVenue", patient)
    with pytest.raises(AssertionError, match=r"< 2\.0"):
        test_p02_a_process_whose_venue_hangs_stops_in_time(tmp_path, adapter, monkeypatch)


def test_o16_commands_and_bars_do_not_wait_for_a_venue_that_hangs(tmp_path, adapter, monkeypatch):
    control = tmp_path / "run" / "control"

    def freeze_then_stop():
        ask(control, Request(action="freeze", reason="it hangs", ts_ns=1))
        time.sleep(1.0)
        term()

    served, asked_s, _, feed = hung(tmp_path, adapter, monkeypatch, freeze_then_stop)
    messages = [m for _, m in read_journal(str(tmp_path / "run" / "journal"))]

    assert served.bars == len(BARS)
    commands = [(m.action, m.origin) for m in messages if isinstance(m, Command)]
    assert ("freeze", "command") in commands
    # The last second was hardly spent waiting for it: the loop went round.
    assert sum(at > asked_s for at in feed.polls) >= 4
