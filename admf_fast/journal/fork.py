"""What holds a file of a live run lets go of it in a forked child."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that a child process must not use."""

    def let_go(self) -> None:
        """Called in the child, right after the fork: close without writing, refuse all use."""


_held: WeakSet[Forkable] = WeakSet()


def guard(thing: Forkable) -> None:
    """See to it that a forked child of this process lets go of `thing`."""
    _held.add(thing)


def _let_go() -> None:
    for thing in list(_held):
        thing.let_go()


os.register_at_fork(after_in_child=_let_go)
