"""Replaying a journal through a core: every outcome and intent is made again and compared."""

from typing import Any

import msgspec

from admf_fast.data.spec import format_ts
from admf_fast.errors import DivergenceError
from admf_fast.journal.messages import AnyMessage, BarInput, Command, Intent, Outcome, Report
from admf_fast.live.core import Applied, Input, LiveCore

INPUTS = (BarInput, Report, Command)


class Replay:
    """Feeds the records of a journal, in order, to a core; differences are DivergenceErrors.

    Attributes
    ----------
    inputs, sequence : int
        How many were applied, and the sequence of the last of them.
    unanswered : list
        What the last input led to and the journal does not have: the process was stopped
        between the input and its answer.
    """

    def __init__(self, core: LiveCore) -> None:
        self.core = core
        self.inputs = 0
        self.sequence = 0
        self.last: Input | None = None
        self.unanswered: list[Outcome | Intent] = []
        self.applied: Applied | None = None

    def take(self, sequence: int, message: AnyMessage) -> None:
        """Apply an input, or compare what it led to; other records pass.

        Raises DivergenceError naming record, bar and field; and what `LiveCore.apply` raises.
        """
        if isinstance(message, INPUTS):
            if self.unanswered:
                self._differ(sequence, "answers", f"{self.unanswered[0]!r}", "the next input")
            applied = self.core.apply(message, sequence)
            self.inputs, self.sequence = self.inputs + 1, sequence
            self.last, self.applied = message, applied
            self.unanswered = [applied.outcome, *applied.intents]
        elif isinstance(message, Outcome | Intent):
            self._compare(sequence, message)

    def _compare(self, sequence: int, journaled: Outcome | Intent) -> None:
        if not self.unanswered:
            self._differ(sequence, type(journaled).__name__, "nothing", repr(journaled))
        made = self.unanswered.pop(0)
        if made == journaled:
            return
        if type(made) is not type(journaled):
            self._differ(sequence, "kind", type(made).__name__, type(journaled).__name__)
        ours, theirs = msgspec.to_builtins(made), msgspec.to_builtins(journaled)
        field = next(name for name in ours if ours[name] != theirs[name])
        label = f"{type(made).__name__}.{field}"
        self._differ(sequence, label, _shown(ours[field]), _shown(theirs[field]))

    def _differ(self, sequence: int, what: str, made: str, journaled: str) -> None:
        raise DivergenceError(
            f"journal record {sequence} ({_place(self.last)}): {what}: the journal has "
            f"{journaled}, the replay made {made}; the run is not what it was: code, environment "
            "or memory differ. Nothing is traded; run admf verify on the folder, and start again "
            "in a new one"
        )


def _shown(value: Any) -> str:
    return hex(value) if isinstance(value, int) and value > 1 << 32 else repr(value)


def _place(message: Input | None) -> str:
    if message is None:
        return "before the first input"
    if isinstance(message, BarInput):
        return f"bar closing {format_ts(message.ts_ns)}"
    return f"{type(message).__name__} at {format_ts(message.ts_ns)}"
