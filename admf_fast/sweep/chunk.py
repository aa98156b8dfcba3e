"""One chunk: some sets over one input, as rows; what cannot be run is found and named."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from admf_fast.config import Config, SweepSpec
from admf_fast.sweep.bars import Stream
from admf_fast.sweep.lanes import LaneResult, LaneRun
from admf_fast.sweep.variants import Variant, Variants
from admf_kernels.errors import KernelError

Done = Callable[[int], None]


def equity_every(config: Config) -> str | int:
    """Return how often the equity of a sweep's sets is kept."""
    return config.sweep.equity_every if isinstance(config.sweep, SweepSpec) else "day"


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """The sweep was told to stop."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sets over one input, by their numbers, which rise."""

    number: int
    input: int
    sets: tuple[int, ...]


def chunks_of(tiles: Iterable[Sequence[int]], inputs: int, first: int = 0) -> list[Chunk]:
    """Return the chunks of the sets of each tile, one on each input, numbered from `first`."""
    found: list[Chunk] = []
    for sets in tiles:
        for k in range(inputs):
            found.append(Chunk(first + len(found), k, tuple(sets)))
    return found


def bands_of(chunks: Sequence[Chunk], inputs: int) -> Iterator[Sequence[Chunk]]:
    """Yield chunks in groups, each the fewest that hold all sets up to a number, on all inputs."""
    first = count = last = 0
    for k in range(0, len(chunks), inputs):
        sets = chunks[k].sets
        count, last = count + len(sets), max(last, sets[-1] + 1)
        if count == last:
            yield chunks[first : k + inputs]
            first = k + inputs
    assert first == len(chunks), "sets are missing between those of these chunks"


@dataclass(slots=True)
class ChunkRun:
    """What a chunk is run with.

    Attributes
    ----------
    stop : Event
        Set it, and the run ends with `Stopped` after the call that is under way.
    done : function of int
        Called with the bars done times the sets they were done for.
    folder : Path, optional
        Where there is room for what is kept of a chunk.
    """

    variants: Variants
    keep: Collection[str] = ()
    stop: Event = field(default_factory=Event)
    done: Done = lambda count: None
    folder: Path | None = None

    def results(self, sets: Sequence[Sequence[Any]], bars: Stream) -> list[LaneResult | str]:
        """Return what every set came to, or why it came to nothing, in order."""
        ready = [self.variants.at(values, bars.symbol) for values in sets]
        found: list[LaneResult | str] = [variant.refusal for variant in ready]
        by_kind: dict[tuple[Any, ...], list[int]] = {}
        for k, variant in enumerate(ready):
            if variant.setup is None:
                self.done(bars.count)
            else:
                by_kind.setdefault(variant.kind, []).append(k)
        for places in by_kind.values():
            results = self._isolated([ready[k] for k in places], bars)
            for k, result in zip(places, results, strict=True):
                found[k] = result
        return found

    def _isolated(self, variants: Sequence[Variant], bars: Stream) -> list[LaneResult | str]:
        """Run sets; where one of them breaks the run of all, halve until it stands alone."""
        try:
            return [*self._run(variants, bars)]
        except (KernelError, MemoryError, ArithmeticError) as error:
            if len(variants) == 1:
                return [str(error) or type(error).__name__]
        half = len(variants) // 2
        return [*self._isolated(variants[:half], bars), *self._isolated(variants[half:], bars)]

    def _run(self, variants: Sequence[Variant], bars: Stream) -> list[LaneResult]:
        run = LaneRun(
            variants, self.keep, self.variants.playback(bars.symbol),
            equity_every(self.variants.config), self.folder,
        )  # fmt: skip
        counted = 0
        try:
            for block in bars.blocks():
                for done in run.feed(block):
                    counted += done * run.lanes
                    self.done(done * run.lanes)
                    if self.stop.is_set():
                        raise Stopped
        except (KernelError, MemoryError, ArithmeticError):
            self.done(-counted)  # they are done again, in halves
            raise
        return run.results()
