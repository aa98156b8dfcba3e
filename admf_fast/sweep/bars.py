"""The bars of a sweep: checked and digested once, then read as often as there are chunks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from admf_fast.config import Config, SweepSpec
from admf_fast.data import BarBlock, BarDigest, BarSource, blocks_of_some, open_bars
from admf_fast.errors import ConfigError, DataError

# Bars of one input that are kept in memory; more are read again for every chunk.
BARS_KEPT = 1_500_000  # 72 MB


class Stream(Protocol):
    """Bars that can be read from the first to the last as often as wanted."""

    @property
    def symbol(self) -> str:
        """Of which instrument."""
        ...

    @property
    def count(self) -> int:
        """How many bars there are."""
        ...

    def blocks(self) -> Iterator[BarBlock]:
        """Yield the bars in order."""
        ...


@dataclass(slots=True)
class Bars:
    """One input: its symbol, how many bars it has, their digest, and the bars themselves."""

    symbol: str
    count: int
    digest: str
    _open: Any = None
    _kept: list[BarBlock] = field(default_factory=list)

    def blocks(self) -> Iterator[BarBlock]:
        """Yield the bars in order; those that were read again must be the same ones.

        Raises DataError when a file has changed meanwhile.
        """
        if self._kept:
            yield from self._kept
            return
        digest = BarDigest()
        for block in self._open().blocks():
            digest.update(block)
            yield block
        if digest.hexdigest() != self.digest:
            raise DataError(
                f"{self.symbol}: expected the bars with digest {self.digest}, found "
                f"{digest.hexdigest()}: they changed while the sweep ran, or are others here; "
                "run it again"
            )

    def keep(self) -> None:
        """Keep the bars in memory from now on; DataError if they are others."""
        self._kept = list(self.blocks())


def open_inputs(
    config: Config, data: object | None = None, *, bars_kept: int | None = None
) -> list[Bars]:
    """Read all inputs once and return them, in the order they are listed.

    `data` is an Arrow object in place of ``bars.path``, or a mapping of them by symbol in
    place of ``sweep.data``. Inputs of up to `bars_kept` bars stay in memory.
    """
    kept = BARS_KEPT if bars_kept is None else bars_kept
    inputs = [_read(config, bars, given, kept) for bars, given in _declared(config, data)]
    symbols = [one.symbol for one in inputs]
    twice = next((s for s in symbols if symbols.count(s) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"{config.where('sweep', 'data')}: expected each symbol once; found {twice} twice"
        )
    if len(inputs) > 1 and config.instrument.actions:
        raise ConfigError(
            f"{config.where('instrument', 'actions')}: splits and dividends are those of one "
            "instrument; a sweep over several inputs takes adjusted prices"
        )
    return inputs


def reopened(config: Config, place: int, symbol: str, count: int, digest: str) -> Bars:
    """Return an input whose bars are known, without reading them; DataError for another symbol."""
    opened = _opener(config, *_declared(config, None)[place])
    source = opened()
    if source.symbol != symbol:
        raise DataError(f"input {place}: expected the bars of {symbol}, found {source.symbol}")
    return Bars(symbol, count, digest, opened)


def _declared(config: Config, data: object | None) -> list[tuple[Any, object | None]]:
    """Return what is declared of every input, and what is handed in for it."""
    spec = config.sweep
    listed = spec.data if isinstance(spec, SweepSpec) else ()
    if isinstance(data, Mapping):
        specs = [(msgspec.structs.replace(config.bars, symbol=str(s)), d) for s, d in data.items()]
    elif listed:
        specs = [(msgspec.structs.replace(config.bars, path=path), data) for path in listed]
    else:
        specs = [(config.bars, data)]
    return specs


def _opener(config: Config, spec: Any, data: object | None) -> Callable[[], BarSource]:
    base = Path(config.source.base_dir or ".")
    return lambda: open_bars(spec, data, base_dir=base, reported=False)


def _read(config: Config, spec: Any, data: object | None, bars_kept: int) -> Bars:
    opened = _opener(config, spec, data)
    source = opened()
    digest, count = BarDigest(), 0
    kept: list[BarBlock] = []
    for block in blocks_of_some(source):
        digest.update(block)
        count += len(block)
        if data is not None or count <= bars_kept:
            kept.append(block)
        else:
            kept.clear()
    if data is None and count > bars_kept:
        kept.clear()
    return Bars(source.symbol, count, digest.hexdigest(), opened, kept)
