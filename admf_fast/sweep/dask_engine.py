"""Chunks of a sweep on workers of Dask distributed, of this machine or of many."""

import contextlib
import time
import uuid
from concurrent.futures import CancelledError, Future
from pathlib import Path
from threading import Thread

import msgspec

from admf_fast import __version__
from admf_fast.config import Config, config_digest, to_yaml
from admf_fast.errors import AdmfError, StateError
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.chunk import Chunk
from admf_fast.sweep.dask_cluster import Connection, DaskSpec, connect, library
from admf_fast.sweep.engine import WorkerLost
from admf_fast.sweep.identity import code_digests
from admf_fast.sweep.parts import PartMaker, Sets
from admf_fast.sweep.remote import Job, run_chunk, stop, text_of
from admf_fast.sweep.work import Work
from admf_kernels.errors import KernelError

SIZE_S, WITHOUT_WORKERS_S = 2.0, 60.0
STOP_S = 0.1
KEPT = "finished parts are kept, the same command goes on from there"


class DaskEngine:
    """Workers of Dask that share a folder with this process: they read bars and write parts.

    Parameters
    ----------
    spec : DaskSpec
    config : Config
    maker : PartMaker
    work : Work
        Begun.
    sets : sequence of sequence
        All parameter sets.
    inputs : sequence of Bars
    """

    name = "dask"

    def __init__(
        self, spec: DaskSpec, config: Config, maker: PartMaker, work: Work, sets: Sets,
        inputs: list[Bars],
    ) -> None:  # fmt: skip
        self._sets = sets
        self._job = msgspec.to_builtins(job_of(config, maker, work, inputs))
        self._where = spec.scheduler or "the local workers"
        self._connection: Connection = connect(spec)
        self._executor = self._connection.client.get_executor(pure=False)
        self._pending: set[Future[int]] = set()
        self._size = self._connection.size()
        self._looked_s = self._seen_s = time.monotonic()

    @property
    def workers(self) -> int:
        """How many processes there are, or were when last looked."""
        return max(1, self._size[0])

    @property
    def threads(self) -> int:
        """How many threads they have together."""
        return max(1, self._size[1])

    def submit(self, chunk: Chunk) -> "Future[int]":
        """Compute a chunk on a worker; its bars times sets count when it is done."""
        place = (chunk.number, chunk.input, chunk.sets)
        text = text_of([self._sets[k] for k in chunk.sets])
        future: Future[int] = self._executor.submit(run_chunk, self._job, place, text)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def fault(self, error: Exception) -> Exception:
        """Return an error in the words of the user."""
        if isinstance(error, library().scheduler.KilledWorker):
            return WorkerLost(str(error))
        if isinstance(error, CancelledError):
            return StateError(f"{self._where}: the scheduler has gone; {KEPT}")
        if isinstance(error, AdmfError | KernelError):
            return error
        return StateError(
            f"{self._where}: a worker cannot run the sweep: {type(error).__name__}: {error}; "
            f"expected admf-fast {__version__} with all its packages on every worker"
        )

    def look(self) -> None:
        """Count the workers now and then; StateError when there have been none for a minute."""
        now_s = time.monotonic()
        if now_s - self._looked_s < SIZE_S:
            return
        self._looked_s = now_s
        try:
            self._size = self._connection.size()
        except OSError as error:
            raise StateError(f"{self._where}: the scheduler has gone; {KEPT}") from error
        self._connection.refill()
        if self._size[0]:
            self._seen_s = now_s
        elif now_s - self._seen_s > WITHOUT_WORKERS_S:
            raise StateError(f"{self._where}: no worker is left; start some; {KEPT}")

    def close(self) -> None:
        """Take back what is under way and leave; own workers are ended."""
        if self._pending:
            self._executor.shutdown(wait=False)
            if self._connection.cluster is None:
                self._stop_workers()
        self._connection.close()

    def _stop_workers(self) -> None:
        """Tell workers to stop after the call that is under way; not all of them may answer."""

        def tell() -> None:
            with contextlib.suppress(Exception):  # the client may be gone before they answer
                self._connection.client.run(stop, self._job["run"], on_error="ignore")

        teller = Thread(target=tell, daemon=True)
        teller.start()
        teller.join(STOP_S)


def job_of(config: Config, maker: PartMaker, work: Work, inputs: list[Bars]) -> Job:
    """Return what workers need to know of a sweep."""
    return Job(
        run=uuid.uuid4().hex, version=__version__, config=to_yaml(config),
        config_digest=config_digest(config), name=config.source.name,
        base_dir=str(Path(config.source.base_dir or ".").resolve()),
        code=code_digests(maker.runner.variants),
        types=[(name, str(kind)) for name, kind in maker.types.items()], keep=list(maker.keep),
        bars=[(one.symbol, one.count, one.digest) for one in inputs],
        work=str(work.folder.resolve()), key=work.key,
    )  # fmt: skip
