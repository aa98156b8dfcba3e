"""`admf baseline` and `admf rollout`, and the page of rollouts, on the shipped data."""

import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from admf_fast.cli.main import main

ROOT = Path(__file__).parents[2]
WHO = ["--operator", "Ada L.", "--reason", "figures reviewed"]
PLAN = "examples/rollout/plan.yaml"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A copy of examples and data, with a backtest and a paper run of the plan's configuration."""
    folder = tmp_path_factory.mktemp("rollout")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*.py"))
    config = str(folder / "examples" / "sma_cross.yaml")
    made = ["--out", str(folder / "runs" / "history"), "--no-parity"]
    assert main(["backtest", config, *made]) == 0
    paper = str(folder / "runs" / "paper")
    assert main(["live", config, "--feed", "replay:", "--out", paper, "--json"]) == 0
    return folder


@pytest.fixture
def run(place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    shutil.rmtree("runs/rollout_apple", ignore_errors=True)
    capsys.readouterr()

    def ran(*arguments):
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return ran


def test_a_baseline_is_printed_written_and_the_same_each_time(run):
    small = ["--window-days", "20", "--horizon-days", "20"]
    code, out, err = run("baseline", "runs/history", "--out", "b.json", *small)
    assert (code, err) == (0, "")
    for word in ("signal_frequency", "cost_bps", "window of 20 days", "Written: b.json"):
        assert word in out
    code, out, _ = run("baseline", "runs/history", "--json", *small)
    found = json.loads(out)
    assert found["digest"] == json.loads(Path("b.json").read_text())["digest"]
    assert found["figures"]["trades_per_day"]["value"] == pytest.approx(34 / 3171)
    code, _, err = run("baseline", "runs")
    assert (code, "expected a run directory" in err) == (4, True)
    code, _, err = run("baseline", "runs/history", "--window-days", "5000")
    assert (code, "expected at least 2 * monitor.window_days" in err) == (3, True)


def test_up_to_live_and_down_again(run):
    code, out, _ = run("rollout", "status", PLAN, "--json")
    assert (code, json.loads(out)["modes"]) == (0, {"backtest": 1.0, "paper": 0.0, "live": 0.0})
    code, out, err = run(
        "rollout", "check", PLAN, "--run", "runs/paper", "--against", "runs/history"
    )
    assert code == 6
    assert "mode of the run: expected backtest, found paper" in err
    assert run("rollout", "check", PLAN, "--run", "runs/history")[0] == 0
    assert run("rollout", "promote", PLAN, "--run", "runs/history", *WHO)[0] == 0
    code, _, err = run("rollout", "promote", PLAN, "--run", "runs/paper", *WHO)
    assert (code, "--against: expected a run of the model" in err) == (2, True)
    both = ["--run", "runs/paper", "--against", "runs/history"]
    code, out, _ = run("rollout", "check", PLAN, *both, "--json")
    shown = json.loads(out)
    assert (code, shown["passed"], shown["evidence"]["bars"]) == (0, True, 3270)
    assert (shown["evidence"]["logic_divergences"], shown["evidence"]["fills"]) == (0, 35)
    code, out, _ = run("rollout", "promote", PLAN, *both, *WHO, "--json")
    assert json.loads(out)["step"]["stage"] == "live-1"
    # A replay is paper, whatever it is called.
    code, _, err = run("rollout", "promote", PLAN, *both, *WHO)
    assert (code, "mode of the run: expected live, found paper" in err) == (4, True)
    code, out, _ = run("rollout", "status", PLAN)
    assert ["live", "1.00%", "1,000.00"] in [line.split() for line in out.splitlines()]
    code, out, _ = run("rollout", "demote", PLAN, *WHO)
    assert (code, out) == (0, "demote: live-1 -> paper (paper 100 %)\n")
    code, _, err = run("rollout", "promote", PLAN, *both, *WHO)
    assert (code, "bars: expected at least 2000, found 0" in err) == (4, True)


def test_another_configuration_or_run_is_refused_and_a_divergence_leads_down(run, place):
    assert run("rollout", "promote", PLAN, "--run", "runs/history", *WHO)[0] == 0
    both = ["--run", "runs/paper", "--against", "runs/history"]
    config = place / "examples" / "sma_cross.yaml"
    text = config.read_text()
    try:
        config.write_text(text.replace("fast: 20", "fast: 21"))
        code, _, err = run("rollout", "promote", PLAN, *both, *WHO)
        assert (code, "configuration now: expected the validated" in err) == (4, True)
    finally:
        config.write_text(text)
    manifest = place / "runs" / "paper" / "manifest.json"
    content = manifest.read_text()
    other = json.loads(content)
    other["layers"]["orders"] = "0" * 32
    try:
        manifest.write_text(json.dumps(other))
        code, _out, err = run("rollout", "check", PLAN, *both, "--record")
        assert code == 6
        assert "logic: expected no divergence, found 1, first orders" in err
        assert "paper" in run("rollout", "status", PLAN)[1]  # the plan leads to paper, where it is
    finally:
        manifest.write_text(content)


@pytest.mark.parametrize("page", ["rollout", "monitoring"])
def test_python_of_the_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / f"{page}.md").read_text()
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "block.py").write_text(block)
    assert "assert " in block
    runpy.run_path(str(tmp_path / "block.py"))


def test_the_commands_of_the_pages_run_as_they_are(run):
    for page in ("rollout", "monitoring"):
        text = (ROOT / "docs" / f"{page}.md").read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        commands = [c for block in blocks for c in block.splitlines() if c.startswith("admf ")]
        assert len(commands) >= 2
        for command in commands:
            code, _, err = run(*shlex.split(command, comments=True)[1:])
            assert code == 0, (command, err)
        shutil.rmtree("runs/rollout_apple", ignore_errors=True)
