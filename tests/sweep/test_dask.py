"""A sweep on real workers of Dask: several processes, killed, stopped, poisoned, resumed."""

import contextlib
import json
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep import dask_cluster, dask_engine
from admf_fast.sweep.dask_cluster import DaskSpec
from admf_fast.sweep.isolation import REASON
from admf_fast.sweep.run import run_sweep
from tests.sweep.kit import BASE, ROOT, SMALL, config_of

distributed = pytest.importorskip(
    "distributed", reason="needs the extra dask: pip install 'admf-fast[dask]'"
)

psutil = pytest.importorskip("psutil")  # which it brings along

WORKERS = 2
TWO = SMALL + "  data: [../data/AAPL_1d.parquet, ../data/MSFT_1d.parquet]\n  keep: [signals]\n"
LONG = (
    "sweep: {grid: {strategy.params.fast: 'range(2, 17)', strategy.params.slow: 'range(50, 79)'}}"
)
MANY = 480  # sets of LONG


class Poison(distributed.WorkerPlugin):
    """While a file is there, a worker that runs the set fast 5, slow 50 without fee ends."""

    def __init__(self, path):
        self.path = path

    def setup(self, worker):
        from admf_fast.sweep.lanes import LaneRun

        feed = LaneRun.feed

        def poisoned(run, block):
            bad = any(
                (v.params.fast, v.params.slow, v.setup.config.costs.fee_bps) == (5, 50, 0)
                for v in run._variants
            )
            if bad and os.path.exists(self.path):
                time.sleep(0.5)  # a nanny replaces only what it knows to have started
                os._exit(1)
            return feed(run, block)

        LaneRun.feed = poisoned


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Workers behind a scheduler that tries a task once."""
    import dask

    settings = {**dask_cluster.SETTINGS, "distributed.scheduler.allowed-failures": 0}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"}, memory_limit=0,
            silence_logs=logging.CRITICAL, local_directory=tmp_path_factory.mktemp("dask"),
        ) as made,
    ):  # fmt: skip
        yield made


@pytest.fixture
def spec(cluster):
    return DaskSpec(cluster.scheduler_address)


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What one thread makes of the sweep over two instruments."""
    folder = tmp_path_factory.mktemp("whole")
    found = run_sweep(config_of(TWO), folder / "x.parquet", threads=1)
    return found.found.digest, files(folder)


@pytest.mark.parametrize("size", [None, 3])
def test_workers_make_the_bytes_that_threads_make(spec, whole, tmp_path, size):
    seen = []
    result = run_sweep(
        config_of(TWO), tmp_path / "x.parquet", dask=spec, chunk_sets=size,
        progress=lambda watched: seen.append((watched.done, watched.threads)),
    )  # fmt: skip

    assert (result.found.digest, files(tmp_path)) == whole
    assert (result.engine, result.workers, result.threads) == ("dask", WORKERS, WORKERS)
    assert result.bar_sets == 10 * 2 * 3270
    assert seen[0][1] == WORKERS


def stopped_runs():
    """Of a worker, from the oldest sweep to the newest."""
    from admf_fast.sweep import remote

    return [ready.maker.runner.stop.is_set() for ready in remote._ready.values()]


@pytest.mark.parametrize("first", ["threads", "dask"])
def test_either_engine_goes_on_where_the_other_stopped(
    cluster, spec, whole, tmp_path, first, monkeypatch
):
    monkeypatch.setattr(dask_engine, "STOP_S", 30.0)  # on a machine however busy

    def stop(watched):
        if watched.chunks >= 2:
            raise KeyboardInterrupt

    engines = [None, spec] if first == "threads" else [spec, None]
    path = tmp_path / "x.parquet"
    with pytest.raises(KeyboardInterrupt):
        run_sweep(config_of(TWO), path, chunk_sets=1, progress=stop, dask=engines[0], threads=1)
    assert not path.exists()
    if first == "dask":
        with distributed.Client(cluster) as client:
            assert any(runs[-1:] == [True] for runs in client.run(stopped_runs).values())
    result = run_sweep(config_of(TWO), path, dask=engines[1])

    assert result.chunks_kept >= 2
    assert (result.found.digest, files(tmp_path)) == whole


def test_c01_a_worker_that_is_killed_loses_nothing(cluster, spec, tmp_path):
    run_sweep(config_of(LONG), tmp_path / "a.parquet", threads=2)
    killed = []

    def kill(watched):
        if watched.chunks >= 1 and not killed:
            killed.append(next(nanny.pid for nanny in cluster.workers.values()))
            os.kill(killed[0], signal.SIGKILL)

    path = tmp_path / "b.parquet"
    result = run_sweep(config_of(LONG), path, dask=spec, chunk_sets=10, progress=kill)

    assert killed
    assert result.chunks >= MANY / 10
    assert result.found.failed == 0
    assert path.read_bytes() == (tmp_path / "a.parquet").read_bytes()


def test_c01_a_set_that_kills_workers_is_named_and_the_rest_completes(cluster, spec, tmp_path):
    poison = tmp_path / "poison"
    poison.touch()
    with distributed.Client(cluster) as client:
        client.register_plugin(Poison(str(poison)))
        run_sweep(config_of(SMALL), tmp_path / "x.parquet", dask=spec, chunk_sets=2)
    poison.unlink()
    run_sweep(config_of(SMALL), tmp_path / "y.parquet")
    found, good = (pl.read_parquet(tmp_path / f"{n}.parquet") for n in "xy")

    bad = pl.col("error").is_not_null()
    rows = found.filter(bad).select("fast", "slow", "costs.fee_bps", "error").rows()
    assert rows == [(5, 50, 0, REASON)]
    plain = [c for c in good.columns if not c.startswith("same")]
    rest = good.filter(pl.col("set") != found.filter(bad)["set"].item())
    assert found.filter(~bad).select(plain).equals(rest.select(plain))


def test_workers_of_another_version_are_one_clear_error(spec, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_engine, "__version__", "0.0.9")
    with pytest.raises(StateError, match=r"^worker on .*: expected admf-fast 0.0.9 as the driver"):
        run_sweep(config_of(SMALL), tmp_path / "x.parquet", dask=spec, chunk_sets=1)
    monkeypatch.undo()
    assert run_sweep(config_of(SMALL), tmp_path / "x.parquet", dask=spec).found.failed == 0


def test_a_scheduler_that_goes_away_leaves_the_parts(tmp_path):
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"}, host="127.0.0.1", protocol="tcp",
        silence_logs=logging.CRITICAL, local_directory=tmp_path / "dask",
    ) as own:  # fmt: skip

        def leave(watched):
            if watched.chunks >= 1:
                own.sync(own.scheduler.close)

        path, spec = tmp_path / "x.parquet", DaskSpec(own.scheduler_address)
        with pytest.raises(StateError, match="the scheduler has gone; finished parts are kept"):
            run_sweep(config_of(LONG), path, dask=spec, chunk_sets=10, progress=leave)
    assert run_sweep(config_of(LONG), path).chunks_kept >= 1


def test_without_scheduler_or_workers_it_is_said(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.5)
    with pytest.raises(ConfigError, match="expected the address of a Dask scheduler, found none"):
        run_sweep(config_of(SMALL), tmp_path / "x.parquet", dask=DaskSpec("tcp://127.0.0.1:1"))
    monkeypatch.setattr(dask_cluster, "WORKERS_S", 0.5)
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp",
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
    ) as empty:  # fmt: skip
        spec = DaskSpec(empty.scheduler_address)
        with pytest.raises(StateError, match="expected workers, found none"):
            run_sweep(config_of(SMALL), tmp_path / "x.parquet", dask=spec)


def test_bars_in_memory_are_not_sent(spec, tmp_path):
    with pytest.raises(ConfigError, match="expected files of bars for workers"):
        run_sweep(config_of(SMALL), tmp_path / "x.parquet", {"A": 1}, dask=spec)


def family_of(process):
    return [process, *process.children(recursive=True)]


def listening(family):
    """The addresses and ports that processes listen on."""
    found = set()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {tuple(c.laddr) for c in process.net_connections("inet") if not c.raddr}
    return found


def what_a_stranger_hears(address):
    """Why a port refuses a client without a certificate; one that serves pages says nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(address, timeout=3.0) as plain,
            context.wrap_socket(plain) as stranger,
        ):
            return stranger.recv(100)
    except OSError as error:
        return getattr(error, "reason", type(error).__name__)


@contextlib.contextmanager
def started(command, folder):
    """A process of a session of its own, which ends with the block."""
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_c02_own_workers_stop_with_their_terminal_and_hear_nobody_else(tmp_path):
    text = BASE.replace("../data", str(ROOT / "data"))
    grid = "{strategy.params.fast: 'range(2, 49)', strategy.params.slow: 'range(50, 1849)'}"
    (tmp_path / "long.yaml").write_text(f"{text}sweep: {{grid: {grid}}}\n")
    command = [sys.executable, "-m", "admf_fast.cli.main", "sweep", "long.yaml", "--out"]
    command.append("x.parquet")
    dask = ["--engine", "dask", "--workers", str(WORKERS)]
    deadline = time.monotonic() + 120.0
    addresses, heard = set(), []
    with started([*command, *dask], tmp_path) as process, ThreadPoolExecutor(16) as strangers:
        while not [*tmp_path.glob("x.parquet.work/part-*")]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            family = family_of(psutil.Process(process.pid))
            if not heard and len(addresses := listening(family)) >= 2 + 3 * WORKERS:
                heard = list(strangers.map(what_a_stranger_hears, addresses))
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
        _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert len(err.split("\n\n")) == 2, err
    assert "goes on from there" in err
    assert {address for address, _ in addresses} == {"127.0.0.1"}
    # The scheduler, its workers, and those who start them again.
    assert heard.count("TLSV13_ALERT_CERTIFICATE_REQUIRED") == 1 + 2 * WORKERS, heard
    assert not psutil.wait_procs(family, timeout=5.0)[1]

    done = subprocess.run(
        [*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert (found["engine"], found["workers"], found["failed"]) == ("threads", 1, 0)
    assert found["chunks_kept"] >= 1
