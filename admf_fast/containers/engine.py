"""The deterministic engine: many containers, many feeds, one order of everything."""

import heapq
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from admf_fast.containers.chance import CounterRng, RngState
from admf_fast.containers.container import Container, State
from admf_fast.data import BarBlock
from admf_fast.errors import BarError, ContainerError
from admf_fast.events import BarsEvent
from admf_fast.feeds.as_events import events_of_bars, events_of_blocks
from admf_fast.runners.result import RunResult


class EngineState(NamedTuple):
    """All there is to an engine between two feeds."""

    seed: int
    rngs: tuple[RngState, ...]
    containers: dict[str, State]


class Feed(NamedTuple):
    """A source of bars of one symbol; at one moment, lower ranks come first, then names."""

    rank: int
    name: str
    symbol: str
    blocks: Iterable[BarBlock]


class DeterministicEngine:
    """Runs containers over feeds in an order that depends on nothing but time, ranks and names.

    Bars are handed on in order of (time, rank of the feed, number in the feed), each to the
    containers of its symbol, sorted by id. Containers that take blocks get each stretch of time
    of a feed as one. In which order containers and feeds were added changes nothing.

    Parameters
    ----------
    seed : int
        Of the generators of `rng`; there is no other randomness.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._containers: dict[str, Container] = {}
        self._feeds: dict[str, Feed] = {}
        self._rngs: dict[str, CounterRng] = {}

    def add(self, container: Container) -> None:
        """Add a container; one that is running goes on from its state."""
        if container.container_id in self._containers:
            raise ContainerError(
                f"{container.container_id}: added twice; give each container an id of its own"
            )
        self._containers[container.container_id] = container

    def add_feed(
        self, name: str, blocks: Iterable[BarBlock], *, symbol: str = "", rank: int = 0
    ) -> None:
        """Add the bars of a symbol, such as ``open_bars(...).blocks()``.

        `symbol` is that of the containers it is for; those without one take the only feed.
        """
        if name in self._feeds:
            raise ContainerError(f"feed {name}: added twice; give each feed a name of its own")
        self._feeds[name] = Feed(rank, name, symbol, blocks)

    def rng(self, stream: str) -> CounterRng:
        """Return the generator of a stream, such as a container's id; it is part of the state."""
        if stream not in self._rngs:
            self._rngs[stream] = CounterRng(self.seed, stream)
        return self._rngs[stream]

    @property
    def containers(self) -> list[Container]:
        """All containers, in the order they are called."""
        return [self._containers[name] for name in sorted(self._containers)]

    def get_state(self) -> EngineState:
        """Return the state of all generators and containers, which must be running."""
        rngs = tuple(self._rngs[name].state for name in sorted(self._rngs))
        return EngineState(
            self.seed, rngs, {c.container_id: c.get_state() for c in self.containers}
        )

    def restore(self, state: EngineState) -> None:
        """Initialize the containers, none of which may be running, from a state."""
        missing = sorted(state.containers.keys() ^ self._containers.keys())
        if missing:
            raise ContainerError(f"{missing[0]}: is not both in the state and in this engine")
        for container in self.containers:
            container.initialize(state.containers[container.container_id]["bytes"])
        self.seed = state.seed
        self._rngs = {made.stream: CounterRng.of(made) for made in state.rngs}

    def execute(self, *, finish: bool = True) -> dict[str, RunResult]:
        """Run all feeds to their end and return the results by container.

        Without `finish` the containers stay running, to go on with feeds added later, and there
        are no results. Raises what a container raises; BarError where a feed's time goes back.
        """
        feeds = sorted(self._feeds.values(), key=itemgetter(0, 1))
        self._feeds = {}
        takers = self._takers(feeds)
        for container in self.containers:
            if not container.is_running:
                container.initialize()
        for stretch in stretches(feeds):
            self._run(feeds, stretch, takers)
        return {c.container_id: c.result() for c in self.containers} if finish else {}

    def _takers(self, feeds: list[Feed]) -> list[list[Container]]:
        """Return the containers of each feed; each container must have exactly one."""
        takers: list[list[Container]] = [[] for _ in feeds]
        for container in self.containers:
            own = [
                k for k, feed in enumerate(feeds)
                if not container.symbol or feed.symbol == container.symbol
            ]  # fmt: skip
            if len(own) != 1:
                names = ", ".join(feeds[k].name for k in own) or "none"
                symbol = container.symbol or "any symbol"
                raise ContainerError(
                    f"{container.container_id}: expected one feed for {symbol}, found {names}"
                )
            takers[own[0]].append(container)
        return takers

    def _run(
        self, feeds: list[Feed], stretch: list[BarBlock], takers: list[list[Container]]
    ) -> None:
        """Run one stretch of time: what takes blocks first, then bar by bar."""
        bars = []
        for number, (feed, block) in enumerate(zip(feeds, stretch, strict=True)):
            wanted = {container.takes is BarsEvent for container in takers[number]}
            if True in wanted:
                for event in events_of_blocks([block], feed.symbol):
                    _hand_on(event, [c for c in takers[number] if c.takes is BarsEvent])
            if False in wanted:
                bars.append(_numbered(number, block, feed.symbol))
        singles = [[c for c in found if c.takes is not BarsEvent] for found in takers]
        for _, number, event in heapq.merge(*bars, key=itemgetter(0, 1)):
            _hand_on(event, singles[number])


def _hand_on(event: Any, containers: Iterable[Container]) -> None:
    for container in containers:
        container.process_event(event)


def _numbered(number: int, block: BarBlock, symbol: str) -> Iterator[tuple[int, int, Any]]:
    return ((event.ts_ns, number, event) for event in events_of_bars([block], symbol))


def stretches(feeds: list[Feed]) -> Iterator[list[BarBlock]]:
    """Yield the bars of all feeds, one block each, stretch after stretch of time.

    A stretch ends where the first of the blocks at hand does, so that no feed runs ahead.
    """
    sources = [_in_order(feed) for feed in feeds]
    held = [next(source, None) for source in sources]
    while any(block is not None for block in held):
        end = min(int(block.ts_ns[-1]) for block in held if block is not None)
        made = []
        for k, block in enumerate(held):
            cut = 0 if block is None else int(np.searchsorted(block.ts_ns, end, "right"))
            made.append(EMPTY if block is None else block.slice(0, cut))
            if block is not None:
                held[k] = block.slice(cut, len(block)) if cut < len(block) else next(
                    sources[k], None
                )  # fmt: skip
        yield made


EMPTY = BarBlock(np.empty(0, np.int64), *[np.empty(0)] * 5)


def _in_order(feed: Feed) -> Iterator[BarBlock]:
    """Yield the blocks of a feed; refuses one that starts before the last has ended."""
    last_ns = -1
    for block in feed.blocks:
        if not len(block):
            continue
        first_ns = int(block.ts_ns[0])
        if first_ns <= last_ns or (np.diff(block.ts_ns) <= 0).any():
            raise BarError(
                f"feed {feed.name}: expected bars in order of time, found one at or after ts_ns "
                f"{first_ns} that is not after the one before it"
            )
        last_ns = int(block.ts_ns[-1])
        yield block
