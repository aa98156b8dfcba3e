"""Alerts on their way: limits, the queue, channels, secrets that stay so (H05, H06, H09)."""

import http.server
import json
import logging
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.config import parse_config
from admf_fast.errors import ConfigError
from admf_fast.monitor.alerts import KEYS_MAX, NS_PER_HOUR, NS_PER_MINUTE, Alert, AlertLimiter
from admf_fast.monitor.channels import FileChannel, LogChannel, apprise_channels
from admf_fast.monitor.open_monitor import open_monitor, open_sender
from admf_fast.monitor.secret import Secret, secret_of_file, secret_of_variable
from admf_fast.monitor.sender import AlertSender
from tests.monitor.kit import status

CANARY = "canary7f3a"


class Clock:
    def __init__(self):
        self.ns = 0

    def __call__(self):
        return self.ns


def limiter(per_hour=3600.0, burst=1000, repeat_minutes=0.0, clock=None):
    return AlertLimiter(per_hour, burst, repeat_minutes, clock or Clock())


moments = st.lists(st.tuples(st.integers(0, NS_PER_HOUR // 2), st.sampled_from("ab")), max_size=60)


@given(moments, st.integers(1, 5), st.floats(0.5, 20.0))
def test_a_kind_gets_its_burst_and_its_rate_and_nothing_is_uncounted(told, burst, per_hour):
    clock = Clock()
    limits = AlertLimiter(per_hour, burst, 0.0, clock)
    sent = {"a": [], "b": []}
    held = {"a": 0, "b": 0}
    for n, (wait_ns, key) in enumerate(told):
        clock.ns += wait_ns
        admitted = limits.admit(Alert(key=key, text=str(n)))
        if admitted is None:
            held[key] += 1
        else:
            assert admitted.suppressed == held[key] - sum(s for _, s in sent[key])
            sent[key].append((clock.ns, admitted.suppressed))
    assert sum(len(s) for s in sent.values()) + sum(held.values()) == len(told)
    assert limits.suppressed == sum(held.values())
    for times in sent.values():
        for k, (first_ns, _) in enumerate(times):
            for j, (last_ns, _) in enumerate(times[k:], 1):
                most = burst + (last_ns - first_ns) * per_hour / NS_PER_HOUR
                assert j <= most + 1e-6


def test_the_same_alert_is_not_sent_again_before_its_time():
    clock = Clock()
    limits = limiter(repeat_minutes=10.0, clock=clock)
    assert limits.admit(Alert(key="a", text="x")).suppressed == 0
    clock.ns = 10 * NS_PER_MINUTE - 1
    assert limits.admit(Alert(key="a", text="x")) is None
    assert limits.admit(Alert(key="b", text="x")) is not None  # another kind
    clock.ns = 10 * NS_PER_MINUTE
    assert limits.admit(Alert(key="a", text="x")).suppressed == 1


def test_a_flood_of_kinds_takes_no_more_memory_than_a_thousand():
    limits = limiter(burst=1)
    admitted = [limits.admit(Alert(key=str(n), text="x")) for n in range(3 * KEYS_MAX)]
    assert sum(a is not None for a in admitted) == KEYS_MAX + 1
    assert len(limits._kinds) == KEYS_MAX + 1


class Stuck:
    name = "stuck"

    def __init__(self):
        self.go = threading.Event()
        self.taken = []

    def send(self, alert):
        self.go.wait(10.0)
        self.taken.append(alert)
        return True


def test_a_channel_that_hangs_never_blocks_and_drops_are_counted():
    stuck = Stuck()
    sender = AlertSender([stuck], limiter(), queue_max=5)
    started = time.perf_counter()
    taken = [sender.send(Alert(key="a", text=str(n))) for n in range(200)]
    assert time.perf_counter() - started < 0.5
    assert sender.dropped == 200 - sum(taken)
    assert 5 <= sum(taken) <= 6  # one may be in its hands
    started = time.perf_counter()
    assert not sender.close(timeout_s=0.2)
    assert time.perf_counter() - started < 1.0
    stuck.go.set()


class Failing:
    name = "failing"

    def __init__(self, failures):
        self.failures = failures
        self.attempts = 0

    def send(self, alert):
        self.attempts += 1
        if self.attempts <= self.failures:
            if self.attempts % 2:
                raise OSError(f"https://{CANARY}.example/hook")
            return False
        return True


@pytest.mark.parametrize(("failures", "attempts", "failed"), [(0, 1, 0), (2, 3, 0), (9, 3, 1)])
def test_a_channel_that_fails_is_tried_again_and_then_counted(failures, attempts, failed):
    channel, other = Failing(failures), Failing(0)
    sender = AlertSender([channel, other], limiter(), waits_s=(0.0, 0.01, 0.01))
    sender.send(Alert(key="a", text="x"))
    while not sender.sent:
        time.sleep(0.001)
    sender.close()
    assert (channel.attempts, sender.failed["failing"]) == (attempts, failed)
    assert other.attempts == 1


def test_no_text_can_forge_a_line_h09(tmp_path, caplog):
    forged = 'x"}\n{"key":"forged"}\r\x1b[2J'
    path = tmp_path / "alerts.jsonl"
    with caplog.at_level(logging.INFO, "admf_fast.alerts"):
        for channel in (FileChannel(path), LogChannel()):
            assert channel.send(Alert(key="a", text=forged))
    (line,) = path.read_text().splitlines()
    (logged,) = [r.getMessage() for r in caplog.records if r.name == "admf_fast.alerts"]
    assert json.loads(line) == json.loads(logged)
    assert json.loads(line)["text"] == forged
    assert "\x1b" not in line + logged
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_long_text_is_cut():
    assert len(limiter().admit(Alert(key="a", text="x" * 10_000)).text) == 2000


class Hook(http.server.BaseHTTPRequestHandler):
    code = 200

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, content, self.headers.get("Authorization")))
        self.send_response(self.server.code)
        if self.server.code == 302:
            self.send_header("Location", f"/elsewhere/{CANARY}")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.posts, server.code = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def address(hook):
    return f"json://user:{CANARY}@127.0.0.1:{hook.server_address[1]}/{CANARY}"


def run_config(tmp_path, text):
    head = "name: my_run\nbars: {path: b.parquet}\nstrategy: {kernel: sma_cross}\n"
    return parse_config(head + text, name="c.yaml", format="yaml", base_dir=str(tmp_path))


@pytest.mark.parametrize("code", [200, 500, 302])
def test_an_address_is_nowhere_in_what_a_run_writes_h05(
    code, hook, tmp_path, monkeypatch, caplog, capfd
):
    """Addresses from a file and a variable; sent, refused, redirected; all is searched."""
    hook.code = code
    monkeypatch.setattr("admf_fast.monitor.sender.WAITS_S", (0.0,))
    monkeypatch.setenv("MY_ALERT_URLS", address(hook))
    secret = tmp_path / "secret" / "urls"
    secret.parent.mkdir()
    secret.write_text(address(hook) + "\n")
    secret.chmod(0o600)
    run = tmp_path / "run"
    run.mkdir()
    config = run_config(
        tmp_path,
        "monitor:\n  serve: {port: 0, token: none}\n"
        "  alerts: {urls_env: MY_ALERT_URLS, urls_file: secret/urls}\n",
    )
    caplog.set_level(logging.DEBUG)
    monitor = open_monitor(config, run, 60_000_000_000)
    monitor.sender._waits_s = (0.0,)
    monitor.on_bar(status(1, state="diverged", divergence="bar 7: signal"))
    monitor.on_note("L02", "a duplicate", {})
    while monitor.sender.sent < 3:
        time.sleep(0.005)
    from admf_fast.monitor.exporter import Exporter

    shown = Exporter(monitor.picture).text().decode() + repr(monitor.health())
    shown += "".join(map(repr, [monitor, monitor.sender, vars(monitor.sender), config]))
    shown += "".join(repr(vars(channel)) for channel in monitor.sender._channels)
    monitor.close()

    paths = {path for path, _, _ in hook.posts}
    assert paths == {f"/{CANARY}"}  # no redirect was followed (H06)
    assert len(hook.posts) == 6
    assert b"bar 7: signal" in b"".join(content for _, content, _ in hook.posts)
    assert monitor.sender.failed == {
        "file": 0, "log": 0, "address 1": 3 * (code != 200),
    } or sum(monitor.sender.failed.values()) == 6 * (code != 200)  # fmt: skip
    written = "".join(p.read_text() for p in run.rglob("*") if p.is_file())
    assert "bar 7: signal" in written
    streams = capfd.readouterr()
    for text in (written, shown, caplog.text, streams.out, streams.err):
        assert CANARY not in text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_canary_would_be_found(hook, caplog):
    """The library itself would log the address: what keeps it quiet is needed."""
    import apprise

    names = ("apprise", "urllib3.connectionpool")
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        with caplog.at_level(logging.DEBUG):
            for name in names:
                logging.getLogger(name).setLevel(logging.DEBUG)
            loud = apprise.Apprise()
            loud.add(address(hook))
            loud.notify(body="x")
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    assert CANARY in caplog.text


def test_errors_of_addresses_do_not_show_them(tmp_path, monkeypatch):
    for bad in (f"nonsense://{CANARY}", f"jsons://{CANARY}@127.0.0.1/x?verify=no"):
        with pytest.raises(ConfigError, match="address 2 of the list") as error:
            apprise_channels(Secret(f"json://127.0.0.1:1/ {bad}"), "run")
        assert CANARY not in f"{error.value!r} {error.value} {error.value.__cause__!r}"
    monkeypatch.delenv("MY_ALERT_URLS", raising=False)
    config = run_config(tmp_path, "monitor: {alerts: {urls_env: MY_ALERT_URLS}}\n")
    with pytest.raises(ConfigError, match="variable MY_ALERT_URLS of the environment to be set"):
        open_sender(config, tmp_path)


def test_an_address_cannot_stand_in_the_configuration(tmp_path):
    for text in (f"urls_env: 'json://{CANARY}'", f"urls: ['json://{CANARY}']"):
        with pytest.raises(ConfigError, match=r"monitor\.alerts"):
            run_config(tmp_path, f"monitor: {{alerts: {{{text}}}}}\n")


def test_without_apprise_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"pip install 'admf-fast\[alerts\]'"):
        apprise_channels(Secret("json://127.0.0.1:1/"), "run")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602, 0o660])
def test_a_file_that_others_may_touch_is_no_place_for_a_secret(tmp_path, mode):
    path = tmp_path / "urls"
    path.write_text(CANARY)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode 0600\\), found mode {mode:04o}") as error:
        secret_of_file(path)
    assert CANARY not in str(error.value)
    path.chmod(0o400)
    assert secret_of_file(path).reveal() == CANARY


def test_links_folders_and_odd_files_are_no_place_for_a_secret(tmp_path):
    path = tmp_path / "urls"
    path.write_bytes(b"\xff" + CANARY.encode())
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="expected UTF-8") as error:
        secret_of_file(path)
    assert CANARY not in repr(error.value) + repr(error.value.__cause__)
    (tmp_path / "link").symlink_to(path)
    for other in ("link", "missing", "."):
        with pytest.raises(ConfigError):
            secret_of_file(tmp_path / other)


def test_a_secret_shows_itself_to_nobody(monkeypatch):
    monkeypatch.setenv("MY_SECRET", CANARY)
    secret = secret_of_variable("MY_SECRET")
    assert secret.reveal() == CANARY
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        secret.__reduce__()
    assert not hasattr(secret, "__dict__")
