"""Where alerts go: a file of lines beside the run, and whatever apprise reaches."""

import logging
import os
import warnings
from pathlib import Path
from typing import Any, Protocol

import msgspec

from admf_fast.errors import ConfigError
from admf_fast.monitor.alerts import Alert
from admf_fast.monitor.secret import Secret

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Both tell addresses in their messages: with a path, a user, or worse.
TALKATIVE = ("apprise", "urllib3.connectionpool")


class Channel(Protocol):
    """A way to reach a person."""

    name: str

    def send(self, alert: Alert) -> bool:
        """Hand over an alert; False, or an exception, if it did not get there."""
        ...


class FileChannel:
    """Appends every alert as a line of JSON to a file that its owner alone may read."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, alert: Alert) -> bool:
        """Append a line, in one write; a line break in the text stays inside its string."""
        line = msgspec.json.encode(alert) + b"\n"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self._path, flags, 0o600)
        try:
            return os.write(handle, line) == len(line)
        finally:
            os.close(handle)


class LogChannel:
    """Logs every alert by the standard library, to the logger ``admf_fast.alerts``."""

    name = "log"

    def __init__(self) -> None:
        self._logger = logging.getLogger("admf_fast.alerts")

    def send(self, alert: Alert) -> bool:
        """Log one line: JSON, so that no text can look like another line."""
        line = msgspec.json.encode(alert).decode()
        self._logger.log(LEVELS[alert.severity], "%s", line)
        return True


class AppriseChannel:
    """Webhook, e-mail, chat: one address that apprise knows.

    `number` is its place in the list, the only thing that is ever said of it.
    """

    def __init__(self, address: Secret, number: int, title: str) -> None:
        self.name = f"address {number}"
        self._title = title
        self._service = _service(address, number)

    def send(self, alert: Alert) -> bool:
        """Send it, waiting at most the time-outs of apprise (4 s to connect, 4 s to read)."""
        more = f" ({alert.suppressed} more like this were held back)" if alert.suppressed else ""
        return bool(
            self._service.notify(
                title=f"{self._title}: {alert.severity}", body=alert.text + more,
                body_format="text",
            )
        )  # fmt: skip


def apprise_channels(addresses: Secret, title: str) -> list[AppriseChannel]:
    """Return a channel for every address, divided by blanks or lines; ConfigError for a bad one."""
    found = addresses.reveal().split()
    return [AppriseChannel(Secret(one), k, title) for k, one in enumerate(found, 1)]


def _service(address: Secret, number: int) -> Any:
    with warnings.catch_warnings():  # of modules that the library looks for in vain
        warnings.simplefilter("ignore", DeprecationWarning)
        return _made(address, number)


def _made(address: Secret, number: int) -> Any:
    try:
        import apprise
    except ImportError:
        raise ConfigError(
            "monitor.alerts: addresses need the package apprise, which is not installed; "
            "pip install 'admf-fast[alerts]'"
        ) from None
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(
        app_id="admf-fast", app_desc="admf-fast", app_url="", secure_logging=True,
        storage_mode="memory", http_redirects=False,
    )  # fmt: skip
    made = apprise.Apprise(asset=asset)
    # No text of an error of the library goes on from here: it may hold the address.
    if not made.add(address.reveal()):
        raise ConfigError(
            f"monitor.alerts: address {number} of the list is none that apprise knows; "
            "test it with the command apprise"
        )
    if any(not service.verify_certificate for service in made):
        raise ConfigError(
            f"monitor.alerts: address {number} of the list turns off the check of certificates; "
            "take verify=no out of it"
        )
    return made
