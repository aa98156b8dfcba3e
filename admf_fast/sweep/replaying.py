"""Sets whose signals are played back: what stands for their strategies, and whether it may."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from admf_fast.config import Config
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.declared import stored_axes, stored_of
from admf_fast.sweep.meaning import meaning_of, ready_bars, require_replayable
from admf_fast.sweep.space import Space, key_of
from admf_fast.sweep.stored import Playback, Stored
from admf_fast.sweep.variants import Variant, Variants
from admf_kernels.recorded import Params, replay


def variants_of(config: Config, space: Space) -> Variants:
    """Return what makes the sets of a sweep ready, whether signals are stored or not."""
    stored = stored_of(config)
    return Variants(config, space) if stored is None else ReplayVariants(config, space, stored)


class ReplayVariants(Variants):
    """Sets whose strategies are played back; all else is as in a run of the set itself.

    Raises StateError when the signals were made by another configuration or other code.
    """

    def __init__(self, config: Config, space: Space, stored: Stored) -> None:
        super().__init__(config, space)
        self.stored = stored
        self._played = [self.keys.index(key) for key in stored.keys]
        self._numbers = {key_of(values): k for k, values in enumerate(stored.sets)}
        alone = Variants(config, Space((*stored_axes(stored),), (), (), None, space.sets_max))
        _require_same(stored, meaning_of(alone, stored.sets))
        self.signals_digest = stored.digest
        self._playback = lru_cache(None)(lambda symbol: Playback(stored, symbol))

    def check_bars(self, inputs: Sequence[Bars]) -> None:
        """Refuse bars that the signals were not made of; StateError."""
        for one in inputs:
            known = self.stored.bars.get(one.symbol)
            if known != one.digest:
                found = "other bars" if known else f"{', '.join(self.stored.bars)} alone"
                raise StateError(
                    f"{self.stored.path}: expected the signals of {one.symbol} on these bars "
                    f"({one.digest[:12]}), found those of {found}; store them again with "
                    "admf sweep --signals"
                )

    def playback(self, symbol: str) -> Playback:
        """Return the stored signals of an input."""
        return self._playback(symbol)

    def at(self, values: Sequence[Any], symbol: str = "") -> Variant:
        """Return a set ready to run on an input, or why it is refused."""
        variant = super().at(values, symbol)
        error = self.stored.errors.get((self._number(values), symbol))
        return variant if variant.refusal or error is None else Variant(None, refusal=error)

    def _number(self, values: Sequence[Any]) -> int:
        return self._numbers[key_of([values[k] for k in self._played])]

    def _ready(self, values: Sequence[Any]) -> Variant:
        variant = super()._ready(values)
        assert variant.setup is not None
        setup, strategy = variant.setup, variant.setup.strategy
        require_replayable(strategy)
        reads = strategy.columns_for(variant.params, adjusted=setup.actions is not None)
        first = ready_bars(setup, reads)
        if strategy.stateful:
            self._require_same_start(first, ready_bars(setup, {**setup.inputs}))
        played = Params(self._number(values))
        return Variant(replace(setup, strategy=replay), played, ready_bars=first)

    def _require_same_start(self, own: int, inputs: int) -> None:
        """Refuse exits that a strategy with a memory would have waited for."""
        stored = max(own, int(self.stored.meaning["inputs_ready_bars"]))
        if max(own, inputs) != stored:
            raise ConfigError(
                f"its strategy remembers, and with these exits begins on bar {max(own, inputs)}; "
                f"its signals were stored from bar {stored} on: store them with these exits"
            )


def _require_same(stored: Stored, meaning: Mapping[str, Any]) -> None:
    said = {
        "config": "the section strategy, or features, sessions or corporate actions it reads,",
        "code": "the code of the strategy or of an indicator",
        "version": "the version of admf-fast",
    }
    for name, what in said.items():
        if stored.meaning.get(name) != meaning[name]:
            raise StateError(
                f"{stored.path}: {what} is not what the signals were stored with; store them again "
                "with admf sweep --signals"
            )
