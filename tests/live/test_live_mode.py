"""O15, G04: orders reach a venue only when armed, of the right account; and a restart goes on."""

import threading
from pathlib import Path

import pytest

from admf_fast.errors import ConfigError, VenueError
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.rulings import Delivered
from admf_fast.journal.messages import Intent, Report, Sent
from admf_fast.journal.reading import read_journal
from admf_fast.live import service
from admf_fast.live.service import serve
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.server import Desk, Server
from admf_kernels.execution.records import Bar
from tests.live.kit import CONFIG, bar_inputs, config_of, setup_of

BARS = bar_inputs(40, seed=3)
MARKET = CONFIG + "feed: {implausible: keep, repeated_bars: 0, warmup: none}\n"
NOBODY = "live: {mode: live, venue: 'unix:nobody', account: A}\n"


class Market(Feed):
    """Delivers bars, and brings each to the exchange before."""

    realtime = False

    def __init__(self, specs, exchange, first, last):
        super().__init__(specs)
        self.exchange, self.left = exchange, list(range(first, last))

    def poll(self, timeout_s):
        if not self.left:
            return None
        number = self.left.pop(0)
        b = BARS[number]
        values = (b.ts_ns, b.open, b.high, b.low, b.close, b.volume)
        self.exchange.bar(Bar(number + 1, *values, 1.0))
        return [Delivered("X", values)]


@pytest.fixture
def venue(tmp_path):
    """An exchange behind a socket; yields it and the section `live` that names it."""
    exchange = Exchange(setup_of().terms)
    server = Server(Desk(exchange), tmp_path / "s")
    thread = threading.Thread(target=server.run)
    thread.start()
    yield exchange, f"live: {{mode: live, venue: 'unix:{tmp_path / 's'}', account: simulated, "
    server.stopped = True
    thread.join()


def config(live):
    return config_of(live, MARKET.replace("stamp: close", "stamp: close, off_grid: keep"))


def messages(folder, kind):
    return [m for _, m in read_journal(str(folder / "journal")) if isinstance(m, kind)]


def test_o15_live_needs_everything_and_paper_has_no_way_to_a_venue(tmp_path):
    run = tmp_path / "run"
    for live, armed, told in (
        (NOBODY, False, "sends orders to account A at unix:nobody: start it with --armed"),
        ("live: {mode: live, account: A}\n", True, "live.venue: expected a value"),
        ("live: {mode: live, venue: 'unix:x'}\n", True, "live.account: expected a value"),
        ("live: {mode: shadow}\n", True, "found shadow; leave --armed out"),
        ("", True, "found paper; leave --armed out"),
    ):
        with pytest.raises(ConfigError, match=told):
            serve(config(live), "follow:bars", run, armed=armed)
    assert not run.exists()


def test_g04_another_account_is_refused(tmp_path, venue):
    wrong = venue[1].replace("account: simulated", "account: mine") + "}\n"
    with pytest.raises(VenueError, match="expected 'mine', the venue says 'simulated'"):
        serve(config(wrong), "follow:bars", tmp_path / "run", armed=True)
    assert not venue[0].orders


def test_orders_go_to_the_venue_and_a_restart_goes_on(tmp_path, venue, monkeypatch):
    exchange, live = venue
    text = live + "max_intent_age_bars: 0, limits: {messages_per_second: 0, price_percent: 0}}\n"
    parts = [(0, 20), (20, 40)]
    for first, last in parts:
        monkeypatch.setattr(
            service, "open_feed", lambda _, specs, first=first, last=last, **__: Market(
                specs, exchange, first, last,
            ),
        )  # fmt: skip
        served = serve(config(text), "follow:bars", tmp_path / "run", armed=True)
    run = tmp_path / "run"
    intents, fills = messages(run, Intent), [r for r in messages(run, Report) if r.lots]

    assert served.ending.status == "ended"
    assert served.job.result.bars == 40
    assert len(intents) == len(exchange.orders) == len(messages(run, Sent)) > 4
    assert [i.client_id for i in intents] == [o.intent.client_id for o in exchange.orders.values()]
    assert sum(r.lots for r in fills) == exchange.held.get("X", 0)
    assert Path(run / "fills.parquet").exists()
    with pytest.raises(
        ConfigError, match="expected live, as the run in this folder was begun, found paper"
    ):
        serve(config(""), "follow:bars", run)
