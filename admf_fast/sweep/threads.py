"""Threads of this process as an engine, and what becomes of one that makes no progress.

A thread inside compiled code cannot be ended. One that has not come back from it for the
deadline is left alone, as long as the process lives, and another takes its place; its chunk
counts as one whose process died.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread, get_ident

from admf_fast.sweep.chunk import Chunk, Stopped
from admf_fast.sweep.engine import WorkerLost

STOP_S = 5.0

Todo = SimpleQueue["tuple[Chunk, Future[int]] | None"]


@dataclass(slots=True)
class _Underway:
    """A chunk in a thread, and when that was last seen to come back from compiled code."""

    chunk: Chunk
    future: "Future[int]"
    seen_s: float


class ThreadEngine:
    """Threads of this process; compiled code runs without the interpreter's lock.

    Parameters
    ----------
    make : function of Chunk
        Makes its part; calls `beat` wherever it makes progress.
    deadline_s : float
        How long a chunk may make no progress; 0 for ever.
    """

    name = "threads"
    workers = 1

    def __init__(
        self, threads: int, make: Callable[[Chunk], None], stop: Event, deadline_s: float = 0.0
    ) -> None:
        self.threads = threads
        self._make, self._stop, self._deadline_s = make, stop, deadline_s
        self._todo: Todo = SimpleQueue()
        self._underway: dict[int, _Underway] = {}
        self._changing = Lock()
        self._threads: dict[int, Thread] = {}
        for _ in range(threads):
            self._start()

    def _start(self) -> None:
        # Not to be waited for when the process ends: it may be stuck.
        thread = Thread(target=self._work, name="sweep", daemon=True)
        thread.start()
        assert thread.ident is not None
        self._threads[thread.ident] = thread

    def submit(self, chunk: Chunk) -> "Future[int]":
        """Compute a chunk in a thread; what is done is counted there."""
        future: Future[int] = Future()
        self._todo.put((chunk, future))
        return future

    def _work(self) -> None:
        while (found := self._todo.get()) is not None:
            chunk, future = found
            if not future.set_running_or_notify_cancel():
                continue
            with self._changing:
                self._underway[get_ident()] = _Underway(chunk, future, time.monotonic())
            error: BaseException | None = None
            try:
                self._make(chunk)
            except BaseException as raised:
                error = raised
            with self._changing:
                if self._underway.pop(get_ident(), None) is None:
                    return  # given up: another thread has taken its place
            if error is None:
                future.set_result(0)
            else:
                future.set_exception(error)

    def beat(self) -> None:
        """Say from inside a chunk that it makes progress; `Stopped` if it was given up."""
        with self._changing:
            underway = self._underway.get(get_ident())
            if underway is None:
                raise Stopped
            underway.seen_s = time.monotonic()

    def fault(self, error: Exception) -> Exception:
        """Return the error itself."""
        return error

    def look(self) -> None:
        """Give up threads that have made no progress for too long."""
        now_s = time.monotonic()
        with self._changing:
            late = [
                ident
                for ident, one in self._underway.items()
                if self._deadline_s and now_s - one.seen_s > self._deadline_s
            ]
            stuck = [self._underway.pop(ident) for ident in late]
        for ident in late:
            del self._threads[ident]
            self._start()
        for one in stuck:
            one.future.set_exception(WorkerLost(f"no progress for {self._deadline_s:g} s"))

    def close(self) -> None:
        """Stop after the calls into compiled code that are under way."""
        self._stop.set()
        with suppress(Empty):
            while found := self._todo.get_nowait():
                found[1].cancel()
        for _ in self._threads:
            self._todo.put(None)
        until_s = time.monotonic() + STOP_S
        for thread in self._threads.values():
            thread.join(max(0.0, until_s - time.monotonic()))
