"""A shadow beside a live core: every input of the journal, before anything goes to a venue."""

from typing import Any

from admf_fast.consistency.divergence import (
    Divergence,
    DivergenceMonitor,
    Family,
    between,
)
from admf_fast.consistency.metrics import ConsistencyMonitor
from admf_fast.consistency.picture import Sight, Words, first_divergence, picture_of
from admf_fast.errors import DivergenceError
from admf_fast.journal.messages import BarInput
from admf_fast.live.core import Applied, Input, LiveCore
from admf_fast.runners.beside import setup_again


class CoreShadow:
    """Compares a core with another one made of its configuration and its bytes.

    Call it with every input and what that led to, as `LiveRun` does with `on_applied`: the
    shadow takes the input too, and has no gateway to send anything by. What differs, outcome,
    events or intents, is named, recorded in `divergences`, and raised as DivergenceError: the
    run is sealed before the intents of that bar are sent.
    """

    def __init__(
        self, core: LiveCore, *, name: str = "live", monitor: ConsistencyMonitor | None = None,
        divergences: DivergenceMonitor | None = None,
    ) -> None:  # fmt: skip
        self.monitor = monitor or ConsistencyMonitor()
        self.divergences = divergences or DivergenceMonitor()
        self.name = name
        self._live = core
        self.core = LiveCore(setup_again(core.setup), lineage=core.lineage)
        self.core.restore(core.save())

    def __call__(self, message: Input, applied: Applied) -> None:
        """Let the shadow take an input, and compare; raises DivergenceError."""
        theirs = self.core.apply(message, applied.outcome.input_sequence)
        monitor = self.monitor
        monitor.bars += isinstance(message, BarInput)
        same = monitor.check_answers(
            theirs.events, applied.events, theirs.outcome.checksum, applied.outcome.checksum
        )
        if same and theirs == applied:
            return
        found = self._named(message, theirs, applied)
        self.divergences.record_divergence(found)
        raise DivergenceError(str(found))

    def _named(self, message: Input, theirs: Applied, ours: Applied) -> Divergence:
        """Return the first field that differs: of what both hold, else of what is to be sent."""
        bar = self.core.bars - 1
        expected, found = (
            Sight(picture_of(core.runner.program), made.events, made.outcome.checksum)
            for core, made in ((self.core, theirs), (self._live, ours))
        )
        named = first_divergence(self.name, bar, expected, found)
        if named.field != "checksum" or theirs.outcome.checksum != ours.outcome.checksum:
            return named
        pairs: list[tuple[str, str, Any, Any]] = [
            ("orders", "intents", theirs.intents, ours.intents),
            ("events", "digest", theirs.outcome.events, ours.outcome.events),
            ("state", "refused", theirs.refused, ours.refused),
        ]
        layer, field, a, b = next(p for p in pairs if p[2] != p[3])
        place = (layer, bar, message.ts_ns, field)
        return between(Family.LOGIC, self.name, place, Words(a), Words(b))
