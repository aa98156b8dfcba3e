"""Chunks that took their process with them: the set that does it is found, the rest completes.

An exception inside a chunk is dealt with where it is raised (`ChunkRun`). A process that dies
takes all its chunks along, whichever is to blame: so each of them is run again with nothing
beside it, and one that kills again is halved until a set stands alone.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from admf_fast.sweep.bars import Bars
from admf_fast.sweep.chunk import Chunk
from admf_fast.sweep.engine import Running
from admf_fast.sweep.parts import PartMaker, Sets
from admf_fast.sweep.work import Work

TRIES = 2  # of a set alone, before it is to blame
REASON = "the process that ran it alone died: it crashed, was killed, or memory was short"


@dataclass(slots=True)
class Isolation:
    """What chunks are isolated with; pieces of them have numbers beyond all chunks."""

    running: Running
    maker: PartMaker
    work: Work
    sets: Sets
    inputs: Sequence[Bars]
    numbers: "itertools.count[int]"

    def run(self, chunk: Chunk) -> None:
        """Make the part of a chunk whose process died while others ran beside it."""
        if self._dies(chunk):
            self._halved(chunk)
        self.running.watched.chunks += 1

    def _dies(self, chunk: Chunk) -> bool:
        """Whether the process of a chunk dies with nothing beside it, of one set every time."""
        tries = TRIES if len(chunk.sets) == 1 else 1
        return all(self._lost(chunk) for _ in range(tries))

    def _lost(self, chunk: Chunk) -> bool:
        self.running.submit(chunk)
        return any(lost is not None for _, lost in self.running.ended())

    def _halved(self, chunk: Chunk) -> None:
        """Make the part of a chunk that is known to kill."""
        if len(chunk.sets) == 1:
            sets = [self.sets[k] for k in chunk.sets]
            self.maker.refuse(self.work, chunk, sets, self.inputs[chunk.input], REASON)
            return
        middle = len(chunk.sets) // 2
        halves = [
            Chunk(next(self.numbers), chunk.input, sets)
            for sets in (chunk.sets[:middle], chunk.sets[middle:])
        ]
        for half in halves:
            if self._dies(half):
                self._halved(half)
        self.maker.join(self.work, halves, chunk)
