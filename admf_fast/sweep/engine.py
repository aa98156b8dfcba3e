"""Where the chunks of a sweep are computed: threads of this process, or workers elsewhere.

An `Engine` takes chunks and gives futures; `run_chunks` keeps it busy, watches, and stops it.
Nothing of the results depends on which engine it was.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from typing import Protocol

from admf_fast.sweep.chunk import Chunk

LOOK_S = 0.1


class WorkerLost(Exception):  # noqa: N818 - whose fault it is has yet to be found
    """The process that computed a chunk died, and so did those that tried again."""


class Engine(Protocol):
    """Where chunks are computed.

    Attributes
    ----------
    name : str
    workers, threads : int
        Processes that compute, and chunks that they compute at once.
    """

    name: str

    @property
    def workers(self) -> int:
        """How many processes compute."""
        ...

    @property
    def threads(self) -> int:
        """How many chunks are computed at once."""
        ...

    def submit(self, chunk: Chunk) -> "Future[int]":
        """Compute a chunk and write its part.

        The future gives the bars times sets that are not yet counted as done.
        """
        ...

    def fault(self, error: Exception) -> Exception:
        """Return what an exception of a future means; `WorkerLost` where its process died."""
        ...

    def look(self) -> None:
        """Raise StateError if nothing will ever come; called about ten times a second."""
        ...

    def close(self) -> None:
        """Stop what is under way, and wait until it has stopped."""
        ...


class ThreadEngine:
    """Threads of this process; compiled code runs without the interpreter's lock."""

    name = "threads"
    workers = 1

    def __init__(self, threads: int, make: Callable[[Chunk], None], stop: Event) -> None:
        self.threads = threads
        self._make, self._stop = make, stop
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sweep")

    def submit(self, chunk: Chunk) -> "Future[int]":
        """Compute a chunk in a thread; what is done is counted there."""
        return self._pool.submit(self._counted, chunk)

    def _counted(self, chunk: Chunk) -> int:
        self._make(chunk)
        return 0

    def fault(self, error: Exception) -> Exception:
        """Return the error itself."""
        return error

    def look(self) -> None:
        """Do nothing: threads do not go away."""

    def close(self) -> None:
        """Stop after the calls into compiled code that are under way."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class Watched:
    """How far a sweep has come: bars times sets, and chunks."""

    total: int
    done: int = 0
    chunks: int = 0
    chunks_total: int = 0
    threads: int = 1
    engine: str = "threads"
    workers: int = 1


Progress = Callable[[Watched], None]


@dataclass(slots=True)
class Running:
    """The chunks that an engine has been given, and what to say of them."""

    engine: Engine
    watched: Watched
    progress: Progress | None = None
    _ended: "SimpleQueue[tuple[Chunk, Future[int]]]" = field(default_factory=SimpleQueue)
    _count: int = 0

    def __post_init__(self) -> None:
        self._count_threads()

    def _count_threads(self) -> None:
        watched, engine = self.watched, self.engine
        watched.engine = engine.name
        watched.workers, watched.threads = engine.workers, engine.threads

    def submit(self, chunk: Chunk) -> None:
        """Hand a chunk to the engine."""
        future = self.engine.submit(chunk)
        self._count += 1
        future.add_done_callback(lambda done: self._ended.put((chunk, done)))

    def ended(self, most: int = 0) -> Iterator[tuple[Chunk, WorkerLost | None]]:
        """Yield chunks that have ended, until at most so many are under way.

        Raises what a chunk raised, unless its process died.
        """
        while self._count > most:
            self._look()
            try:
                chunk, future = self._ended.get(timeout=LOOK_S)
            except Empty:
                continue
            self._count -= 1
            yield chunk, self._outcome(future)

    def _look(self) -> None:
        self.engine.look()
        self._count_threads()
        if self.progress:
            self.progress(self.watched)

    def _outcome(self, future: "Future[int]") -> WorkerLost | None:
        try:
            self.watched.done += future.result()
        except Exception as error:
            fault = self.engine.fault(error)
            if isinstance(fault, WorkerLost):
                return fault
            if fault is error:
                raise
            raise fault from error
        return None


def run_chunks(running: Running, chunks: Iterable[Chunk]) -> list[Chunk]:
    """Run chunks, a few ahead of each thread; returns those whose process died."""
    lost: list[Chunk] = []

    def note(most: int) -> None:
        for chunk, fault in running.ended(most):
            if fault is None:
                running.watched.chunks += 1
            else:
                lost.append(chunk)

    for chunk in chunks:
        running.submit(chunk)
        note(max(1, 2 * running.engine.threads - 1))
    note(0)
    return lost
