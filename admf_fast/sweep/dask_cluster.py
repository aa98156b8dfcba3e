"""A connection to Dask: a scheduler that runs already, or workers of our own on this machine.

Dask sends tasks between processes as pickles, and trusts whoever may connect. Own workers
listen on the loopback interface alone, serve no pages, and talk over TLS with keys made for
them alone, so that nobody else on the machine may. A scheduler for several machines belongs
into a network of its own, or behind TLS (Dask's own configuration).
"""

import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from admf_fast.errors import ConfigError, StateError

CONNECT_S, WORKERS_S = 10, 60
# Of own workers: what must be set before they start. One retry tells an accident from a set
# that kills; no route is served.
SETTINGS = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
LOOPBACK = "127.0.0.1"
MISSING = "--engine dask needs {}: pip install 'admf-fast[dask]', or use --engine threads"


@dataclass(frozen=True, slots=True)
class DaskSpec:
    """Where the workers are.

    Attributes
    ----------
    scheduler : str
        Address of a scheduler, such as ``tcp://10.0.0.1:8786``; empty for workers of our own.
    workers : int, optional
        Own processes, of one thread each; as many as there are cores.
    """

    scheduler: str = ""
    workers: int | None = None

    @property
    def own(self) -> int:
        """How many workers of our own there are to be; 0 with a scheduler."""
        return 0 if self.scheduler else self.workers or len(os.sched_getaffinity(0))


@dataclass(slots=True)
class Connection:
    """A client of a scheduler, and the cluster behind it if that is ours."""

    client: Any
    cluster: Any = None
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def close(self) -> None:
        """Leave; own workers are ended at once, as what they write is whole or not there."""
        with self._open:
            if self.cluster is not None:
                _kill(self.cluster)

    def refill(self) -> None:
        """Let own workers take the place of those that died while they were starting."""
        if self.cluster is not None and len(self.cluster.workers) < len(self.cluster.worker_spec):
            self.cluster.scale(len(self.cluster.worker_spec))

    def size(self) -> tuple[int, int]:
        """Return how many workers there are now, and threads of theirs."""
        found = self.client.scheduler_info(n_workers=0)
        return int(found["n_workers"]), int(found["total_threads"])


def cores_of(spec: DaskSpec) -> int:
    """Return how many threads there are, or will be; raises as `connect`."""
    if spec.own:
        return spec.own
    connection = connect(spec)
    try:
        return connection.size()[1]
    finally:
        connection.close()


def library() -> Any:
    """Return the package `distributed`; ConfigError where it is not installed."""
    try:
        import distributed
    except ImportError as error:
        raise ConfigError(MISSING.format("distributed")) from error
    return distributed


def connect(spec: DaskSpec) -> Connection:
    """Return a connection with at least one worker; close it.

    Raises ConfigError without the package or the scheduler, StateError without workers.
    """
    distributed = library()
    with contextlib.ExitStack() as opened:
        cluster = None
        if not spec.scheduler:
            cluster = _own_workers(distributed, spec.own, opened)
        client = _client(distributed, cluster or spec.scheduler)
        opened.callback(client.close)
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            raise StateError(
                f"{spec.scheduler or 'Dask'}: expected workers, found none in {WORKERS_S} s; "
                "start some: dask worker ADDRESS --nthreads 1"
            ) from error
        return Connection(client, cluster, opened.pop_all())


def _client(distributed: Any, where: Any) -> Any:
    try:
        return distributed.Client(where, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--scheduler {where}: expected the address of a Dask scheduler, found none in "
            f"{CONNECT_S} s ({error}); start one: dask scheduler"
        ) from error


def _own_workers(distributed: Any, workers: int, opened: contextlib.ExitStack) -> Any:
    """Return workers on this machine, which are ended with `opened`."""
    import dask

    opened.enter_context(_silent())
    folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="admf-dask-"))
    loop = _loop(opened)
    try:
        with dask.config.set(SETTINGS):
            cluster = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host=LOOPBACK,
                protocol="tls", security=True, dashboard_address=None, memory_limit=0, loop=loop,
                silence_logs=logging.CRITICAL, local_directory=folder,
                scheduler_kwargs={"dashboard_address": f"{LOOPBACK}:0"},
            )  # fmt: skip
    except ImportError as error:
        raise ConfigError(MISSING.format("cryptography")) from error
    except RuntimeError as error:
        raise StateError(
            f"workers of Dask could not be started ({error}); a script of your own that starts "
            'them needs its if __name__ == "__main__"'
        ) from error
    opened.callback(cluster.close)
    return cluster


def _loop(opened: contextlib.ExitStack) -> Any:
    """Return a running event loop whose processes do not hear Ctrl-C: we stop them ourselves.

    A terminal sends it to all processes of a command. Processes inherit what the thread that
    starts them blocks, also those that take the place of one that died.
    """
    from distributed.utils import LoopRunner

    runner: Any = LoopRunner()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        runner.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    opened.callback(runner.stop)
    return runner.loop


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask from telling on standard error what we tell ourselves."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _kill(cluster: Any) -> None:
    for nanny in cluster.workers.values():
        with contextlib.suppress(OSError):
            if nanny.pid:
                os.kill(nanny.pid, signal.SIGKILL)
