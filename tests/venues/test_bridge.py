"""The bridge: lines over a socket, faults of the connection, and the exchange as a process."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

import pytest

from admf_fast.errors import ConfigError, StateError
from admf_fast.venues import server as server_module
from admf_fast.venues.bridge import BridgeVenue
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.lines import LINE_BYTES_MAX, answer_decoder, parse_address, request_decoder
from admf_fast.venues.protocol import DownError, RefusedError, UnsureError
from admf_fast.venues.server import BookFile, Desk, Server
from tests.venues.rig import Rig, bar_of, intent_of, rows_of, setup_of

TEXT = "sizing: {kind: fixed, quantity: 7}\n"


@pytest.fixture
def served(tmp_path):
    """An exchange behind a socket, in a thread; yields it and a venue that speaks to it."""
    exchange = Exchange(setup_of(TEXT).terms)
    server = Server(Desk(exchange), tmp_path / "s")
    thread = threading.Thread(target=server.run)
    thread.start()
    venue = BridgeVenue(f"unix:{tmp_path / 's'}", timeout_s=5.0)
    yield exchange, venue
    venue.close()
    server.stopped = True
    thread.join()


def test_a_run_over_the_bridge_is_the_run_without_it(served):
    exchange, venue = served
    setup, rows = setup_of(TEXT), rows_of(150, 5)
    plain, bridged = Rig(setup).run(rows), Rig(setup)
    bridged.exchange = exchange
    bridged.gateway._floor.circuit.venue = venue
    bridged.run(rows)

    assert bridged.runner.state_checksum == plain.runner.state_checksum
    assert bridged.journal == plain.journal
    assert len(plain.journal) > 30


def test_the_bridge_answers_every_call_and_hands_refusals_on(served):
    exchange, venue = served
    assert venue.account() == "simulated"
    venue.submit(intent_of(), 1)
    with pytest.raises(RefusedError, match="in use"):
        venue.submit(intent_of(), 1)
    found = venue.query("A")
    assert found is not None
    assert found.status == "accepted"
    assert venue.query("B") is None
    assert [v.client_id for v in venue.open_orders()] == ["A"]
    venue.cancel(intent_of(action="cancel"), 2)
    with pytest.raises(RefusedError, match="does not work"):
        venue.replace(intent_of(action="replace"), 3)
    assert [r.status for r in venue.poll(9)] == ["accepted", "canceled"]
    assert venue.poll(9) == []
    assert venue.positions() == exchange.held == {}
    venue.close()
    assert venue.poll(9) == [], "a new connection goes on where the last one ended"
    again = BridgeVenue(venue.address)
    assert [r.status for r in again.poll(9)] == ["accepted", "canceled"]
    again.close()


def test_o08_a_new_process_is_told_what_came_after_the_last_report_that_it_wrote_down(served):
    _, venue = served
    venue.submit(intent_of(), 1)
    venue.cancel(intent_of(action="cancel"), 2)
    first, second = venue.poll(9)
    again = BridgeVenue(venue.address)
    for known, told in (
        (first.report_id, [second]),
        (second.report_id, []),
        ("?", [first, second]),
    ):
        again.resume(known)
        assert again.poll(9) == told, known
        assert again.poll(9) == [], known
    venue.submit(intent_of("B"), 3)
    assert [r.client_id for r in again.poll(9)] == ["B"]
    again.close()


def test_o14_an_adapter_that_counts_its_reports_anew_loses_none(tmp_path):
    exchange, reports = Exchange(setup_of(TEXT).terms), []
    desk = Desk(exchange)
    venue = BridgeVenue(f"unix:{tmp_path / 's'}", timeout_s=5.0)
    for name in ("A", "B"):
        server = Server(desk, tmp_path / "s")
        thread = threading.Thread(target=server.run)
        thread.start()
        venue.submit(intent_of(name), 1)
        reports += venue.poll(9)
        venue.close()
        server.stopped = True
        thread.join()
        desk = Desk(exchange)  # it has forgotten the first report, and its number
    assert [r.client_id for r in reports] == ["A", "B"]


def test_without_an_adapter_nothing_was_sent(tmp_path):
    with pytest.raises(DownError, match="no venue at"):
        BridgeVenue(f"unix:{tmp_path / 'none'}").submit(intent_of(), 1)


HELLO = b'{"id":1,"account":"x","version":1}\n'


@pytest.mark.parametrize("answer", [
    b"", b"nonsense\n", b'{"id":99}\n', b"[" * 5000 + b"\n", b'{"id":"2"}\n',
    b"x" * (LINE_BYTES_MAX + 70_000), None,
], ids=["closed", "no json", "wrong id", "deep", "wrong type", "too long", "silent"])  # fmt: skip
def test_o06_a_call_without_a_good_answer_is_unsure(tmp_path, answer):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    release = threading.Event()

    def adapter():
        client, _ = listener.accept()
        client.recv(65_536)
        client.sendall(HELLO)
        client.recv(65_536)
        if answer is None:
            release.wait(5)
        else:
            with contextlib.suppress(OSError):
                client.sendall(answer)
        client.close()

    thread = threading.Thread(target=adapter)
    thread.start()
    venue = BridgeVenue(f"unix:{tmp_path / 's'}", timeout_s=0.3)
    with pytest.raises(UnsureError, match="submit at unix:"):
        venue.submit(intent_of(), 1)
    release.set()
    thread.join()
    listener.close()


def test_a_late_answer_is_passed_over(tmp_path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "s"))
    listener.listen()

    def adapter():
        client, _ = listener.accept()
        client.recv(65_536)
        client.sendall(HELLO)
        client.recv(65_536)
        client.sendall(b'{"id":1,"account":"late"}\n{"id":2,"account":"right"}\n')
        client.close()

    thread = threading.Thread(target=adapter)
    thread.start()
    venue = BridgeVenue(f"unix:{tmp_path / 's'}")
    assert venue.account() == "right"
    venue.close()
    thread.join()
    listener.close()


@pytest.mark.parametrize("address", [
    "tcp:0.0.0.0:80", "tcp:example.com:80", "tcp:127.0.0.1:0", "tcp:127.0.0.1:x", "unix:", "x", "",
    "tcp:10.0.0.1:5000", "tcp:127.0.0.1:70000",
])  # fmt: skip
def test_an_address_beyond_this_machine_is_refused(address):
    with pytest.raises(ConfigError, match="stays on this machine"):
        BridgeVenue(address)


def test_addresses_of_this_machine():
    assert parse_address("tcp:127.0.0.1:80") == (socket.AF_INET, ("127.0.0.1", 80))
    assert parse_address("tcp:[::1]:80") == (socket.AF_INET6, ("::1", 80))


def test_a_line_that_cannot_be_read_is_refused_and_the_connection_lives(served):
    _, venue = served
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(venue.address.removeprefix("unix:"))
        stream = client.makefile("rwb")
        for line in (b"nonsense\n", b'{"id":1,"op":"fly"}\n', b'{"id":2,"op":"hello"}\n'):
            stream.write(line)
            stream.flush()
            answer = json.loads(stream.readline())
            assert ("error" in answer) is (b"hello" not in line)


def test_the_books_outlive_the_process_that_is_killed(tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text(
        "bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}\n"
        "strategy: {kernel: sma_cross}\n"
    )
    rows = rows_of(3, 5)
    with _Process(tmp_path, config):
        venue = _venue(tmp_path)
        venue.submit(intent_of(kind="market", limit=0.0, lots=4), 1)
        _bar(tmp_path, rows[0])
        before = venue.poll(0)
        venue.close()
    with _Process(tmp_path, config):
        venue = _venue(tmp_path)
        assert venue.positions() == {"X": 4}
        assert venue.poll(0) == before
        assert [r.status for r in before] == ["accepted", "filled"]
        venue.close()


def test_a_damaged_file_of_the_books_is_refused_with_its_line(tmp_path):
    path = tmp_path / "books"
    path.write_text('{"op": "cancel"}\n{"op": "')
    with pytest.raises(StateError, match="books: line 1"):
        BookFile(path).restore(Exchange(setup_of(TEXT).terms))


class _Process:
    def __init__(self, folder: Path, config: Path) -> None:
        command = [sys.executable, "-m", "admf_fast.venues.server", str(config)]
        command += ["--socket", str(folder / "s"), "--journal", str(folder / "books")]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ})
        assert self._child.stdout is not None
        assert b"serving" in self._child.stdout.readline()

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.send_signal(signal.SIGKILL)
        self._child.communicate()


def _venue(folder: Path) -> BridgeVenue:
    for _ in range(50):
        try:
            venue = BridgeVenue(f"unix:{folder / 's'}", timeout_s=5.0)
            venue.account()
        except DownError:
            time.sleep(0.1)
        else:
            return venue
    raise AssertionError("the exchange did not come up")


def _bar(folder: Path, row: tuple) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(folder / "s"))
        request = {"id": 1, "op": "bar", "bar": bar_of(row)._asdict()}
        client.sendall(json.dumps(request).encode() + b"\n")
        assert json.loads(client.makefile("rb").readline()) == {"id": 1}


def test_the_lines_of_the_page_can_be_read():
    page = (Path(__file__).parents[2] / "docs" / "venues.md").read_text()
    lines = page.partition("```json\n")[2].partition("```")[0].encode().splitlines()
    asked = [request_decoder.decode(line) for line in lines[::2]]
    told = [answer_decoder.decode(line) for line in lines[1::2]]

    assert [r.op for r in asked] == ["submit", "poll"]
    assert asked[0].order is not None
    assert asked[0].order.lots == told[1].reports[0].lots == 7


def test_an_exchange_keeps_a_number_of_reports_and_goes_on_counting_them(monkeypatch):
    monkeypatch.setattr(server_module, "TOLD_KEPT", 10)
    exchange = Exchange(setup_of(TEXT).terms)
    exchange._told = deque(maxlen=10)
    desk, told, after = Desk(exchange), [], 0
    for number in range(40):
        exchange.submit(intent_of(client_id=f"o{number}"), number)
        answer = desk.answer(b'{"id":1,"op":"poll","after":%d,"now_ns":%d}' % (after, number))
        told += [r.client_id for r in answer.reports]
        after = answer.next
    assert told == [f"o{number}" for number in range(40)]
    assert len(desk._reports) == len(desk._places) < 20
    last = desk.answer(b'{"id":2,"op":"poll","since":"simulated-38","now_ns":99}')
    assert [r.client_id for r in last.reports] == ["o38", "o39"]
    exchange.resume("simulated-39")
    assert [r.client_id for r in exchange.poll(99)] == ["o39"]
    exchange.resume("nobody knows")
    assert len(exchange.poll(99)) == 10
