"""Sets proposed by a study of Optuna: the grid language as its space, figures as its answers."""

from dataclasses import dataclass, field
from typing import Any

from admf_fast.config import SearchSpec
from admf_fast.errors import ConfigError
from admf_fast.sweep.space import Axis, Space, key_of
from admf_fast.sweep.values import Values

# A study that proposes so many sets in a row that `where` refuses, or that are known, has ended.
FRUITLESS_MAX = 250
ORDERED_MAX = 4096  # values of a list that are looked at for an order

Key = tuple[Any, ...]


def optuna_of() -> Any:
    """Return the module; ConfigError with the extra that has it."""
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "sweep.search needs Optuna: pip install 'admf-fast[search]', or draw sets with "
            "sweep.sample"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def versions() -> dict[str, str]:
    """Return the versions that decide what is proposed."""
    import numpy

    return {"optuna": optuna_of().__version__, "numpy": numpy.__version__}


@dataclass(slots=True)
class Proposals:
    """A study, asked and told in batches; it depends on nothing but its seed and the figures.

    Attributes
    ----------
    trials, repeated, refused : int
        Proposals that count; of these, sets proposed before, which are answered at once; and
        those that ``where`` refuses, which do not count.
    """

    space: Space
    spec: SearchSpec
    trials: int = 0
    repeated: int = 0
    refused: int = 0
    _ended: bool = False
    _study: Any = None
    _known: dict[Key, float | None] = field(default_factory=dict)
    _open: dict[Key, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        optuna, spec = optuna_of(), self.spec
        if spec.sampler == "tpe":
            # Sets of a batch that have no figure yet count as poor, so that others are proposed.
            sampler = optuna.samplers.TPESampler(seed=spec.seed, constant_liar=True)
        else:
            sampler = optuna.samplers.RandomSampler(seed=spec.seed)
        self._study = optuna.create_study(direction=spec.direction, sampler=sampler)

    def ask(self) -> list[tuple[Any, ...]]:
        """Return the next sets, none of them proposed before; none when the study has ended."""
        found: list[tuple[Any, ...]] = []
        fruitless = 0
        while len(found) < self.spec.batch and self.trials < self.spec.trials and not self._ended:
            trial = self._study.ask()
            values = self.space.chosen(_Choice(trial, self.space))
            key = key_of(values)
            if not all(holds(values) for holds in self.space.holds):
                self._answer(trial, None)
                self.refused += 1
            else:
                self.trials += 1
                if key in self._known or key in self._open:
                    self.repeated += 1
                    self._repeat(trial, key)
                else:
                    self._open[key] = [trial]
                    found.append(values)
                    fruitless = 0
                    continue
            fruitless += 1
            if fruitless == FRUITLESS_MAX:
                self._ended = True
        return found

    def _repeat(self, trial: Any, key: Key) -> None:
        if key in self._known:
            self._answer(trial, self._known[key])
        else:
            self._open[key].append(trial)

    def tell(self, figures: list[float | None]) -> None:
        """Answer the sets of the last `ask`, in their order; None where there is no figure."""
        for key, figure in zip(self._open, figures, strict=True):
            self._known[key] = figure
            for trial in self._open[key]:
                self._answer(trial, figure)
        self._open.clear()

    def _answer(self, trial: Any, figure: float | None) -> None:
        state = optuna_of().trial.TrialState
        if figure is None:  # to the study, the worst there is
            self._study.tell(trial, state=state.PRUNED)
        else:
            self._study.tell(trial, figure)


@dataclass(slots=True)
class _Choice:
    """Asks a trial for each group of axes that is in force, once."""

    trial: Any
    space: Space
    _chosen: dict[int, Any] = field(default_factory=dict)

    def __call__(self, group: int, axis: Axis) -> Any:
        if group not in self._chosen:
            first = self.space.axes[self.space.groups[group][0]]
            self._chosen[group] = _suggested(self.trial, first.key, first.values)
        place = self._chosen[group]
        return axis.values.at(place) if axis.values.count else axis.values.draw(place)


def _suggested(trial: Any, key: str, values: Values) -> int | float:
    """Return the place of a value: a share of the way where there are numbers in between."""
    if not values.count:
        return float(trial.suggest_float(key, 0.0, 1.0))
    if is_ordered(values):
        return int(trial.suggest_int(key, 0, values.count - 1))
    return int(trial.suggest_categorical(key, [*range(values.count)]))


def is_ordered(values: Values) -> bool:
    """Whether values are numbers that rise, or fall, so that near places are alike."""
    listed = [values.at(k) for k in range(min(values.count, ORDERED_MAX))]
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in listed):
        return False
    return listed == sorted(set(listed)) or listed == sorted(set(listed), reverse=True)
