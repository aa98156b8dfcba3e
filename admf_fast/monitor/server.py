"""The pages /health and /metrics: on 127.0.0.1, for reading only."""

import hmac
import os
import secrets
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from admf_fast.errors import ConfigError
from admf_fast.monitor.exporter import CONTENT_TYPE
from admf_fast.monitor.picture import Health
from admf_fast.monitor.secret import Secret, secret_of_file

ADDRESS = "127.0.0.1"
TOKEN_FILE = "monitor.token"  # noqa: S105  a name
READERS_MAX = 8
READ_TIMEOUT_S = 5.0


class PageServer:
    """Serves two pages from threads of its own until `close`.

    Only ``GET`` and ``HEAD``, only for the hosts 127.0.0.1 and localhost with this port (a name
    that a foreign page has bound to 127.0.0.1 is refused), never for a page of another origin,
    and with a token only for who shows it as ``Authorization: Bearer TOKEN``. Nothing can be
    changed through it.

    Parameters
    ----------
    pages : mapping of str to function
        ``/health`` and ``/metrics``: each returns status, type and content.
    """

    def __init__(self, port: int, pages: dict[str, "Page"], token: Secret | None) -> None:
        try:
            self._server = _Server((ADDRESS, port), _Handler)
        except OSError as error:
            raise ConfigError(
                f"monitor.serve: port {port} of {ADDRESS} cannot be had: {error.strerror}; choose "
                "another, or 0 for any free one"
            ) from error
        self.port = int(self._server.server_address[1])
        self._server.pages, self._server.token = pages, token
        self._server.hosts = {f"{ADDRESS}:{self.port}", f"localhost:{self.port}"}
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="pages",
            daemon=True,
        )  # fmt: skip
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(1.0)


Page = Callable[[], tuple[int, str, bytes]]


def health_page(health: Callable[[], Health]) -> Page:
    """Return the page of /health: JSON, with status 200 if all is well, else 503."""

    def page() -> tuple[int, str, bytes]:
        found = health()
        code = HTTPStatus.OK if found.ok else HTTPStatus.SERVICE_UNAVAILABLE
        return code, "application/json", msgspec.json.encode(found) + b"\n"

    return page


def metrics_page(text: Callable[[], bytes]) -> Page:
    """Return the page of /metrics."""
    return lambda: (HTTPStatus.OK, CONTENT_TYPE, text())


def token_of_folder(folder: Path) -> Secret:
    """Return the token of a run folder, made when it is first asked for, in a file of mode 0600."""
    path = folder / TOKEN_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return secret_of_file(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return secret_of_file(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = READERS_MAX
    pages: dict[str, Page]
    token: Secret | None
    hosts: set[str]

    def __init__(self, *arguments: Any) -> None:
        self._readers = threading.BoundedSemaphore(READERS_MAX)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._readers.acquire(blocking=False):
            self.shutdown_request(request)  # who opens more than a few gets no answer
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._readers.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a reader that goes away is no matter, and a trace may hold its token."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = READ_TIMEOUT_S
    server_version = "admf"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a reader."""
        refused = self._refusal()
        if refused is not None:
            self._answer(refused, "text/plain", refused.phrase.encode() + b"\n")
            return
        self._answer(*self.server.pages[self.path]())

    do_HEAD = do_GET  # noqa: N815

    def _refusal(self) -> HTTPStatus | None:
        hosts = self.headers.get_all("Host", [])
        foreign = len(hosts) != 1 or hosts[0] not in self.server.hosts
        if foreign or self.headers.get("Origin") is not None:
            return HTTPStatus.FORBIDDEN
        token = self.server.token
        if token is not None:
            shown = (self.headers.get("Authorization") or "").encode("utf-8", "replace")
            if not hmac.compare_digest(shown, b"Bearer " + token.reveal().encode()):
                return HTTPStatus.UNAUTHORIZED
        return None if self.path in self.server.pages else HTTPStatus.NOT_FOUND

    def _answer(self, code: int, kind: str, content: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if code == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: what a reader sends is not ours to keep."""
