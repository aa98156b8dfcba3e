"""Alerts, and how many of them are let through."""

import threading
from collections.abc import Callable
from typing import Literal

import msgspec

TEXT_MAX = 2000
KEYS_MAX = 1000
OTHER_KEYS = "more kinds of alerts than can be told apart"
NS_PER_MINUTE, NS_PER_HOUR = 60_000_000_000, 3_600_000_000_000
Severity = Literal["info", "warning", "error"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person should know.

    `key` names its kind, which is what is limited; `ts_ns` is the bar's time, 0 if it has none;
    `suppressed` counts those of its kind that were held back since the last that was sent.
    """

    key: str
    text: str
    severity: Severity = "warning"
    ts_ns: int = 0
    suppressed: int = 0


class _Kind:
    __slots__ = ("sent_ns", "suppressed", "text", "tokens", "touched_ns")

    def __init__(self, tokens: float, now_ns: int) -> None:
        self.tokens, self.touched_ns = tokens, now_ns
        self.suppressed = 0
        self.text, self.sent_ns = "", -1


class AlertLimiter:
    """A bucket of tokens for each kind of alert, and no alert twice within some minutes.

    A bucket holds `burst` tokens, gains `per_hour`, and each alert costs one. Alerts are limited
    by kind alone, so that a flood of one does not hide another. The memory is bounded: kinds
    beyond `KEYS_MAX` share one bucket.

    Parameters
    ----------
    clock_ns : function
        Of a clock that only goes forward.
    """

    def __init__(
        self, per_hour: float, burst: int, repeat_minutes: float, clock_ns: Callable[[], int]
    ) -> None:
        self._per_ns = per_hour / NS_PER_HOUR
        self._burst = float(burst)
        self._repeat_ns = int(repeat_minutes * NS_PER_MINUTE)
        self._clock_ns = clock_ns
        self._kinds: dict[str, _Kind] = {}
        self._lock = threading.Lock()
        self.suppressed = 0

    def admit(self, alert: Alert) -> Alert | None:
        """Return the alert as it is to be sent, or None if it is held back and counted."""
        with self._lock:
            now_ns = self._clock_ns()
            kind = self._kind(alert.key, now_ns)
            kind.tokens = min(self._burst, kind.tokens + (now_ns - kind.touched_ns) * self._per_ns)
            kind.touched_ns = now_ns
            again = (
                kind.sent_ns >= 0
                and kind.text == alert.text
                and now_ns - kind.sent_ns < self._repeat_ns
            )
            if again or kind.tokens < 1.0:
                kind.suppressed += 1
                self.suppressed += 1
                return None
            kind.tokens -= 1.0
            kind.text, kind.sent_ns = alert.text, now_ns
            held, kind.suppressed = kind.suppressed, 0
            return msgspec.structs.replace(alert, suppressed=held, text=alert.text[:TEXT_MAX])

    def _kind(self, key: str, now_ns: int) -> _Kind:
        if key not in self._kinds and len(self._kinds) >= KEYS_MAX:
            key = OTHER_KEYS
        if key not in self._kinds:
            self._kinds[key] = _Kind(self._burst, now_ns)
        return self._kinds[key]
