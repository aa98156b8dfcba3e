"""The other side of the bridge: an exchange as a process, and an example of an adapter.

``python -m admf_fast.venues.server CONFIG --socket PATH --journal FILE``
"""

import contextlib
import json
import os
import selectors
import signal
import socket
from pathlib import Path
from typing import Any

import click
import msgspec

from admf_fast.config import load_config
from admf_fast.errors import StateError, VenueError
from admf_fast.journal.messages import Report
from admf_fast.runners.setup import prepare
from admf_fast.venues.exchange import TOLD_KEPT, Exchange
from admf_fast.venues.lines import (
    LINE_BYTES_MAX,
    VERSION,
    Answer,
    Request,
    View,
    encode_line,
    request_decoder,
)
from admf_fast.venues.protocol import DownError, OrderView, RefusedError
from admf_kernels.execution.records import Bar

CHUNK_BYTES = 65_536
CLIENTS_MAX = 8
REPORTS_MAX = 500  # of one answer
WAIT_S = 0.2


class BarRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The market's own request: a bar to match the books against."""

    id: int
    op: str
    bar: dict[str, Any]
    first: bool = False


class Desk:
    """Answers requests from the books of an exchange; keeps many reports for later polls."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._reports: list[Report] = []
        self._first = 0  # how many came before them and are kept no more
        self._places: dict[str, int] = {}  # of the last report of each id

    def answer(self, line: bytes) -> Answer:
        """Return the answer to a line; one that cannot be read is refused."""
        try:
            if b'"op":"bar"' in line.replace(b" ", b""):
                return self._bar(msgspec.json.decode(line, type=BarRequest))
            request = request_decoder.decode(line)
        except msgspec.MsgspecError as error:
            return Answer(id=0, error="refused", text=f"cannot be read: {error}")
        try:
            return self._do(request)
        except RefusedError as error:
            return Answer(id=request.id, error="refused", text=str(error))
        except DownError as error:
            return Answer(id=request.id, error="down", text=str(error))
        except VenueError as error:
            return Answer(id=request.id, error="unsure", text=str(error))

    def _do(self, request: Request) -> Answer:
        exchange, order = self.exchange, request.order
        answer = Answer(id=request.id)
        if request.op in ("submit", "replace", "cancel") and order is not None:
            getattr(exchange, request.op)(order, request.now_ns)
        elif request.op == "hello":
            answer.account, answer.version = exchange.account(), VERSION
        elif request.op == "query":
            found = exchange.query(request.client_id)
            answer.order = _view(found) if found is not None else None
        elif request.op == "open_orders":
            answer.orders = [_view(v) for v in exchange.open_orders()]
        elif request.op == "positions":
            answer.positions = exchange.positions()
        elif request.op == "poll":
            self._tell(request, answer)
        else:
            raise RefusedError(f"expected another request than {request.op!r}")
        return answer

    def _tell(self, request: Request, answer: Answer) -> None:
        """Add the reports after the last that is known: by its id, or by their number."""
        for report in self.exchange.poll(request.now_ns or 1 << 62):
            self._places[report.report_id] = self._first + len(self._reports)
            self._reports.append(report)
        self._forget(len(self._reports) - TOLD_KEPT)
        after = self._places.get(request.since, -1) + 1 if request.since else request.after
        after = max(after - self._first, 0)
        answer.reports = self._reports[after : after + REPORTS_MAX]
        answer.next = self._first + after + len(answer.reports)

    def _forget(self, count: int) -> None:
        """Forget the oldest reports, once there are twice as many as have to be kept."""
        if count < TOLD_KEPT:
            return
        for report in self._reports[:count]:
            self._places.pop(report.report_id, None)
        del self._reports[:count]
        self._first += count

    def _bar(self, request: BarRequest) -> Answer:
        self.exchange.bar(Bar(**request.bar), first=request.first)
        return Answer(id=request.id)


class BookFile:
    """The requests that changed the books, a JSON line each, repeated at the next start."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def restore(self, exchange: Exchange) -> None:
        """Repeat what the file holds, and write to it from here on.

        A last line without its end was not answered, and is cut off. Raises StateError for
        any other line that cannot be read.
        """
        text = self._path.read_bytes() if self._path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                exchange.repeat(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise StateError(f"{self._path}: line {number}: {error}") from error
            except VenueError:  # a request that timed out on the way back changed the books
                continue
        self._file = self._path.open("ab")
        self._file.truncate(len(whole))
        exchange.record = self._write

    def _write(self, request: dict[str, Any]) -> None:
        self._file.write(json.dumps(request).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class Server:
    """Serves a desk on a Unix socket, one request after the other."""

    def __init__(self, desk: Desk, path: Path) -> None:
        self._desk = desk
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(old)
        self._listener.listen(CLIENTS_MAX)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._read: dict[socket.socket, bytes] = {}
        self.stopped = False

    def run(self) -> None:
        """Serve until `stopped`."""
        try:
            while not self.stopped:
                for key, _ in self._selector.select(WAIT_S):
                    if key.fileobj is self._listener:
                        self._welcome()
                    else:
                        self._serve(key.fileobj)  # type: ignore[arg-type]
        finally:
            for each in (*self._read, self._listener):
                each.close()
            self._selector.close()

    def _welcome(self) -> None:
        client, _ = self._listener.accept()
        if len(self._read) >= CLIENTS_MAX:
            client.close()
            return
        client.settimeout(1.0)
        self._read[client] = b""
        self._selector.register(client, selectors.EVENT_READ)

    def _serve(self, client: socket.socket) -> None:
        try:
            chunk = client.recv(CHUNK_BYTES)
            self._read[client] += chunk
            if not chunk or len(self._read[client]) > LINE_BYTES_MAX:
                raise OSError("closed")
            while b"\n" in self._read[client]:
                line, _, self._read[client] = self._read[client].partition(b"\n")
                client.sendall(encode_line(self._desk.answer(line)))
        except OSError:
            self._selector.unregister(client)
            del self._read[client]
            client.close()


def _view(view: OrderView) -> View:
    return View(**view._asdict())


@click.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False))
@click.option("--socket", "path", type=click.Path(), required=True, help="Unix socket to serve.")
@click.option("--journal", type=click.Path(), required=True, help="File of the books.")
@click.option("--account", default="simulated", show_default=True, help="Id of the account.")
def main(config: str, path: str, journal: str, account: str) -> None:
    """Serve a simulated exchange with the costs and rules of CONFIG over the bridge."""
    exchange = Exchange(prepare(load_config(config)).terms, name=account)
    BookFile(Path(journal)).restore(exchange)
    server = Server(Desk(exchange), Path(path))

    def stop(*_: Any) -> None:
        server.stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    click.echo(f"serving account {account} at {path}")
    server.run()


if __name__ == "__main__":
    main()
