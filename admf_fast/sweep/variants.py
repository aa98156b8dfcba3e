"""From a parameter set to what a lane needs, exactly as a run of that set alone has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import Any

from msgspec import UNSET

from admf_fast.config import Config, config_of, contents, instruments_of
from admf_fast.errors import AdmfError, ConfigError
from admf_fast.runners.own_modules import own_modules
from admf_fast.runners.setup import Setup, engine_inputs, named_features, prepare
from admf_fast.runners.strategy import strategy_of
from admf_fast.runners.terms import terms_of
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.declared import PARAMS
from admf_fast.sweep.space import Space
from admf_fast.sweep.stored import Playback
from admf_kernels.errors import KernelError

VARIANTS_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Variant:
    """One parameter set, ready to run; `refusal` says why it cannot be, and then is all.

    `ready_bars` is the bar on which its strategy is first asked, if another stands for it.
    """

    setup: Setup | None
    params: Any = None
    refusal: str = ""
    ready_bars: int = 0

    @property
    def kind(self) -> tuple[Any, ...]:
        """What lanes of one program have in common."""
        assert self.setup is not None
        strategy, terms = self.setup.strategy, self.setup.terms
        names = tuple(self.setup.inputs)
        return (strategy.reference, terms.uses, terms.fee_of, terms.size_of, names)


class Variants:
    """Makes the parameter sets of a sweep ready.

    A strategy's own parameters are checked by its kernel alone; all other keys make another
    configuration, which is read as from a file. Each of these is made once for many sets.

    Attributes
    ----------
    signals_digest : str
        Of the stored signals that stand for the strategies; empty where there are none.
    """

    signals_digest = ""

    def __init__(self, config: Config, space: Space) -> None:
        self.config = _single(config)
        self._keys = [axis.key for axis in space.axes]
        self._names = [axis.name for axis in space.axes]
        self._own = [k for k, key in enumerate(self._keys) if self._is_param(key)]
        self._others = [k for k in range(len(self._keys)) if k not in self._own]
        self._data = _contents(self.config)
        self._lock = Lock()  # modules of the user's own are found by a path of the process
        self.base = prepare(self.config)
        self._made = lru_cache(VARIANTS_KEPT)(self._make)

    def check_bars(self, inputs: Sequence[Bars]) -> None:
        """Refuse bars that these sets cannot be run on; nothing here."""

    def playback(self, symbol: str) -> Playback | None:
        """Return the stored signals that the sets play on an input; None here."""
        return None

    @property
    def keys(self) -> tuple[str, ...]:
        """The swept keys, in the order of a set's values."""
        return tuple(self._keys)

    def _is_param(self, key: str) -> bool:
        rest = key.removeprefix(PARAMS)
        return rest != key and "." not in rest

    def config_at(self, values: Sequence[Any]) -> Config:
        """Return the configuration of one set, as if it had been written; ConfigError."""
        return self._configured(dict(zip(self._keys, values, strict=True)))

    def _configured(self, changes: Mapping[str, Any]) -> Config:
        data = _copied(self._data)
        for key, value in changes.items():
            if value is not UNSET:
                _put(data, key.split("."), value, key)
        return config_of(data, self.config.source)

    def at(self, values: Sequence[Any], symbol: str = "") -> Variant:
        """Return a set ready to run on an input, or why it is refused."""
        with self._lock:
            try:
                return self._ready(values)
            except (AdmfError, KernelError) as error:
                return Variant(None, refusal=str(error))

    def _ready(self, values: Sequence[Any]) -> Variant:
        setup = self._made(tuple(_frozen(values[k]) for k in self._others))
        params = setup.params._asdict()
        params |= {
            self._keys[k].removeprefix(PARAMS): values[k]
            for k in self._own
            if values[k] is not UNSET
        }
        return Variant(setup, setup.strategy.checked(**params))

    def _make(self, others: tuple[Any, ...]) -> Setup:
        """Return the set-up of keys that are not parameters of the strategy."""
        if not others:
            return self.base
        keys = (self._keys[k] for k in self._others)
        pairs = zip(keys, others, strict=True)
        config = self._configured({key: _thawed(value) for key, value in pairs})
        base = self.base
        with own_modules(config.source.base_dir):
            strategy, params = base.strategy, base.params
            if any(self._keys[k].startswith("strategy.") for k in self._others):
                strategy, params = strategy_of(config, named_features(config))
            instrument = instruments_of(config)[0]
            clock = base.calendar is not None
            terms = terms_of(config, instrument, requests=strategy.orders, clock=clock)
        inputs = engine_inputs(config, terms)
        return replace(
            base, config=config, strategy=strategy, params=params, terms=terms, inputs=inputs,
            features={},
        )  # fmt: skip


def _single(config: Config) -> Config:
    if config.instruments:
        raise ConfigError(
            f"{config.where('instruments')}: a sweep takes every instrument on an account of its "
            "own: declare one under bars, and list their files under sweep.data"
        )
    return config


def _contents(config: Config) -> dict[str, Any]:
    data = contents(config)
    data.pop("sweep", None)
    return data


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value


def _put(data: Any, parts: Sequence[str], value: Any, key: str) -> None:
    """Put a value at a dotted key, in a section or in a list."""
    for part in parts[:-1]:
        if isinstance(data, list):
            data = data[_index(data, part, key)]
            continue
        if not isinstance(data.get(part), dict | list):
            data[part] = {}
        data = data[part]
    last = parts[-1]
    if isinstance(data, list):
        data[_index(data, last, key)] = value
    else:
        data[last] = value


def _index(data: list[Any], part: str, key: str) -> int:
    if not part.isdecimal() or int(part) >= len(data):
        raise ConfigError(
            f"{key}: expected a place from 0 to {len(data) - 1} in a list of {len(data)}; "
            f"found {part}"
        )
    return int(part)


class _FrozenSection(tuple[Any, ...]):
    """A section as pairs, which can be kept by."""


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return _FrozenSection((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    # 1 and true, and 1 and 1.0, are not the same value of a configuration.
    return (type(value).__name__, value)


def _thawed(value: Any) -> Any:
    if isinstance(value, _FrozenSection):
        return {key: _thawed(item) for key, item in value}
    if len(value) == 2 and isinstance(value[0], str):
        return value[1]
    return [_thawed(item) for item in value]
