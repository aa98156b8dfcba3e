"""Every call that a process makes to the world outside it, counted, and ended at any of them."""

from __future__ import annotations

from collections.abc import Callable

NEVER = -1


class Killed(BaseException):
    """The process is no more: nothing that catches errors may go on after it."""


class Calls:
    """Counts calls; `before` and `after` frame each of them.

    With `kill_at` n (from 0) the process ends at the n-th moment, where call k has moment
    2 k before it and 2 k + 1 after it. `fault` is asked before each call, by its name and its
    object, for an OSError to raise, or 0.
    """

    __slots__ = ("fault", "kill_at", "moment", "names")

    def __init__(
        self, *, kill_at: int = NEVER, fault: Callable[[str, str], int] | None = None
    ) -> None:
        self.moment = 0
        self.kill_at = kill_at
        self.fault = fault
        self.names: list[str] | None = None  # of all calls, once it is made a list

    def before(self, name: str, what: str) -> None:
        """A call begins."""
        moment = self.moment
        self.moment = moment + 1
        if self.names is not None:
            self.names.append(f"{name} {what}")
        if moment == self.kill_at:
            raise Killed(f"before {name} {what}")
        if self.fault and (code := self.fault(name, what)):
            self.moment = moment + 2
            raise OSError(code, "simulated")

    def after(self, name: str, what: str) -> None:
        """A call has ended, and the process has not yet seen it."""
        moment = self.moment
        self.moment = moment + 1
        if moment == self.kill_at:
            raise Killed(f"after {name} {what}")
