"""Alerts on their way: a bounded queue and one thread, so that trading never waits for them."""

import queue
import threading
from collections.abc import Sequence

from admf_fast.monitor.alerts import Alert, AlertLimiter
from admf_fast.monitor.channels import Channel

WAITS_S = (0.0, 1.0, 5.0)  # before each attempt


class AlertSender:
    """Sends alerts through all channels; `send` returns at once, whatever they do.

    What does not fit into the queue is dropped and counted in `dropped`. A channel that fails is
    tried again after some seconds; `failed` counts what it never took. Nothing is said of why:
    the words of an error may hold an address.
    """

    def __init__(
        self, channels: Sequence[Channel], limiter: AlertLimiter, queue_max: int = 256,
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:  # fmt: skip
        self._channels = tuple(channels)
        self._limiter = limiter
        self._waits_s = tuple(waits_s)
        self._queue: queue.Queue[Alert | None] = queue.Queue(queue_max)
        self._stopping = threading.Event()
        self.sent = self.dropped = 0
        self.failed = {channel.name: 0 for channel in self._channels}
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._thread.start()

    @property
    def suppressed(self) -> int:
        """How many were held back by the limiter."""
        return self._limiter.suppressed

    def send(self, alert: Alert) -> bool:
        """Take an alert; False if it is held back, or dropped as the queue is full."""
        admitted = self._limiter.admit(alert)
        if admitted is None:
            return False
        try:
            self._queue.put_nowait(admitted)
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def close(self, timeout_s: float = 2.0) -> bool:
        """Send what waits for at most `timeout_s`; returns whether all of it went."""
        self._stopping.set()  # no more waiting between attempts
        try:
            self._queue.put(None, timeout=timeout_s / 2.0)
        except queue.Full:
            return False
        self._thread.join(timeout_s / 2.0)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (alert := self._queue.get()) is not None:
            for channel in self._channels:
                if not self._delivered(channel, alert):
                    self.failed[channel.name] += 1
            self.sent += 1

    def _delivered(self, channel: Channel, alert: Alert) -> bool:
        for wait_s in self._waits_s:
            if wait_s and self._stopping.wait(wait_s):
                return False
            try:
                if channel.send(alert):
                    return True
            except Exception:  # noqa: S112  counted by the caller
                continue
        return False
