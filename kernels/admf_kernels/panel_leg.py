"""One instrument of a panel: what tells it from the others, and the program of its features."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from admf_kernels.actions import NO_ACTIONS, Actions
from admf_kernels.clock import Clock
from admf_kernels.codegen import panel_layout
from admf_kernels.codegen.engine import Form
from admf_kernels.contract import Feature, Strategy, output_of
from admf_kernels.execution.records import OWN
from admf_kernels.execution.terms import Terms
from admf_kernels.reading_program import ReadingProgram


class Instruments(NamedTuple):
    """What tells one instrument of a panel from another.

    `fx` is the number of the instrument whose price converts its currency, -1 for none;
    `sector` the number of its group; `actions` its splits and dividends, None for none.
    """

    symbol: str
    terms: Terms
    inputs: Mapping[str, Any] = {}
    clock: Clock | None = None
    fx: int = -1
    sector: int = 0
    actions: Actions | None = None


class Leg(ReadingProgram):
    """The features of one instrument of a panel_layout."""

    def __init__(
        self, strategy: Strategy, params: Any, of: Instruments, form: Form, features: Sequence[Any],
        block_bars: int, hashed: bool, number: int,
    ) -> None:  # fmt: skip
        self.symbol = of.symbol
        # Columns of another length, so that those of all legs are not in the same few lines
        # of the first-level cache.
        self.spare_rows = 8 * number
        self.strategy = strategy
        self.terms = of.terms
        self.form = form
        self.inputs = {name: output_of(o) for name, o in of.inputs.items()}
        uses = of.terms.uses.actions
        self.reads = strategy.columns_for(params, adjusted=uses)
        actions = NO_ACTIONS if of.actions is None and uses else of.actions
        self._check_actions(actions)
        self.trade = np.zeros(panel_layout.leg_words(strategy, form), np.int64)
        super().__init__(
            [*self._covered(), *features],
            block_bars=block_bars,
            hashed=hashed,
            clock=of.clock,
            needs=self._needs(),
            actions=actions,
        )

    def _label(self, feature: Feature) -> str:
        return f"{self.symbol}: {feature.label}"

    def own_address(self) -> int:
        """Return where the state begins that the engine has of the instrument."""
        at = panel_layout.offsets(panel_layout.leg_groups(self.strategy, self.form))
        return int(self.trade.ctypes.data) + 8 * at[next(iter(OWN))]
