"""Feeds over real descriptors, files and sockets: nothing is lost, nothing waits for long."""

import json
import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.config import FeedSpec
from admf_fast.data import BarSpec
from admf_fast.errors import ConfigError, DataFileError
from admf_fast.feeds import Link, bar_line, guard_of, lines_of, open_feed, parse_feed
from admf_fast.feeds.feed import LineBuffer
from admf_fast.feeds.files import DescriptorFeed, FollowFeed
from admf_fast.feeds.json_lines import LINE_BYTES_MAX
from admf_fast.feeds.sockets import SocketFeed
from tests.feeds.guard_kit import START_NS, bar
from tests.kernels.strategies import quick

SPECS = (BarSpec(symbol="SAP", timeframe="1m", stamp="close", calendar="24/7"),)
LINES = [bar_line("SAP", bar(minute)) for minute in range(9)]


def drain(feed, count=1, seconds=5.0):
    """What a feed delivers until there are `count` items, or an end."""
    found, until = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        items = feed.poll(0.05)
        if items is None:
            break
        found += items
    return found


@quick(100)
@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b""))), st.integers(1, 7))
def test_lines_are_whole_however_they_arrive(lines, size):
    whole, buffer, found = b"".join(line + b"\n" for line in lines), LineBuffer(), []
    for at in range(0, len(whole), size):
        found += buffer.take(whole[at : at + size])

    assert found == lines
    assert buffer.finish() == []


def test_l13_a_line_without_end_takes_no_memory_and_hides_none_after_it():
    buffer, found = LineBuffer(), []
    for _ in range(100):
        found += buffer.take(b"x" * 65_536)
    found += buffer.take(b"x\nnext\nla")

    assert [len(line) for line in found] == [LINE_BYTES_MAX + 1, 4]
    assert buffer.finish() == [b"la"]


def test_a_descriptor_delivers_until_its_end_and_keeps_the_last_line():
    reader, writer = os.pipe()
    feed = DescriptorFeed(SPECS, reader)
    started = time.monotonic()
    assert feed.poll(0.05) == []
    assert 0.04 < time.monotonic() - started < 1.0
    os.write(writer, LINES[0] + LINES[1][:20])
    assert feed.poll(1.0) == [LINES[0].rstrip()]
    os.write(writer, LINES[1][20:] + LINES[2].rstrip())
    os.close(writer)

    assert list(lines_of(feed)) == [line.rstrip() for line in LINES[1:3]]
    assert feed.poll(1.0) is None
    os.close(reader)


def test_l10_a_burst_waits_in_the_pipe_and_is_not_dropped(tmp_path):
    """What nobody takes stays where it is: a poll reads a bounded piece."""
    path = tmp_path / "burst"
    path.write_bytes(b"".join(b"%d\n" % n for n in range(200_000)))
    feed = FollowFeed(SPECS, path)
    polls = []
    while sum(polls) < 200_000:
        polls.append(len(feed.poll(0.0)))
    feed.close()

    assert max(polls) <= 65_536 / 2
    assert len(polls) > 10


def test_a_growing_file_is_followed_through_rotation_and_truncation(tmp_path):
    path = tmp_path / "bars.jsonl"
    feed = open_feed(f"follow:{path}", SPECS)
    feed.start(dict)
    assert feed.poll(0.05) == []
    path.write_bytes(LINES[0] + LINES[1][:9])
    assert drain(feed) == [LINES[0].rstrip()]
    with path.open("ab") as file:
        file.write(LINES[1][9:])
    assert drain(feed) == [LINES[1].rstrip()]

    path.rename(tmp_path / "old")
    with (tmp_path / "old").open("ab") as file:  # by a writer that has not noticed yet
        file.write(LINES[2])
    assert drain(feed) == [LINES[2].rstrip()]
    path.write_bytes(LINES[3])
    replaced, line = drain(feed, 2)
    assert (replaced.up, line) == (False, LINES[3].rstrip())
    assert replaced.text.endswith("replaced by another file")

    path.write_bytes(b"")
    cut = drain(feed)
    path.write_bytes(LINES[4])
    assert cut[0].text.endswith("cut off, and read again from its start")
    assert drain(feed) == [LINES[4].rstrip()]
    feed.close()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_only_regular_files_are_followed(tmp_path, kind):
    path = tmp_path / "x"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(DataFileError, match="expected a regular file to follow"):
        open_feed(f"follow:{path}", SPECS).start(dict)


class Server:
    """A server of bars on this machine, driven by the test itself."""

    def __init__(self, path: Path | None) -> None:
        family = socket.AF_UNIX if path else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(str(path) if path else ("127.0.0.1", 0))
        self.socket.listen()
        self.socket.settimeout(5)
        self.feed = f"unix:{path}" if path else f"tcp:127.0.0.1:{self.socket.getsockname()[1]}"
        self.client = self.socket
        self.rest = b""

    def accept(self) -> None:
        if self.client is not self.socket:
            self.client.close()
        self.client, _ = self.socket.accept()
        self.client.settimeout(5)

    def line(self) -> dict:
        while b"\n" not in self.rest:
            self.rest += self.client.recv(4096)
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)


@pytest.fixture(params=["unix", "tcp"])
def server(request, tmp_path):
    made = Server(tmp_path / "socket" if request.param == "unix" else None)
    yield made
    made.client.close()
    made.socket.close()


def test_l08_a_lost_connection_is_made_again_and_resumes_after_the_last_bar(server):
    feed = open_feed(server.feed, SPECS)
    guard = guard_of(feed, FeedSpec(stale_bars=0))
    processed = []

    def take(count):
        for item in drain(feed, count):
            ruled = guard.take(item, START_NS + 10**12, 0)
            processed.extend(r.bar for r in ruled if r.action == "process")
            for r in ruled:
                if r.action == "ask":
                    feed.ask(r.symbol, r.after_ns, r.before_ns)

    feed.start(guard.last_ts_ns)
    take(1)
    server.accept()
    assert server.line() == {"type": "subscribe", "symbols": ["SAP"], "after": {}}
    server.client.sendall(b"".join(LINES[:3]) + LINES[3][:10])
    take(3)
    server.client.close()
    server.rest = b""
    take(2)  # lost and made
    server.accept()
    assert server.line()["after"] == {"SAP": bar(2)[0]}
    server.client.sendall(LINES[1] + LINES[2] + LINES[5])  # an overlap, and a hole
    take(3)
    assert server.line() == {
        "type": "ask", "symbol": "SAP", "after": bar(2)[0], "before": bar(5)[0],
    }  # fmt: skip
    server.client.sendall(LINES[3] + LINES[4])
    take(2)
    feed.close()

    assert processed == [bar(m) for m in range(6)]
    counts = guard.counts
    assert (counts["connect"], counts["disconnect"], counts["duplicate"]) == (2, 1, 2)
    assert "malformed" not in counts  # half of a line is not delivered


def test_a_connection_can_be_renewed_when_it_is_silent(server):
    feed = open_feed(server.feed, SPECS)
    feed.start(dict)
    assert drain(feed)[0].up
    server.accept()
    server.line()
    feed.renew()
    assert drain(feed)[0].up
    server.accept()
    assert server.line()["type"] == "subscribe"
    feed.close()


def test_a_server_that_is_not_there_is_waited_for_without_blocking(tmp_path):
    feed = SocketFeed(SPECS, str(tmp_path / "socket"))
    feed.start(dict)
    for _ in range(5):
        started = time.monotonic()
        assert feed.poll(0.05) == []
        assert time.monotonic() - started < 0.5
    server = Server(tmp_path / "socket")
    assert drain(feed) == [Link(up=True, text=f"{tmp_path / 'socket'}: connected")]
    feed.close()
    server.socket.close()


@pytest.mark.parametrize("text", [
    "", "kafka:topic", "replay", "stdin:x", "follow:", "unix:", "tcp:", "tcp:127.0.0.1",
    "tcp:127.0.0.1:0", "tcp:127.0.0.1:65536", "tcp:127.0.0.1:x", "tcp:10.0.0.1:80",
    "tcp:0.0.0.0:80", "tcp:example.com:80", "tcp::80",
])  # fmt: skip
def test_what_is_no_feed_and_what_is_not_this_machine_is_refused(text):
    with pytest.raises(ConfigError, match=r"^--feed: expected "):
        parse_feed(text)


def test_every_form_of_a_feed_is_understood():
    forms = ("replay:", "replay:a:b", "stdin", "follow:x y", "unix:/x", "tcp:localhost:80")

    assert [parse_feed(form)[0] for form in forms] == [
        "replay", "replay", "stdin", "follow", "unix", "tcp",
    ]  # fmt: skip
