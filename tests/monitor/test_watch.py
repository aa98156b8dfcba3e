"""The watcher of a live run, its state over restarts, and its pages (H03)."""

import http.client
import json
import sys
import time

import msgspec
import pytest

from admf_fast.config import parse_config
from admf_fast.errors import ConfigError, StateError
from admf_fast.metrics.returns import DAY_NS
from admf_fast.monitor import DivergenceAlerter, ProductionMonitor, make_baseline, save_baseline
from admf_fast.monitor.open_monitor import open_monitor
from admf_fast.monitor.tally import DayTally
from tests.monitor.kit import QUICK, Told, some_days, status, trade

MINUTE_NS = 60_000_000_000


class Sender(Told):
    """A sender without a thread."""

    sent = suppressed = dropped = 0
    failed: dict = {}  # noqa: RUF012

    def send(self, alert):
        return self(alert)

    def close(self):
        pass


def monitor_of(sender=None, baseline=None, folder=None, clock_ns=lambda: 0):
    alerter = DivergenceAlerter(0.01, sender.send if sender else None)
    if baseline is not None:
        alerter.establish_baseline(baseline)
    return ProductionMonitor(
        "run", DayTally(100.0, {"X": 1.0}), alerter, timeframe_ns=MINUTE_NS, sender=sender,
        folder=folder, clock_ns=clock_ns,
    )  # fmt: skip


def test_a_monitor_is_a_live_observer():
    from admf_fast.monitor import LiveObserver

    observer: LiveObserver = monitor_of()
    names = {n for n in vars(LiveObserver) if not n.startswith("_")}
    assert names == {"on_event", "on_bar", "on_status", "on_note", "close"}
    assert all(callable(getattr(observer, name)) for name in names)


def test_health_says_what_is_wrong():
    now_ns = [1000 * MINUTE_NS]
    monitor = monitor_of(clock_ns=lambda: now_ns[0])
    assert monitor.health().reasons == ("no bar yet",)
    monitor.on_bar(status(999 * MINUTE_NS, received_ns=1000 * MINUTE_NS, journal_sequence=7))
    found = monitor.health()
    assert (found.ok, found.journal_sequence, found.last_bar_age_seconds) == (True, 7, 0.0)
    now_ns[0] += 3 * MINUTE_NS
    assert monitor.health().ok
    now_ns[0] += 1
    assert monitor.health().reasons == ("the last bar came 180 s ago",)
    monitor.on_status(status(999 * MINUTE_NS, state="frozen", feed="stale", divergence="x"))
    assert monitor.health().reasons == (
        "state frozen", "feed stale", "the last bar came 180 s ago", "divergence",
    )  # fmt: skip
    monitor.on_status(status(999 * MINUTE_NS, state="ended", feed="ended"))
    assert monitor.health().ok


def test_changes_are_told_once_and_their_end_too():
    sender = Sender()
    monitor = monitor_of(sender)
    bars = iter(range(1, 100))
    for feed in ("ok", "stale", "stale", "ok", "ok"):
        monitor.on_bar(status(next(bars), feed=feed))
    assert [(a.key, a.text) for a in sender.alerts] == [
        ("feed", "the feed is stale"), ("feed", "over: the feed is stale"),
    ]  # fmt: skip
    monitor.on_bar(status(next(bars), divergence="bar 9, signal: 1 against 0"))
    assert (sender.alerts[-1].key, sender.alerts[-1].severity) == ("divergence", "error")
    monitor.on_note("L02", "a duplicate bar", {})
    assert (sender.alerts[-1].key, sender.alerts[-1].text) == ("note L02", "L02: a duplicate bar")
    assert monitor.notes == {"L02": 1}


def test_warm_bars_count_for_nothing():
    monitor = monitor_of()
    monitor.on_bar(status(1, warm=True))
    assert monitor._tally.close() is None
    monitor.on_bar(status(2))
    assert monitor._tally.close() is not None


def test_an_error_inside_never_reaches_the_run_and_is_counted():
    sender = Sender()
    monitor = monitor_of(sender)

    def broken(*_):
        raise ZeroDivisionError

    monitor._tally.bar = broken
    monitor.on_bar(status(1))
    assert monitor.errors == 1
    assert (sender.alerts[-1].key, sender.alerts[-1].severity) == ("monitor", "error")
    assert "ZeroDivisionError" in sender.alerts[-1].text


def tell(monitor, days, costs=0.02):
    """Tell of days with four bars and a trade each."""
    for day in days:
        for k in range(4):
            ts_ns = day * DAY_NS + (k + 1) * DAY_NS // 4
            if k == 1:
                monitor.on_event(trade(ts_ns, day * 10 + 1, fees=costs * (1 + day % 3)))
            monitor.on_bar(status(ts_ns, lots=day % 2, equity=100.0 + (day % 5)))


@pytest.fixture(scope="module")
def baseline():
    rows = some_days(200)
    rows[:, 3:6] = 0.0  # signals
    return make_baseline(rows, QUICK)


def test_a_restart_goes_on_where_the_last_run_was(tmp_path, baseline):
    whole = monitor_of(Sender(), baseline)
    tell(whole, range(1, 40))
    first = monitor_of(Sender(), baseline, tmp_path)
    tell(first, range(1, 20))
    first.close()
    second = monitor_of(Sender(), baseline, tmp_path)
    tell(second, range(15, 40))  # what a replay tells again
    assert second.days == whole.days == 38
    assert second.alerter.state() == whole.alerter.state()
    assert second._tally.state() == whole._tally.state()
    keys = [*first.sender.keys, *second.sender.keys]
    assert keys == whole.sender.keys
    assert keys


def test_a_state_of_another_baseline_or_damaged_is_refused(tmp_path, baseline):
    monitor = monitor_of(None, baseline, tmp_path)
    tell(monitor, range(1, 4))
    monitor.close()
    other = make_baseline(some_days(200), msgspec.structs.replace(QUICK, seed=9))
    with pytest.raises(StateError, match="counted beside the baseline"):
        monitor_of(None, other, tmp_path)
    path = tmp_path / "monitor.json"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(StateError, match="cannot be read as the state of a monitor"):
        monitor_of(None, baseline, tmp_path)


def test_memory_does_not_grow_with_days(baseline):
    monitor = monitor_of(None, baseline)
    sizes = []
    for days in (range(1, 31), range(31, 331)):
        tell(monitor, days)
        sizes.append(len(msgspec.json.encode([monitor.alerter.state(), monitor._tally.state()])))
    assert sizes[1] < 1.2 * sizes[0]
    assert len(monitor.alerter._rows) == baseline.window_days


@pytest.fixture
def served(tmp_path, baseline):
    save_baseline(tmp_path / "b.json", baseline)
    text = (
        "name: my_run\nbars: {path: b.parquet}\nstrategy: {kernel: sma_cross}\n"
        "monitor: {baseline: b.json, serve: {port: 0}}\n"
    )
    config = parse_config(text, name="c.yaml", format="yaml", base_dir=str(tmp_path))
    monitor = open_monitor(config, tmp_path, MINUTE_NS)
    yield monitor, (tmp_path / "monitor.token").read_text().strip()
    monitor.close()


def ask(monitor, path, token, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", monitor.port, timeout=5)
    try:
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, headers={**shown, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_pages_show_health_and_figures(served):
    monitor, token = served
    assert ask(monitor, "/health", token)[0] == 503
    tell(monitor, range(1, 15))
    code, text = ask(monitor, "/health", token)
    assert (code, json.loads(text)["ok"]) == (200, True)
    code, text = ask(monitor, "/metrics", token)
    assert code == 200
    assert "admf_bars_total 56.0" in text
    assert "admf_days_total 13.0" in text
    assert 'admf_figure{figure="exposure"} 0.5' in text
    assert 'admf_state{feed="ok",mode="paper",state="armed"} 1.0' in text
    assert ask(monitor, "/health", token, "HEAD") == (200, "")


def test_the_text_is_what_prometheus_reads(served):
    from prometheus_client.parser import text_string_to_metric_families

    monitor, token = served
    monitor.on_bar(status(1, counts={'a"b\n': 3}))
    families = {
        f.name: f for f in text_string_to_metric_families(ask(monitor, "/metrics", token)[1])
    }
    (sample,) = families["admf_counts"].samples
    assert (sample.labels, sample.value) == ({"name": 'a"b\n'}, 3.0)
    assert len(families) > 20


def test_only_readers_with_the_token_at_the_right_host_are_answered_h03(served, tmp_path):
    monitor, token = served
    assert (tmp_path / "monitor.token").stat().st_mode & 0o777 == 0o600
    port = monitor.port
    assert ask(monitor, "/health", "")[0] == 401
    assert ask(monitor, "/health", token[:-1])[0] == 401
    assert ask(monitor, "/health", token + "x")[0] == 401
    assert ask(monitor, f"/health?token={token}", "")[0] == 401
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
        assert ask(monitor, "/health", token, Host=host)[0] == 403
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert ask(monitor, "/health", token, Host=host)[0] == 503
    assert ask(monitor, "/health", token, Origin="http://evil.example")[0] == 403
    assert ask(monitor, "/orders", token)[0] == 404
    assert ask(monitor, "/../monitor.token", token)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT"])
def test_nothing_can_be_changed_through_the_pages_h03(served, method):
    monitor, token = served
    assert ask(monitor, "/health", token, method)[0] == 501


def test_only_the_loopback_listens(served):
    monitor, _ = served
    with open("/proc/net/tcp") as file:
        listening = [line.split()[1] for line in file if line.split()[3] == "0A"]
    ours = [a for a in listening if a.endswith(f":{monitor.port:04X}")]
    assert ours == [f"0100007F:{monitor.port:04X}"]


def test_readers_that_say_nothing_do_not_keep_others_out_for_long(served):
    import socket

    monitor, token = served
    idle = [socket.create_connection(("127.0.0.1", monitor.port)) for _ in range(20)]
    started = time.monotonic()
    while True:
        try:
            assert ask(monitor, "/health", token)[0] == 503
            break
        except (http.client.HTTPException, OSError):
            assert time.monotonic() - started < 15.0
            time.sleep(0.1)
    for connection in idle:
        connection.close()


def test_a_port_that_is_taken_and_a_package_that_is_missing_are_said(served, tmp_path, monkeypatch):
    monitor, _ = served
    text = (
        "name: my_run\nbars: {path: b.parquet}\nstrategy: {kernel: sma_cross}\n"
        f"monitor: {{serve: {{port: {monitor.port}, token: none}}}}\n"
    )
    config = parse_config(text, name="c.yaml", format="yaml", base_dir=str(tmp_path))
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match=f"port {monitor.port} of 127.0.0.1 cannot be had"):
        open_monitor(config, tmp_path / "other", MINUTE_NS)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigError, match=r"pip install 'admf-fast\[metrics\]'"):
        open_monitor(config, tmp_path / "other", MINUTE_NS)
