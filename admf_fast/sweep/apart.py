"""Chunks that got stuck in a thread: their sets run apart, in processes that can be ended.

The sets of such a chunk run one after the other in a process of their own. One that makes no
progress for the deadline, or takes the process with it, is ended with it and is a row with
the reason; the rest goes on in another process.
"""

import itertools
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from admf_fast.sweep.apart_worker import DONE, READY
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.chunk import Chunk
from admf_fast.sweep.engine import Watched
from admf_fast.sweep.parts import PartMaker, Sets
from admf_fast.sweep.remote import text_of
from admf_fast.sweep.work import Work

START_S = 120.0  # for a process to be ready to work
MODULE = "admf_fast.sweep.apart_worker"


@dataclass(slots=True)
class Apart:
    """What stuck chunks are run apart with; `job_of` is None where no process could do it."""

    job_of: Callable[[], dict[str, Any]] | None
    watched: Watched
    maker: PartMaker
    work: Work
    sets: Sets
    inputs: Sequence[Bars]
    numbers: "itertools.count[int]"
    deadline_s: float

    def run(self, chunk: Chunk) -> None:
        """Make the part of a chunk that got stuck."""
        bars = self.inputs[chunk.input]
        sets = [self.sets[k] for k in chunk.sets]
        if self.job_of is None:
            reason = (
                f"it, or a set run beside it, made no progress for {self.deadline_s:g} s; sets on "
                "bars in memory, or whose signals are stored, are not tried apart: use chunks of "
                "fewer sets, or files"
            )
            self.maker.refuse(self.work, chunk, sets, bars, reason)
        else:
            self._run_apart(self.job_of(), chunk, bars)
        self.watched.chunks += 1

    def _run_apart(self, job: dict[str, Any], chunk: Chunk, bars: Bars) -> None:
        pieces = [Chunk(next(self.numbers), chunk.input, (k,)) for k in chunk.sets]
        left = pieces
        while left:
            done, reason = self._process(job, left)
            left = left[done:]
            if left:
                piece, left = left[0], left[1:]
                own = self.sets[piece.sets[0]]
                self.maker.refuse(self.work, piece, [own], bars, reason)
        self.maker.join(self.work, pieces, chunk)

    def _process(self, job: dict[str, Any], pieces: Sequence[Chunk]) -> tuple[int, str]:
        """Run pieces in a process; returns how many it made, and why it ended."""
        chunks = [
            [[c.number, c.input, c.sets], text_of([self.sets[k] for k in c.sets])] for c in pieces
        ]
        with _started({"job": job, "chunks": chunks}) as (process, lines):
            done = 0
            limit_s = START_S
            while done < len(pieces):
                try:
                    line = lines.get(timeout=limit_s)
                except queue.Empty:
                    return done, f"no progress for {limit_s:g} s in a process of its own: stuck"
                if line == READY:
                    limit_s = self.deadline_s
                elif line == DONE:
                    done += 1
                else:
                    process.wait()
                    return done, _ending(process, line)
        return done, ""


def _ending(process: "subprocess.Popen[str]", said: str) -> str:
    code = process.returncode
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"the process that ran it alone {how}{': ' if said else ''}{said}"


@contextmanager
def _started(
    asked: dict[str, Any],
) -> "Iterator[tuple[subprocess.Popen[str], queue.SimpleQueue[str]]]":
    """Yield a process and the lines that it says; the last is what it says of its end."""
    process = subprocess.Popen(  # noqa: S603 - this interpreter, a module of ours
        [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdin
    assert process.stdout
    assert process.stderr
    said: list[str] = []
    reading = threading.Thread(target=_keep_last, args=(process.stderr, said), daemon=True)
    reading.start()

    def read(stream: IO[str]) -> None:
        for line in stream:
            lines.put(line.strip())
        reading.join()
        lines.put(said[-1] if said else "")

    reader = threading.Thread(target=read, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.close()
        except OSError:
            pass  # it has ended already, and its last words are read
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
        process.stderr.close()


def _keep_last(stream: IO[str], said: list[str]) -> None:
    for line in stream:
        if line.strip():
            said[:] = [line.strip()]
