"""Lines that are no bar: set aside with their digest, counted by the minute (L13)."""

import hashlib
from collections import deque

from admf_fast.feeds.ledger import Ledger
from admf_fast.feeds.rulings import Counter

WINDOW_NS = 60_000_000_000


class Quarantine:
    """Sets lines and bars aside; more than `most` in a minute refuse the feed."""

    def __init__(self, most: int, ledger: Ledger) -> None:
        self._most = most
        self._ledger = ledger
        self._times_ns: deque[int] = deque()

    def line(self, line: bytes, place: str, fault: str, monotonic_ns: int) -> None:
        """Set a line aside."""
        digest = hashlib.sha256(line).hexdigest()[:16]
        text = f"{place}{fault}"
        self._add("L13", "", text, f" ({len(line)} bytes, sha256 {digest})", monotonic_ns)

    def bar(self, rule: str, symbol: str, text: str, counter: Counter, monotonic_ns: int) -> None:
        """Set a bar aside whose numbers or time cannot be used."""
        self._add(rule, symbol, text, "", monotonic_ns, counter)

    def _add(
        self, rule: str, symbol: str, text: str, which: str, monotonic_ns: int,
        counter: Counter = "malformed",
    ) -> None:  # fmt: skip
        times_ns = self._times_ns
        times_ns.append(monotonic_ns)
        while times_ns[0] <= monotonic_ns - WINDOW_NS:
            times_ns.popleft()
        if len(times_ns) <= self._most:
            self._ledger.rule("drop", rule, symbol, text + which, counter)
            return
        if not self._most:  # as with a file, where the line is at hand
            which = ""
        else:
            which += f"; more than feed.malformed_per_minute, {self._most}, within 60 s"
        self._ledger.rule("refuse", rule, symbol, text + which, counter)
