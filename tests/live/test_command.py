"""`admf live --run`, `status` and `control` as processes of their own."""

import json
import signal
import subprocess
import sys
import time

import pytest

from admf_fast.errors import ConfigError, StateError
from admf_fast.live.service import serve
from bench import soak_venue
from bench.soak import Limits, soak
from tests.live.followed import COMMAND, FOLLOWED, PATIENCE_S, ROOT, Followed, environment_of
from tests.live.kit import ToldClock, config_of

EXAMPLE = ROOT / "examples" / "sma_cross.yaml"
LINE = '{"ts":"2024-01-02T14:31:00Z","open":1,"high":2,"low":1,"close":2,"volume":9}'


@pytest.fixture
def environment():
    return environment_of()


@pytest.fixture
def admf(environment, tmp_path):
    def run(*arguments, **more):
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=PATIENCE_S,
            check=False, **more,
        )  # fmt: skip

    return run


@pytest.fixture
def followed(environment, tmp_path):
    made = []

    def start():
        made.append(Followed(tmp_path, environment))
        return made[-1]

    yield start
    for each in made:
        each.end()


def test_a_replayed_run_has_the_layers_of_the_backtest(admf, tmp_path):
    live = admf("live", EXAMPLE, "--feed", "replay:", "--run", "folder", "--json")
    assert live.returncode == 0, live.stderr
    backtest = admf("backtest", EXAMPLE, "--out", "history", "--no-parity", "--json")
    ours, theirs = json.loads(live.stdout), json.loads(backtest.stdout)

    assert ours["status"] == "ended"
    assert ours["layers"].keys() == theirs["layers"].keys()
    same = [name for name in ours["layers"] if ours["layers"][name] == theirs["layers"][name]]
    assert set(same) >= {"signals", "orders", "fills", "trades", "equity", "metrics"}
    assert (tmp_path / "folder" / "manifest.json").exists()
    refused = admf("backtest", EXAMPLE, "--out", "folder")  # its journal is never replaced
    assert (refused.returncode, "folder with other things" in refused.stderr) == (4, True)


def test_p09_stopped_started_killed_and_controlled(admf, followed):
    run = followed()
    run.write(0, 30)
    run.wait_for(bars=30, state="armed")

    second = admf("live", run.config, "--feed", f"follow:{run.bars}", "--run", run.folder)
    assert second.returncode == 4
    assert "is in use by process" in second.stderr
    assert admf("control", run.folder, "freeze", "--reason", "test").returncode == 0
    run.wait_for(state="frozen")
    status = admf("status", run.folder, "--json")
    assert (status.returncode, json.loads(status.stdout)["running"]) == (0, True)

    began = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    _, err = run.process.communicate(timeout=PATIENCE_S)
    assert run.process.returncode == 0, err
    assert time.monotonic() - began < 2.0 * 4  # 2 s on a machine that does nothing else
    assert "Stopped (SIGTERM) after 30 bars" in err
    assert run.status()["state"] == "stopped"

    again = followed()
    again.write(30, 40)
    again.wait_for(bars=40, state="frozen", starts=2)
    again.end()
    gone = admf("status", again.folder)
    assert gone.returncode == 4
    waiting = admf("control", again.folder, "resume", "--reason", "on", "--wait", "0")
    assert (waiting.returncode, "it waits in" in waiting.stdout) == (4, True)
    followed().wait_for(bars=40, state="armed", starts=3)


def test_a_soak_with_real_kills_ends_as_if_undisturbed():
    found = soak(Limits(kills=5, life_bars=20), 120)

    assert found.equal
    assert (found.lost_bars, found.doubled_bars, found.unanswered) == (0, 0, 0)
    assert found.doubled_orders == 0 < found.orders
    assert found.kills == 5
    assert found.kills_after_bars >= 2
    assert found.eventful_bars > 5


def test_o08_a_soak_with_real_kills_and_a_venue_doubles_no_order_and_loses_no_fill():
    found = soak_venue.soak(Limits(kills=3, life_bars=20), 200)

    assert found.equal
    assert found.orders > 0
    assert found.fills > 0
    assert (found.lost_bars, found.doubled_bars, found.doubled_fills) == (0, 0, 0)
    assert (found.doubled_orders, found.orders_without_intent) == (0, 0)
    assert found.starts >= 3


def test_the_example_of_a_crash_ends_as_the_backtest(environment, tmp_path):
    example = [sys.executable, str(ROOT / "examples" / "paper" / "crash.py"), str(tmp_path)]
    ran = subprocess.run(
        example, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("equal to the backtest, bit for bit\n")


class Early(ToldClock):
    def wall_ns(self):
        return 86_400 * 10**9


def test_p11_a_machine_that_says_1970_is_refused(tmp_path):
    with pytest.raises(StateError, match="says 1970-01-02T00:00:00Z: expected 2025 or later"):
        serve(config_of(), "stdin", tmp_path / "run", clock=Early())
    assert not (tmp_path / "run").exists()


def test_p10_a_folder_that_cannot_be_used_is_refused_at_the_start(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="expected a folder that can be written"):
        serve(config_of(), "follow:bars", tmp_path / "file" / "run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(StateError, match="found a folder with other things in it"):
        serve(config_of(), "follow:bars", tmp_path / "full")


def test_several_instruments_have_no_run_folder(tmp_path):
    from admf_fast.config import load_config

    config = load_config(ROOT / "examples" / "portfolio.yaml")
    with pytest.raises(ConfigError, match="expected one instrument with a run folder"):
        serve(config, "replay:", tmp_path / "run")


def test_a_reader_that_goes_does_not_end_the_run(environment, tmp_path):
    run = [*COMMAND, "live", str(EXAMPLE), "--feed", "replay:", "--run", "folder"]
    process = subprocess.Popen(
        run, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 0, err
    assert json.loads((tmp_path / "folder" / "status.json").read_text())["bars"] == 3270


def test_out_and_run_exclude_each_other(admf):
    ran = admf("live", EXAMPLE, "--feed", "replay:", "--run", "a", "--out", "b")
    assert (ran.returncode, "give one of them" in ran.stderr) == (2, True)


def test_lines_that_were_set_aside_are_told_at_the_end(environment, tmp_path):
    """Fault L13: what the guard set aside is also said where somebody looks."""
    (tmp_path / "c.yaml").write_text(FOLLOWED)
    done = subprocess.run(
        [*COMMAND, "live", tmp_path / "c.yaml", "--feed", "stdin", "--run", tmp_path / "run"],
        input=f"{LINE}\nno bar\n", env=environment, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "malformed 1" in done.stderr.splitlines()[-1]
