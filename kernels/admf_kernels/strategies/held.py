"""The state of a strategy that goes on wanting what it wanted until a rule says otherwise."""

from typing import NamedTuple


class Held(NamedTuple):
    """The signal of the bar before: 1 long, -1 short, 0 flat."""

    signal: float = 0.0
