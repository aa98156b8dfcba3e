"""Notes for a reader, so many a minute: a feed gone mad must not fill the disk with its story."""

from collections.abc import Callable

PER_RULE = 20  # notes of one rule in a minute; the rest is counted
MINUTE_NS = 60_000_000_000


class Notes:
    """Journals notes through `write`, and in place of too many of one rule how many there were."""

    def __init__(self, write: Callable[[str, str], None]) -> None:
        self._write = write
        self._counts: dict[str, int] = {}
        self._since_ns = 0

    def add(self, rule: str, text: str) -> None:
        """Note something, or count it."""
        count = self._counts.get(rule, 0) + 1
        self._counts[rule] = count
        if count <= PER_RULE:
            self._write(rule, text)

    def tick(self, now_ns: int) -> None:
        """Begin another minute when one is over, saying what was only counted."""
        if now_ns - self._since_ns < MINUTE_NS:
            return
        self._since_ns = now_ns
        self.flush()

    def flush(self) -> None:
        """Say what was only counted."""
        for rule, count in self._counts.items():
            if count > PER_RULE:
                self._write(rule, f"{count - PER_RULE} more of these within a minute")
        self._counts.clear()
