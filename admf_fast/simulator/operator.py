"""A person with a hand on the process."""

from __future__ import annotations

from collections.abc import Iterator

from admf_fast.journal.messages import Command
from admf_fast.live.control import Signals


class Operator(Signals):
    """Leaves commands as signals do; no signal of this machine is listened to."""

    def __init__(self) -> None:
        super().__init__()
        self._left: list[Command] = []

    def order(self, action: str) -> None:
        """Leave a command for the process to find."""
        self._left.append(Command(action=action, origin="command", reason="simulated"))

    def commands(self) -> Iterator[Command]:
        """Yield what was left."""
        while self._left:
            yield self._left.pop(0)
